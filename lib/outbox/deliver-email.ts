import { orReported } from '../runtime/runtime.ts';
import { isLeased } from '../storage/lease.ts';
import { type Write, writesPerTransaction } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import { isGivenUp } from './backoff.ts';
import { beginAttempt, busySeconds, type DeliverDeps } from './deliver.ts';
import { acquireEmailSlot } from './email-rate.ts';
import { type Notification, notificationWrites } from './notification.ts';

export interface DeliverEmailDeps extends DeliverDeps {
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** A target whose audience should get an e-mail. */
export interface DueEmail {
  readonly received: Notification;
  /** What the item records once the e-mail is sent. */
  readonly delivered: Pick<Notification, 'emailed' | 'service'>;
}

/** The answer of SNS, and the writes that linkgate saves with it. */
export interface EmailResult {
  /** False if a retry is useless. */
  readonly isAccepted: boolean;
  readonly writes: readonly Write[];
}

/** The number of seconds for which a run waits until an address may get the next e-mail. */
const maxWaitSeconds = 5;
/** A lease moves the pointer of the next attempt. */
const targetsPerTransaction = Math.floor(writesPerTransaction / 3) - 1;

/**
 * Sends one e-mail about several targets of one address: acquires the lease of each with a write that also names the next attempt,
 * sends, and saves the result under the leases. Targets that another run holds follow later. Delivery is at least once.
 * @param send throws if a retry may help.
 * @returns the number of targets in the e-mail.
 */
export async function deliverEmail<Due extends DueEmail>(
  address: string,
  due: readonly Due[],
  send: (leased: readonly Due[]) => Promise<EmailResult>,
  deps: DeliverEmailDeps,
): Promise<number> {
  const leased = await acquireLeases(due, deps);
  if (leased.length === 0) return 0;
  const result = await orReported(deps.reportError, 'send email', async () =>
    (await waitForEmailSlot(address, deps)) ? send(leased) : undefined,
  );
  const saves = [
    ...(result?.writes ?? []).map((write) => [write]),
    ...leased.map((each) => notificationWrites(each.received, endAttempt(each, result, deps.now()))),
  ];
  for (const chunk of chunks(saves, targetsPerTransaction)) {
    if (await deps.table.write(chunk.flat())) continue;
    // Another run took over an expired lease, and sends the e-mail again.
    for (const writes of chunk) await deps.table.write(writes);
  }
  return result?.isAccepted ? leased.length : 0;
}

async function waitForEmailSlot(address: string, deps: DeliverEmailDeps): Promise<boolean> {
  for (let seconds = 0; seconds < maxWaitSeconds; seconds++) {
    if ((await acquireEmailSlot(address, new Map(), deps)) === 0) return true;
    await deps.sleep(1000);
  }
  return false;
}

/** Acquires the leases that no other run holds. */
async function acquireLeases<Due extends DueEmail>(
  due: readonly Due[],
  deps: DeliverEmailDeps,
): Promise<Due[]> {
  const now = deps.now();
  const { busy = [], free = [] } = Object.groupBy(due, ({ received }) =>
    isLeased(received, now) ? 'busy' : 'free',
  );
  const leased: Due[] = [];
  for (const chunk of chunks(free, targetsPerTransaction)) {
    const begun = chunk.map((each) => {
      const after = { ...beginAttempt(each.received, false, now), version: each.received.version + 1 };
      return { writes: notificationWrites(each.received, after), due: { ...each, received: after } };
    });
    if (await deps.table.write(begun.flatMap(({ writes }) => writes)))
      leased.push(...begun.map(({ due }) => due));
    else busy.push(...chunk);
  }
  const targets = busy.map(({ received: { kind, id } }) => ({ kind, id }));
  if (targets.length > 0) await deps.notificationQueue.enqueueAfter(busySeconds, targets);
  return leased;
}

/** A failure keeps the next attempt that the lease has named. */
function endAttempt(
  { received, delivered }: DueEmail,
  result: EmailResult | undefined,
  now: Date,
): Notification {
  const { leaseUntil: _lease, since, nextAttemptAt, ...rest } = received;
  const isOver = result !== undefined || isGivenUp(received, false, now);
  if (!isOver) return { ...rest, ...(since && { since }), ...(nextAttemptAt && { nextAttemptAt }) };
  return { ...rest, ...(result?.isAccepted && delivered), attempts: 0 };
}
