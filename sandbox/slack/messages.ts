import type { Clock } from '../clock.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import { type Block, listElements } from './blocks.ts';
import type { Person } from './workspace.ts';

/** The content of a message; `text` is the fallback for blocks. */
export interface Content {
  readonly text: string;
  readonly blocks?: readonly Block[];
}

export interface Message extends Content {
  readonly ts: string;
  /** The message that it replies to. */
  readonly thread_ts?: string;
}

export interface NewMessage extends Content {
  readonly channel: string;
  readonly threadTs?: string;
  /** The user of an ephemeral message, and its response URL. */
  readonly onlyFor?: Person & { readonly responseId: string };
}

interface StoredMessage extends Pick<NewMessage, 'channel' | 'onlyFor'> {
  readonly message: Message;
  /** The last content with elements to click; a client that has not updated can still click them. */
  readonly before?: readonly Block[];
}

export type Messages = ReturnType<typeof createMessages>;

export function createMessages(clock: Clock, openMap: OpenMap = inMemory) {
  const posted = openMap<StoredMessage>('slack/messages');
  const messageKey = (channel: string, ts: string) => `${channel} ${ts}`;
  const find = (channel: string, ts: string) => posted.get(messageKey(channel, ts));
  let lastMicroseconds = 0;

  /** Returns a timestamp that is unique in its channel. */
  function nextTs(): string {
    lastMicroseconds = Math.max(Math.floor(clock.now() * 1000), lastMicroseconds + 1);
    const rest = String(lastMicroseconds % 1_000_000).padStart(6, '0');
    return `${Math.floor(lastMicroseconds / 1_000_000)}.${rest}`;
  }

  function listMessages(matches: (one: StoredMessage) => boolean): Message[] {
    return [...posted.values()].filter(matches).map(({ message }) => message);
  }

  return {
    post({ channel, text, blocks, threadTs, onlyFor }: NewMessage): Message {
      const message: Message = {
        ts: nextTs(),
        text,
        ...(blocks && { blocks }),
        ...(threadTs !== undefined && { thread_ts: threadTs }),
      };
      posted.set(messageKey(channel, message.ts), { channel, message, ...(onlyFor && { onlyFor }) });
      return message;
    },
    find: (channel: string, ts: string): Message | undefined => find(channel, ts)?.message,
    /** Returns the last content with elements to click, from before an update. */
    before: (channel: string, ts: string): readonly Block[] => find(channel, ts)?.before ?? [],
    /** Whether the message is ephemeral; Slack's API cannot find such a message. */
    isEphemeral: (channel: string, ts: string): boolean => find(channel, ts)?.onlyFor !== undefined,
    /** Replaces the content. Without blocks the message loses its blocks. */
    replace(channel: string, ts: string, content: Content): void {
      const one = find(channel, ts);
      if (!one) throw new Error(`there is no message \`${ts}\` in \`${channel}\``);
      const { blocks, text: _, ...unchanged } = one.message;
      const isClickable = blocks?.some((block) => listElements(block).length > 0);
      const before = (isClickable ? blocks : one.before) ?? [];
      posted.set(messageKey(channel, ts), { ...one, message: { ...unchanged, ...content }, before });
    },
    remove: (channel: string, ts: string): void => void posted.delete(messageKey(channel, ts)),
    /** Lists messages without replies, the newest last, with the viewer's ephemeral ones. */
    inChannel: (channel: string, viewer?: Person): Message[] =>
      listMessages(
        ({ channel: storedChannel, message, onlyFor }) =>
          storedChannel === channel &&
          message.thread_ts === undefined &&
          (!onlyFor || (onlyFor.user === viewer?.user && onlyFor.team === viewer.team)),
      ),
    replies: (channel: string, threadTs: string): Message[] =>
      listMessages(
        ({ channel: storedChannel, message }) => storedChannel === channel && message.thread_ts === threadTs,
      ),
    /** Lists the ephemeral messages of one interaction. */
    answers: (responseId: string): Message[] =>
      listMessages(({ onlyFor }) => onlyFor?.responseId === responseId),
  };
}
