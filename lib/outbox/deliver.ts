import { orReported, type Runtime } from '../runtime/runtime.ts';
import { isLeased, leaseEnd } from '../storage/lease.ts';
import type { Table } from '../storage/table.ts';
import { addSeconds, backoffSeconds } from './backoff.ts';
import type { EmailToSend, MessageSession, Renderer } from './content.ts';
import { acquireEmailSlot, type WaitingEmails } from './email-rate.ts';
import {
  findNotification,
  type Notification,
  type NotificationQueue,
  type NotificationTarget,
  notificationWrites,
} from './notification.ts';
import {
  type DeliveryPlan,
  earliest,
  planDelivery,
  remainingBackoff,
  startGeneration,
} from './plan-delivery.ts';
import { type SentEmails, saveDelivery } from './save-delivery.ts';
import { selectDestination, showMessage } from './show-message.ts';

export interface DeliverDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly table: Table;
  readonly notificationQueue: NotificationQueue;
}

/** One run of a function that delivers. */
export interface DeliveryRun<Message> extends DeliverDeps {
  readonly session: MessageSession<Message>;
  readonly waitingEmails: WaitingEmails;
}

/** The lease of one delivery, in milliseconds: the timeout of the function. */
const deliveryLeaseMs = 60_000;
/** The delay of the next look at a target whose lease another run holds, in seconds. */
export const busySeconds = 5;

/**
 * Delivers to the audience of a target what it has not received: reads the item and the content, acquires the lease with one
 * conditional write, which also counts the attempt, calls Slack and SNS, and saves the result under the lease. The item names the
 * next attempt before the first call, so a crash at any point loses nothing. Delivery is at least once.
 * @param leased the item if this run holds its lease already.
 */
export async function deliver<Message extends { readonly text: string }>(
  target: NotificationTarget,
  { load }: Renderer<Message>,
  run: DeliveryRun<Message>,
  leased?: Notification,
): Promise<void> {
  const received = leased ?? (await findNotification(target, run.table));
  const content = await load(target.id, received);
  if (!content) return postpone(target, received, undefined, run);
  const before = startGeneration(received, content.generation);
  const plan = await planDelivery(before, content, run.session, run.now(), leased !== undefined);
  const isDue = plan.showsMessage || plan.emails.length > 0;
  if (!leased && isLeased(received, run.now()))
    return isDue || plan.isOutdated ? enqueueLater(busySeconds, target, run) : undefined;
  if (!leased && !isDue) return postpone(target, received, plan.nextSeconds, run);
  const destination = selectDestination(before, content);
  const isPosting =
    plan.showsMessage && destination !== undefined && before.message?.channel !== destination.channel;
  const acquired = leased ?? (await acquireLease(received, before, plan, isPosting, run));
  if (!acquired) return enqueueLater(busySeconds, target, run);
  const sent = await sendEmails(plan.emails, run);
  const shown = plan.showsMessage ? await showMessage(acquired, content, run.session) : undefined;
  const availability = destination && shown ? await run.session.availability(destination) : 'ready';
  const retryAfter = typeof availability === 'object' ? availability.seconds : undefined;
  const isSaved = await saveDelivery(
    acquired,
    content,
    { sent, shown, plan, retryAfter, isAttempt: shown !== undefined || !leased },
    run,
  );
  // Another run took over the lease and posts the message itself.
  if (!isSaved && destination && shown?.posted) return run.session.remove(destination, shown.posted);
  const nextSeconds = earliest([plan.nextSeconds, sent.nextSeconds, retryAfter]);
  if (isSaved && nextSeconds !== undefined) await enqueueLater(nextSeconds, target, run);
}

/** The schedule of the pending sweep finds a later attempt by its item. */
const maxEnqueuedSeconds = 60;

async function enqueueLater(
  seconds: number,
  target: NotificationTarget,
  { notificationQueue }: DeliverDeps,
): Promise<void> {
  if (seconds < maxEnqueuedSeconds) await notificationQueue.enqueueAfter(seconds, [target]);
}

/** Notes the next attempt of a target for which this run can do nothing; no attempt if `seconds` is undefined. */
export async function postpone(
  target: NotificationTarget,
  received: Notification,
  seconds: number | undefined,
  run: DeliverDeps,
): Promise<void> {
  if (remainingBackoff(received, run.now()) > 0) return;
  if (seconds !== undefined && seconds < maxEnqueuedSeconds) return enqueueLater(seconds, target, run);
  const { nextAttemptAt, since: _since, ...rest } = received;
  if (seconds === undefined && nextAttemptAt === undefined) return;
  // Later failures count anew.
  const after =
    seconds === undefined
      ? { ...rest, attempts: 0 }
      : { ...received, nextAttemptAt: addSeconds(run.now(), seconds) };
  await run.table.write(notificationWrites(received, after));
}

/** Marks an attempt as begun. The item names the next one, in case this run crashes. */
export function beginAttempt(
  { contentHash: _hash, ...before }: Notification,
  isPosting: boolean,
  now: Date,
): Notification {
  const attempts = before.attempts + 1;
  const inDoubt = isPosting || before.inDoubt === true;
  return {
    ...before,
    ...(inDoubt && { inDoubt }),
    attempts,
    since: before.since ?? now.toISOString(),
    leaseUntil: leaseEnd(now, deliveryLeaseMs),
    nextAttemptAt: addSeconds(now, backoffSeconds(attempts, inDoubt)),
  };
}

/** @returns undefined if another run has acquired the lease. E-mails alone count no attempt. */
async function acquireLease(
  received: Notification,
  before: Notification,
  { showsMessage }: DeliveryPlan,
  isPosting: boolean,
  { table, now }: DeliverDeps,
): Promise<Notification | undefined> {
  const begun = beginAttempt(before, isPosting, now());
  const { attempts, contentHash, nextAttemptAt = begun.nextAttemptAt } = before;
  const leased = showsMessage
    ? begun
    : {
        ...begun,
        attempts,
        ...(nextAttemptAt !== undefined && { nextAttemptAt }),
        ...(contentHash !== undefined && { contentHash }),
      };
  const isWritten = await table.write(notificationWrites(received, leased));
  return isWritten ? { ...leased, version: received.version + 1 } : undefined;
}

async function sendEmails<Message>(
  emails: readonly EmailToSend[],
  run: DeliveryRun<Message>,
): Promise<SentEmails> {
  const emailed: Record<string, string> = {};
  const waits: number[] = [];
  for (const { address, version, send } of emails) {
    const seconds = await acquireEmailSlot(address, run.waitingEmails, run);
    if (seconds > 0) waits.push(seconds);
    else
      await orReported(run.reportError, 'send email', async () => {
        await send();
        emailed[address] = version;
      });
  }
  const isComplete = Object.keys(emailed).length === emails.length;
  return { emailed, isComplete, nextSeconds: earliest(waits) };
}
