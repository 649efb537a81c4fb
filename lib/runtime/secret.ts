import type { Runtime } from './runtime.ts';

/** A cached secret: any number of callers cause few reads of SSM. */
export interface Secret {
  /**
   * Returns the current value, then the previous one while it is still valid; empty while the secret is not set.
   * @throws UnreadableSecretError if the secret was never read, and cannot be read now.
   */
  values(): Promise<readonly string[]>;
  /**
   * Reads the secret again after a failed verification, because somebody may have rotated it.
   * @returns undefined if the last read is less than a minute ago, or if the read fails: the caller is refused.
   */
  refresh(): Promise<readonly string[] | undefined>;
}

class UnreadableSecretError extends Error {
  override readonly name = 'UnreadableSecretError';
}

/** The minimum interval between two reads of SSM, also after a failed read, so that callers cannot cause more. */
const minReadIntervalMs = 60_000;
/** The maximum time for which a revoked value stays valid. */
const cacheTtlMs = 5 * 60_000;

/** @param read returns the stored secret: one value, or the current and the previous one on two lines. */
export function cachedSecret(
  read: () => Promise<string>,
  { now, reportError }: Pick<Runtime, 'now' | 'reportError'>,
): Secret {
  let cachedValues: readonly string[] | undefined;
  let failure: unknown;
  let readAt = Number.NEGATIVE_INFINITY;
  let lastAttemptAt = Number.NEGATIVE_INFINITY;
  let pendingRead: Promise<void> | undefined;

  async function readSecret(): Promise<void> {
    lastAttemptAt = now().getTime();
    try {
      cachedValues = secretValues(await read());
      failure = undefined;
      readAt = lastAttemptAt;
    } catch (error) {
      failure = error;
      reportError(error, 'read secret');
    }
  }
  const isPast = (time: number, age: number) => now().getTime() - time >= age;
  const mayAsk = () => isPast(lastAttemptAt, minReadIntervalMs);

  return {
    async values() {
      if (isPast(readAt, cacheTtlMs) && mayAsk()) pendingRead = readSecret();
      await pendingRead;
      if (!cachedValues) throw new UnreadableSecretError('the secret cannot be read', { cause: failure });
      return cachedValues;
    },
    async refresh() {
      if (!mayAsk()) return undefined;
      pendingRead = readSecret();
      await pendingRead;
      return failure === undefined ? cachedValues : undefined;
    },
  };
}

/** Verifies with the cached values, and with fresh values if that fails, because somebody may have rotated the secret. */
export async function verifyWithSecret<T>(
  secret: Secret,
  prove: (values: readonly string[]) => T | undefined,
): Promise<T | undefined> {
  const proof = prove(await secret.values());
  if (proof !== undefined) return proof;
  const fresh = await secret.refresh();
  return fresh && prove(fresh);
}

/** Parses the stored secret: the current value, then the previous one. */
export function secretValues(stored: string): string[] {
  const lines = stored.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').slice(0, 2);
}
