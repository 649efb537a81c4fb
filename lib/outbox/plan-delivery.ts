import { backoffSeconds, remainingSeconds } from './backoff.ts';
import type { Content, EmailToSend, MessageSession } from './content.ts';
import type { Notification } from './notification.ts';
import { selectDestination } from './show-message.ts';

/** What a delivery does now. */
export interface DeliveryPlan {
  /** Whether Slack may not show the content. */
  readonly isOutdated: boolean;
  readonly showsMessage: boolean;
  readonly emails: readonly EmailToSend[];
  /** The seconds after which a part follows that this run leaves out. */
  readonly nextSeconds?: number | undefined;
  /** Slack is not connected. The sweep finds the target once it is. */
  readonly isOff: boolean;
}

/** Replaces the message of an earlier question by a new one. */
export function startGeneration(received: Notification, generation: string): Notification {
  if (received.generation === generation) return received;
  const { message, contentHash: _hash, digestId: _digestId, digestGroup: _digestGroup, ...rest } = received;
  return { ...rest, generation, outdated: message ? [...rest.outdated, message] : rest.outdated };
}

/** Selects the parts that are due: those that the audience has not received, unless a limit or a failure delays them. */
export async function planDelivery<Message>(
  before: Notification,
  content: Content<Message>,
  session: MessageSession<Message>,
  now: Date,
  isLeaseHeld: boolean,
): Promise<DeliveryPlan> {
  const { emails, intervalSeconds = { message: 0, email: 0 } } = content;
  const isOutdated = isMessageOutdated(before, content);
  const dueEmails = emails.filter(({ address, version }) => before.emailed[address] !== version);
  const emailSeconds =
    dueEmails.length > 0 ? remainingSeconds(before.emailedAt, intervalSeconds.email, now) : 0;
  const messageSeconds = isOutdated ? remainingSeconds(before.renderedAt, intervalSeconds.message, now) : 0;
  const waits = [emailSeconds, messageSeconds].filter((seconds) => seconds > 0);
  const plan = { isOutdated, emails: emailSeconds === 0 ? dueEmails : [], showsMessage: false, isOff: false };
  const isBackingOff = !isLeaseHeld && before.attempts > 0 && remainingBackoff(before, now) > 0;
  if (!isOutdated || messageSeconds > 0 || isBackingOff) return { ...plan, nextSeconds: earliest(waits) };
  const destination = selectDestination(before, content);
  const availability = destination ? await session.availability(destination) : 'ready';
  if (availability === 'ready') return { ...plan, showsMessage: true, nextSeconds: earliest(waits) };
  if (availability === 'off') return { ...plan, isOff: true, nextSeconds: earliest(waits) };
  const { seconds = backoffSeconds(before.attempts, before.inDoubt === true) } = availability;
  return { ...plan, nextSeconds: earliest([...waits, seconds]) };
}

function isMessageOutdated<Message>(
  { contentHash, message, outdated, repliedTo }: Notification,
  content: Content<Message>,
): boolean {
  const reply = content.slack?.reply;
  return (
    contentHash !== content.contentHash ||
    outdated.length > 0 ||
    (reply !== undefined && message !== undefined && reply.id !== repliedTo)
  );
}

/** @returns the seconds until the next attempt of an item; 0 if it is due. */
export function remainingBackoff({ nextAttemptAt }: Notification, now: Date): number {
  return nextAttemptAt === undefined
    ? 0
    : Math.max(new Date(nextAttemptAt).getTime() - now.getTime(), 0) / 1000;
}

export function earliest(seconds: readonly (number | undefined)[]): number | undefined {
  const known = seconds.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
