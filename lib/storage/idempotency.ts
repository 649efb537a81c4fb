import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import { entity } from './entity.ts';
import { conflict, retryOnConflict } from './optimistic-lock.ts';
import type { Item, Key, Table } from './table.ts';
import { ttlInOneDay } from './ttl.ts';

/** What a request was answered with, to be said again. */
export const StoredResponse = v.object({
  status: v.number(),
  headers: v.record(v.string(), v.string()),
  body: v.string(),
});
export type StoredResponse = v.InferOutput<typeof StoredResponse>;

/** What is remembered of a request that its caller named by a key. It vanishes a day later. */
const IdempotencyItem = v.object({
  /** What was asked under the key: another request is not answered in its place. */
  fingerprint: v.string(),
  /** ISO 8601: when it was asked first. */
  firstRequestedAt: v.string(),
  /** ISO 8601: since when a run works on it; left out where none does. */
  runningSince: v.exactOptional(v.string()),
  response: v.exactOptional(StoredResponse),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});
type IdempotencyItem = v.InferOutput<typeof IdempotencyItem>;

const idempotencyEntity = entity(IdempotencyItem.entries);
export const readIdempotencyItem = idempotencyEntity.read;

/** How long a run may work on a request, in milliseconds: a little longer than the function may run. */
export const maxRunMs = 30_000;

/** Whether a request is to be carried out: only by whoever holds the claim on its key. */
export type IdempotencyRecord =
  | {
      readonly status: 'claimed';
      /** ISO 8601: when an earlier run, of which nobody knows how far it came, may have begun with it; undefined on the first. */
      readonly firstRequestedAt: string | undefined;
      saveResponse(response: StoredResponse): Promise<void>;
      /** Lets it be carried out again. */
      release(): Promise<void>;
    }
  | { readonly status: 'answered'; readonly response: StoredResponse }
  | { readonly status: 'running' }
  /** The key names another request. */
  | { readonly status: 'reused' };

type IdempotencyDeps = { readonly table: Table } & Pick<Runtime, 'now'>;

/**
 * @param name of the request: the same for each time it is sent.
 * @throws OptimisticLockError
 */
export function withIdempotency(
  name: string,
  fingerprint: string,
  { table, now }: IdempotencyDeps,
): Promise<IdempotencyRecord> {
  const key: Key = { pk: `IDEMPOTENCY#${name}`, sk: 'REQUEST' };

  async function remember(remembered: Omit<IdempotencyItem, 'version'>, expected: number): Promise<boolean> {
    return table.write([
      { put: idempotencyEntity.item(key, { ...remembered, version: expected + 1 }), expected },
    ]);
  }

  return retryOnConflict(name, async (isFirst) => {
    // Nearly every key is new, which one write finds out.
    const before = isFirst ? undefined : await find(key, table);
    const time = now();
    const earlier = before && before.expiresAt * 1000 > time.getTime() ? before : undefined;
    if (earlier) {
      if (earlier.fingerprint !== fingerprint) return { status: 'reused' };
      if (earlier.response) return { status: 'answered', response: earlier.response };
      if (isRunning(earlier, time)) return { status: 'running' };
    }
    const claimed = {
      fingerprint,
      firstRequestedAt: earlier?.firstRequestedAt ?? time.toISOString(),
      expiresAt: ttlInOneDay(time),
    };
    const expected = before?.version ?? 0;
    if (!(await remember({ ...claimed, runningSince: time.toISOString() }, expected))) return conflict;
    return {
      status: 'claimed',
      firstRequestedAt: earlier?.firstRequestedAt,
      // Where somebody else took the claim over meanwhile, theirs counts.
      saveResponse: async (response) => void (await remember({ ...claimed, response }, expected + 1)),
      release: async () => void (await remember(claimed, expected + 1)),
    };
  });
}

async function find(key: Key, table: Table): Promise<IdempotencyItem | undefined> {
  const [item]: Item[] = await table.get([key]);
  return item && idempotencyEntity.read(item);
}

/** A run that is older than any may be has died. */
function isRunning({ runningSince }: IdempotencyItem, now: Date): boolean {
  return runningSince !== undefined && now.getTime() - new Date(runningSince).getTime() < maxRunMs;
}
