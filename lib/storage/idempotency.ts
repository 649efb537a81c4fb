import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import { entity } from './entity.ts';
import { conflict, retryOnConflict } from './optimistic-lock.ts';
import type { Item, Key, Table } from './table.ts';
import { ttlInOneDay } from './ttl.ts';

/** The response of a request, for replay. */
export const StoredResponse = v.object({
  status: v.number(),
  headers: v.record(v.string(), v.string()),
  body: v.string(),
});
export type StoredResponse = v.InferOutput<typeof StoredResponse>;

/** A request with an idempotency key. DynamoDB deletes it after a day. */
const IdempotencyItem = v.object({
  /** Identifies the content of the request. Another request under the same key is refused. */
  fingerprint: v.string(),
  /** ISO 8601: the first attempt. */
  firstRequestedAt: v.string(),
  /** ISO 8601: the start of the current run; absent without a run. */
  runningSince: v.exactOptional(v.string()),
  response: v.exactOptional(StoredResponse),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});
type IdempotencyItem = v.InferOutput<typeof IdempotencyItem>;

const idempotencyEntity = entity(IdempotencyItem.entries);
export const readIdempotencyItem = idempotencyEntity.read;

/** The maximum duration of a run: slightly more than the timeout of on-api-request. */
export const maxRunMs = 30_000;

/** The state of the key. Only the run that gets `claimed` executes the request. */
export type IdempotencyRecord =
  | {
      readonly status: 'claimed';
      /** ISO 8601: the start of an earlier run that stopped at an unknown point; undefined for the first run. */
      readonly firstRequestedAt: string | undefined;
      saveResponse(response: StoredResponse): Promise<void>;
      /** Allows another run. */
      release(): Promise<void>;
    }
  | { readonly status: 'answered'; readonly response: StoredResponse }
  | { readonly status: 'running' }
  /** The key belongs to another request. */
  | { readonly status: 'reused' };

type IdempotencyDeps = { readonly table: Table } & Pick<Runtime, 'now'>;

/**
 * @param name identifies the request and is the same for each retry.
 * @throws OptimisticLockError
 */
export function withIdempotency(
  name: string,
  fingerprint: string,
  { table, now }: IdempotencyDeps,
): Promise<IdempotencyRecord> {
  const key: Key = { pk: `IDEMPOTENCY#${name}`, sk: 'REQUEST' };

  async function saveItem(value: Omit<IdempotencyItem, 'version'>, expected: number): Promise<boolean> {
    return table.write([{ put: idempotencyEntity.item(key, { ...value, version: expected + 1 }), expected }]);
  }

  return retryOnConflict(name, async (isFirst) => {
    // Nearly every key is new, so the first attempt writes without a read.
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
    if (!(await saveItem({ ...claimed, runningSince: time.toISOString() }, expected))) return conflict;
    return {
      status: 'claimed',
      firstRequestedAt: earlier?.firstRequestedAt,
      // If another run has taken over the claim, its response is valid.
      saveResponse: async (response) => void (await saveItem({ ...claimed, response }, expected + 1)),
      release: async () => void (await saveItem(claimed, expected + 1)),
    };
  });
}

async function find(key: Key, table: Table): Promise<IdempotencyItem | undefined> {
  const [item]: Item[] = await table.get([key]);
  return item && idempotencyEntity.read(item);
}

/** Whether a run is active. A run has stopped once it exceeds the maximum duration. */
function isRunning({ runningSince }: IdempotencyItem, now: Date): boolean {
  return runningSince !== undefined && now.getTime() - new Date(runningSince).getTime() < maxRunMs;
}
