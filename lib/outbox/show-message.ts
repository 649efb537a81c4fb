import type { Content, Destination, MessageSession, SlackContent } from './content.ts';
import type { MessageId, Notification } from './notification.ts';

/** The result of posting or updating the message of a target. */
export interface ShownMessage {
  /** Whether Slack accepted every call. */
  readonly isComplete: boolean;
  /** Whether the answer to a post never came. */
  readonly inDoubt?: boolean;
  readonly message?: MessageId | undefined;
  /** The message that this run posted. */
  readonly posted?: MessageId;
  readonly outdated: readonly MessageId[];
  readonly repliedTo?: string | undefined;
}

/** @returns the channel of a target: the current one of its group while it is open, then that of its message. */
export function selectDestination<Message>(
  { message }: Pick<Notification, 'message'>,
  { isOpen, slack }: Pick<Content<Message>, 'isOpen' | 'slack'>,
): (Destination & { readonly slack: SlackContent<Message> }) | undefined {
  if (!slack) return undefined;
  const channel = message && !isOpen ? message.channel : slack.channel;
  return { group: slack.group, channel, slack };
}

/** Posts or updates the message of a target, posts a due reply in its thread, and replaces outdated messages. */
export async function showMessage<Message extends { readonly text: string }>(
  received: Notification,
  content: Content<Message>,
  session: MessageSession<Message>,
): Promise<ShownMessage> {
  const { message, outdated, repliedTo } = received;
  const destination = selectDestination(received, content);
  const before = { isComplete: true, message, outdated, repliedTo };
  if (!destination) return before;
  const shown =
    message?.channel === destination.channel
      ? await updateMessage(message, before, content, destination, session)
      : await postMessage(before, destination, session);
  return replaceOutdatedMessages(shown, destination, session);
}

type ChannelContent<Message> = NonNullable<ReturnType<typeof selectDestination<Message>>>;

async function postMessage<Message>(
  before: ShownMessage,
  destination: ChannelContent<Message>,
  session: MessageSession<Message>,
): Promise<ShownMessage> {
  const posted = await session.post(destination, await destination.slack.render());
  if (posted === 'failed') return { ...before, isComplete: false };
  if (posted === 'unknown') return { ...before, isComplete: false, inDoubt: true };
  return {
    isComplete: true,
    message: posted,
    posted,
    outdated: before.message ? [...before.outdated, before.message] : before.outdated,
    repliedTo: destination.slack.reply?.id ?? before.repliedTo,
  };
}

async function updateMessage<Message extends { readonly text: string }>(
  message: MessageId,
  before: ShownMessage,
  { isOpen }: Content<Message>,
  destination: ChannelContent<Message>,
  session: MessageSession<Message>,
): Promise<ShownMessage> {
  const { reply } = destination.slack;
  const rendered = await destination.slack.render();
  const outcome = await session.update(destination, message.ts, rendered);
  if (outcome === 'failed') return { ...before, isComplete: false };
  const isToReply = reply !== undefined && reply.id !== before.repliedTo;
  if (outcome === 'updated') {
    if (!isToReply) return before;
    const isPosted = await session.postText(destination, reply.text, message.ts);
    if (isPosted && reply.otherChannel !== undefined && reply.otherChannel !== message.channel)
      await session.postText({ ...destination, channel: reply.otherChannel }, reply.text);
    return isPosted ? { ...before, repliedTo: reply.id } : { ...before, isComplete: false };
  }
  // A reply below an outdated message would mislead, so linkgate posts a new message.
  if (isToReply) return postMessage({ ...before, message: undefined }, destination, session);
  if (isOpen || outcome === 'deleted') return before;
  return { ...before, isComplete: await session.postText(destination, rendered.text, message.ts) };
}

/** Replaces the outdated messages with a note that names the channel of the current one. */
async function replaceOutdatedMessages<Message>(
  shown: ShownMessage,
  { slack }: ChannelContent<Message>,
  session: MessageSession<Message>,
): Promise<ShownMessage> {
  if (!shown.message) return shown;
  const remaining: MessageId[] = [];
  for (const outdated of shown.outdated)
    if (!(await session.replaceOutdated(outdated, slack.renderOutdated(shown.message.channel))))
      remaining.push(outdated);
  return { ...shown, outdated: remaining, isComplete: shown.isComplete && remaining.length === 0 };
}
