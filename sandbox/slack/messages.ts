import type { Clock } from '../clock.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import { type Block, listElements } from './blocks.ts';
import { app } from './workspace.ts';

/** The content of a message; `text` is the fallback for blocks. */
export interface Content {
  readonly text: string;
  readonly blocks?: readonly Block[];
}

/** A message as `conversations.history` returns it. */
export interface Message extends Content {
  readonly type: 'message';
  readonly ts: string;
  readonly user: string;
  readonly bot_id: string;
  readonly app_id: string;
  readonly team: string;
  readonly thread_ts?: string;
  readonly reply_count?: number;
  readonly latest_reply?: string;
  readonly edited?: { readonly user: string; readonly ts: string };
}

export interface NewMessage extends Content {
  readonly channel: string;
  readonly threadTs?: string;
  /** The user of an ephemeral message, and its response URL. */
  readonly onlyFor?: { readonly user: string; readonly team: string; readonly responseId: string };
}

interface StoredMessage {
  readonly channel: string;
  readonly onlyFor?: NewMessage['onlyFor'];
  readonly message: Message;
  /** The last content with elements to click; a client that has not updated can still click them. */
  readonly before?: readonly Block[];
}

export interface Messages {
  post(posting: NewMessage): Message;
  find(channel: string, ts: string): Message | undefined;
  /** Returns the last content with elements to click, from before an update. */
  before(channel: string, ts: string): readonly Block[];
  /** Whether the message is ephemeral; Slack's API cannot find such a message. */
  isEphemeral(channel: string, ts: string): boolean;
  /** Replaces the content. Without blocks the message loses its blocks. */
  replace(channel: string, ts: string, content: Content): Message;
  remove(channel: string, ts: string): void;
  /** Lists messages without replies, the newest last, with the viewer's ephemeral ones. */
  inChannel(channel: string, viewer?: { readonly user: string; readonly team: string }): Message[];
  replies(channel: string, threadTs: string): Message[];
  /** Lists the ephemeral messages of one interaction. */
  answers(responseId: string): Message[];
}

export function createMessages(clock: Clock, openMap: OpenMap = inMemory): Messages {
  const posted = openMap<StoredMessage>('slack/messages');
  const messageKey = (channel: string, ts: string) => `${channel} ${ts}`;
  let lastMicroseconds = 0;

  /** Returns a timestamp that is unique in its channel. */
  function nextTs(): string {
    lastMicroseconds = Math.max(Math.floor(clock.now() * 1000), lastMicroseconds + 1);
    const rest = String(lastMicroseconds % 1_000_000).padStart(6, '0');
    return `${Math.floor(lastMicroseconds / 1_000_000)}.${rest}`;
  }

  function listMessages(channel: string, matches: (one: StoredMessage) => boolean): Message[] {
    return [...posted.values()]
      .filter((one) => one.channel === channel && matches(one))
      .map(({ message }) => withReplies(channel, message));
  }

  function repliesTo(channel: string, threadTs: string) {
    return [...posted.values()].filter(
      ({ channel: storedChannel, onlyFor, message }) =>
        storedChannel === channel && !onlyFor && message.thread_ts === threadTs && message.ts !== threadTs,
    );
  }

  function withReplies(channel: string, message: Message): Message {
    const replies = repliesTo(channel, message.ts);
    const latest_reply = replies.at(-1)?.message.ts;
    if (latest_reply === undefined) return message;
    return { ...message, thread_ts: message.ts, reply_count: replies.length, latest_reply };
  }

  return {
    post({ channel, text, blocks, threadTs, onlyFor }) {
      const message: Message = {
        type: 'message',
        ts: nextTs(),
        user: app.botUser,
        bot_id: app.botId,
        app_id: app.id,
        team: app.team,
        text,
        ...(blocks && { blocks }),
        ...(threadTs !== undefined && { thread_ts: threadTs }),
      };
      posted.set(messageKey(channel, message.ts), { channel, message, ...(onlyFor && { onlyFor }) });
      return message;
    },
    find(channel, ts) {
      const message = posted.get(messageKey(channel, ts))?.message;
      return message && withReplies(channel, message);
    },
    before: (channel, ts) => posted.get(messageKey(channel, ts))?.before ?? [],
    isEphemeral: (channel, ts) => posted.get(messageKey(channel, ts))?.onlyFor !== undefined,
    replace(channel, ts, { text, blocks }) {
      const one = posted.get(messageKey(channel, ts));
      if (!one) throw new Error(`there is no message \`${ts}\` in \`${channel}\``);
      const { blocks: _, edited: __, ...rest } = one.message;
      // Slack marks only a change of plain text as edited.
      const edited = { user: app.botUser, ts: nextTs() };
      const message = { ...rest, text, ...(blocks ? { blocks } : { edited }) };
      const clickable = one.message.blocks?.some((block) => listElements(block).length > 0);
      const before = (clickable ? one.message.blocks : one.before) ?? [];
      posted.set(messageKey(channel, ts), { ...one, message, before });
      return message;
    },
    remove: (channel, ts) => void posted.delete(messageKey(channel, ts)),
    inChannel: (channel, viewer) =>
      listMessages(
        channel,
        ({ message: { ts, thread_ts = ts }, onlyFor }) =>
          (thread_ts === ts || onlyFor !== undefined) &&
          (!onlyFor || (onlyFor.user === viewer?.user && onlyFor.team === viewer.team)),
      ),
    replies: (channel, threadTs) => repliesTo(channel, threadTs).map(({ message }) => message),
    answers: (responseId) =>
      [...posted.values()]
        .filter(({ onlyFor }) => onlyFor?.responseId === responseId)
        .map(({ message }) => message),
  };
}
