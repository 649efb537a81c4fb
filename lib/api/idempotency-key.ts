import { createHash } from 'node:crypto';
import type { Context, Next } from 'hono';
import { orReported } from '../runtime/runtime.ts';
import { type StoredResponse, withIdempotency } from '../storage/idempotency.ts';
import { OptimisticLockError } from '../storage/optimistic-lock.ts';
import { ApiError, invalidRequestError } from './api-error.ts';
import type { ApiEnv } from './env.ts';

const changingMethods = ['POST', 'PUT', 'DELETE'];
const idempotencyKeyPattern = /^[\x21-\x7e]{1,255}$/;
const retryAfterSeconds = 1;
const replayedHeaders = ['content-type', 'location'];

/**
 * Executes a request with an `Idempotency-Key` once, and then replays its response (draft-ietf-httpapi-idempotency-key-header).
 */
export async function handleIdempotencyKey(context: Context<ApiEnv>, next: Next) {
  const key = readIdempotencyKey(context);
  if (key === undefined || !changingMethods.includes(context.req.method)) return next();
  if (!idempotencyKeyPattern.test(key))
    throw invalidRequestError('an Idempotency-Key has 1 to 255 visible ASCII characters');

  const api = context.get('api');
  const claimed = await withIdempotency(hashJson(api.caller, key), await hashRequest(context), api);
  switch (claimed.status) {
    case 'answered':
      return replayStoredResponse(claimed.response);
    case 'running':
      throw new ApiError(409, 'InProgress', 'the first request with this Idempotency-Key is still running', {
        retryAfterSeconds,
      });
    case 'reused':
      throw new ApiError(
        422,
        'IdempotencyKeyReused',
        'another request used this Idempotency-Key; use a new key for each request',
      );
    case 'claimed':
      context.set('firstRequestedAt', claimed.firstRequestedAt);
      await next();
      // If this write fails, the record expires, and the request can run again.
      await orReported(api.reportError, 'save idempotency record', async () =>
        isReplayable(context) ? claimed.saveResponse(await toStoredResponse(context)) : claimed.release(),
      );
      return;
    default:
      throw claimed satisfies never;
  }
}

/** Reads the key from the event too: Hono's adapter drops an empty header, and an empty key has to be an error. */
function readIdempotencyKey({ req, env }: Context<ApiEnv>): string | undefined {
  return req.header('idempotency-key') ?? env.event.headers?.['idempotency-key'];
}

export const alreadyRemovedWarning =
  'there is nothing left to remove; an earlier run of this request has probably removed it';

/** Whether linkgate may replay the response. It does not replay a transient error. */
function isReplayable({ res, error }: Context<ApiEnv>): boolean {
  return res.status < 500 && !(error instanceof OptimisticLockError);
}

async function hashRequest({ req, env }: Context<ApiEnv>): Promise<string> {
  const { routeKey, pathParameters = {} } = env.event;
  return hashJson(routeKey, Object.entries(pathParameters).sort(), new URL(req.url).search, await req.text());
}

function hashJson(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function toStoredResponse({ res }: Context<ApiEnv>): Promise<StoredResponse> {
  const headers = replayedHeaders.flatMap((name) => {
    const value = res.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return { status: res.status, headers: Object.fromEntries(headers), body: await res.clone().text() };
}

function replayStoredResponse({ status, headers, body }: StoredResponse): Response {
  return new Response(body, { status, headers: { ...headers, 'idempotency-replayed': 'true' } });
}
