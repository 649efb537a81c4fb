import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import { rethrow } from './entity.ts';
import { lease } from './lease.ts';
import type { Table } from './table.ts';
import { ttlInDays } from './ttl.ts';

/** The response of a request, for replay. */
export const StoredResponse = v.object({
  status: v.number(),
  headers: v.record(v.string(), v.string()),
  body: v.string(),
});
export type StoredResponse = v.InferOutput<typeof StoredResponse>;

/** The maximum duration of a run: slightly more than the timeout of on-api-request. */
export const maxRunMs = 30_000;

const IdempotencyItem = v.object({
  /** Identifies the content of the request. Another request under the same key is refused. */
  fingerprint: v.string(),
  /** ISO 8601: the first attempt. */
  firstRequestedAt: v.string(),
  response: v.exactOptional(StoredResponse),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
});
type IdempotencyItem = v.InferOutput<typeof IdempotencyItem>;

/** The lease of a request with an idempotency key. Only one run executes the request. DynamoDB deletes the item after a day. */
const idempotencyLease = lease(IdempotencyItem.entries, maxRunMs);
export const readIdempotencyItem = idempotencyLease.read;

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

/**
 * @param name identifies the request and is the same for each retry.
 * @throws OptimisticLockError
 */
export async function withIdempotency(
  name: string,
  fingerprint: string,
  { table, now }: { readonly table: Table } & Pick<Runtime, 'now'>,
): Promise<IdempotencyRecord> {
  const time = now();
  const startRun = (before: IdempotencyItem | undefined) => {
    const earlier = unlessExpired(before, time);
    if (earlier && (earlier.fingerprint !== fingerprint || earlier.response)) return undefined;
    return {
      fingerprint,
      firstRequestedAt: earlier?.firstRequestedAt ?? time.toISOString(),
      expiresAt: ttlInDays(time, 1),
    };
  };
  const { lease: run, before } = await idempotencyLease.acquire(
    { pk: `IDEMPOTENCY#${name}`, sk: 'REQUEST' },
    startRun,
    { table, now, reportError: rethrow },
    { isUsuallyNew: true },
  );
  const earlier = unlessExpired(before, time);
  if (!run && earlier?.fingerprint !== fingerprint) return { status: 'reused' };
  if (!run && earlier?.response) return { status: 'answered', response: earlier.response };
  if (!run) return { status: 'running' };
  // If another run has taken over, its response is valid.
  const finishRun = async (payload: IdempotencyItem) =>
    void (await table.write([idempotencyLease.release(run, payload).write]));
  return {
    status: 'claimed',
    firstRequestedAt: earlier?.firstRequestedAt,
    saveResponse: (response) => finishRun({ ...run.payload, response }),
    release: () => finishRun(run.payload),
  };
}

/** DynamoDB may delete an item days after it expires. */
function unlessExpired(item: IdempotencyItem | undefined, now: Date): IdempotencyItem | undefined {
  return item && item.expiresAt * 1000 > now.getTime() ? item : undefined;
}
