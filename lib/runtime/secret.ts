import type { Runtime } from './runtime.ts';

/** A secret that is read from its store seldom, whoever calls however often. */
export interface Secret {
  /**
   * The current value, then the previous one while it is still accepted; none where nobody has put one in.
   * @throws UnreadableSecretError where it was never read, and cannot be.
   */
  values(): Promise<readonly string[]>;
  /**
   * Reads anew what may have been rotated just now, for a caller whose proof none of the values fits.
   * @returns undefined where the store was asked less than a minute ago, or fails: the caller is refused.
   */
  refresh(): Promise<readonly string[] | undefined>;
}

export class UnreadableSecretError extends Error {
  override readonly name = 'UnreadableSecretError';
}

/** Nobody can drive more calls to the store than one in this time, in milliseconds, whether it answers or not. */
const minReadIntervalMs = 60_000;
/** For how long a value that was taken back may still be accepted, in milliseconds. */
const cacheTtlMs = 5 * 60_000;

/** @param read the secret as it is kept: one value, or the current and the previous one on two lines. */
export function cachedSecret(
  read: () => Promise<string>,
  { now, reportError }: Pick<Runtime, 'now' | 'reportError'>,
): Secret {
  let known: readonly string[] | undefined;
  let failure: unknown;
  let readAt = Number.NEGATIVE_INFINITY;
  let lastAttemptAt = Number.NEGATIVE_INFINITY;
  let pendingRead: Promise<void> | undefined;

  async function readSecret(): Promise<void> {
    lastAttemptAt = now().getTime();
    try {
      known = secretValues(await read());
      failure = undefined;
      readAt = lastAttemptAt;
    } catch (error) {
      failure = error;
      reportError(error);
    }
  }
  const isPast = (time: number, age: number) => now().getTime() - time >= age;
  const mayAsk = () => isPast(lastAttemptAt, minReadIntervalMs);

  return {
    async values() {
      if (isPast(readAt, cacheTtlMs) && mayAsk()) pendingRead = readSecret();
      await pendingRead;
      if (!known) throw new UnreadableSecretError('the secret cannot be read', { cause: failure });
      return known;
    },
    async refresh() {
      if (!mayAsk()) return undefined;
      pendingRead = readSecret();
      await pendingRead;
      return failure === undefined ? known : undefined;
    },
  };
}

/** Proves something by the values that are known or, since they may have been rotated just now, by those that are read anew. */
export async function verifyWithSecret<T>(
  secret: Secret,
  prove: (values: readonly string[]) => T | undefined,
): Promise<T | undefined> {
  const proof = prove(await secret.values());
  if (proof !== undefined) return proof;
  const fresh = await secret.refresh();
  return fresh && prove(fresh);
}

/** Of a secret as it is kept: the current value, then the previous one. */
export function secretValues(kept: string): string[] {
  const lines = kept.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').slice(0, 2);
}
