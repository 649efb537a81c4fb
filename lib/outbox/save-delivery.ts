import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import { omit } from '../values/omit.ts';
import { addSeconds, backoffSeconds, isGivenUp } from './backoff.ts';
import { type Content, isSameMessage } from './content.ts';
import { findNotification, type MessageId, type Notification, notificationWrites } from './notification.ts';
import { type DeliveryPlan, earliest } from './plan-delivery.ts';
import type { ShownMessage } from './show-message.ts';

/** The e-mails that SNS accepted. */
export interface SentEmails {
  /** The versions by address. */
  readonly emailed: Readonly<Record<string, string>>;
  readonly isComplete: boolean;
  /** The seconds after which an address may get the next e-mail. */
  readonly nextSeconds?: number | undefined;
}

interface Delivery {
  readonly plan: DeliveryPlan;
  readonly sent: SentEmails;
  readonly shown?: ShownMessage | undefined;
  /** False if an attempt was counted in advance, and the run did not call Slack. */
  readonly isAttempt: boolean;
  /** The seconds after which Slack accepts the next call. */
  readonly retryAfter?: number | undefined;
}

/**
 * Saves the result of a delivery under the lease, and releases it.
 * @returns false if another run holds the lease.
 */
export async function saveDelivery<Message>(
  acquired: Notification,
  content: Content<Message>,
  delivery: Delivery,
  { table, now }: { readonly table: Table; readonly now: () => Date },
): Promise<boolean> {
  return retryOnConflict(acquired.id, async (isFirst) => {
    const before = isFirst ? acquired : await findNotification(acquired, table);
    if (before.leaseUntil !== acquired.leaseUntil) return false;
    const after = applyDelivery(before, acquired, content, delivery, now());
    return (await table.write(notificationWrites(before, after))) ? true : conflict;
  });
}

function applyDelivery<Message>(
  before: Notification,
  acquired: Notification,
  { contentHash, isOpen, expiresAt }: Content<Message>,
  { plan, sent, shown, retryAfter, isAttempt }: Delivery,
  now: Date,
): Notification {
  const { since, ...rest } = omit(before, 'leaseUntil', 'nextAttemptAt', 'inDoubt', 'message');
  const { message, outdated } = mergeMessages(before, acquired, shown ?? acquired);
  const isShown = shown?.isComplete === true;
  const inDoubt = shown ? shown.inDoubt === true : isAttempt && before.inDoubt === true;
  const attempts = isShown ? 0 : before.attempts - (isAttempt ? 0 : 1);
  const isComplete = (isShown || !plan.isOutdated) && sent.isComplete && plan.nextSeconds === undefined;
  const afterFailureSeconds = retryAfter ?? backoffSeconds(attempts, inDoubt);
  const isOver = isComplete || (plan.isOff && sent.isComplete) || isGivenUp(before, isOpen, now);
  return {
    ...rest,
    ...(message && { message }),
    outdated,
    ...(shown?.repliedTo !== undefined && { repliedTo: shown.repliedTo }),
    ...(isShown && { contentHash, renderedAt: now.toISOString() }),
    emailed: { ...rest.emailed, ...sent.emailed },
    ...(plan.emails.length > 0 && sent.isComplete && { emailedAt: now.toISOString() }),
    ...(inDoubt && { inDoubt }),
    ...(expiresAt !== undefined && { expiresAt }),
    attempts,
    ...(!isComplete && since !== undefined && { since }),
    ...(!isOver && {
      nextAttemptAt: nextAttempt(before, { plan, sent }, afterFailureSeconds, now),
    }),
  };
}

/** A part that waits for its limit comes first; then the next attempt at Slack, which a run without one leaves as it is. */
function nextAttempt(
  before: Notification,
  { plan, sent }: Pick<Delivery, 'plan' | 'sent'>,
  afterFailureSeconds: number,
  now: Date,
): string {
  const planned = plan.showsMessage || !plan.isOutdated ? undefined : before.nextAttemptAt;
  return planned ?? addSeconds(now, earliest([plan.nextSeconds, sent.nextSeconds]) ?? afterFailureSeconds);
}

/** Merges the messages with those of a click, which may have adopted a copy as the message, or named it as outdated. */
function mergeMessages(
  before: Notification,
  acquired: Notification,
  { message, outdated }: Pick<ShownMessage, 'message' | 'outdated'>,
): { readonly message?: MessageId | undefined; readonly outdated: MessageId[] } {
  const isKnown = (each: MessageId) => acquired.outdated.some((known) => isSameMessage(known, each));
  const clicked = before.outdated.filter((each) => !isKnown(each));
  const adopted = isSameMessage(before.message, acquired.message) ? undefined : before.message;
  const all = [...outdated, ...clicked, ...(message && adopted ? [adopted] : [])];
  return { message: message ?? adopted, outdated: all };
}
