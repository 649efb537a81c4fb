import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import type { ReadDeps } from '../storage/entity.ts';
import { lease } from '../storage/lease.ts';
import type { Key } from '../storage/table.ts';
import { ttlInDays } from '../storage/ttl.ts';

/** SNS suspends an e-mail subscription that gets more than ten messages a second. */
const minIntervalMs = 1000;

/** A lease of one address, which no run releases. TTL deletes it. */
const emailRateLease = lease({ expiresAt: v.number() }, minIntervalMs);
export const readEmailRate = emailRateLease.read;

export const emailRateKey = (address: string): Key => ({ pk: 'EMAIL_RATE', sk: address });

/** The number of e-mails of this run that wait for each address. */
export type WaitingEmails = Map<string, number>;

/**
 * Acquires the right to send one e-mail to an address.
 * @returns 0, or the delay in seconds after which the caller tries again. The e-mails of a run queue up.
 */
export async function acquireEmailSlot(
  address: string,
  waiting: WaitingEmails,
  deps: ReadDeps & Pick<Runtime, 'now'>,
): Promise<number> {
  const expiresAt = ttlInDays(deps.now(), 1);
  const { lease: slot } = await emailRateLease.acquire(emailRateKey(address), () => ({ expiresAt }), deps);
  if (slot) return 0;
  const count = (waiting.get(address) ?? 0) + 1;
  waiting.set(address, count);
  return count;
}
