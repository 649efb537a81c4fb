import { createHash } from 'node:crypto';
import type { Context, Next } from 'hono';
import { orReported } from '../runtime/runtime.ts';
import { type StoredResponse, withIdempotency } from '../storage/idempotency.ts';
import { OptimisticLockError } from '../storage/optimistic-lock.ts';
import { ApiError } from './api-error.ts';
import type { Env } from './env.ts';

const changing = ['POST', 'PUT', 'DELETE'];
const keyForm = /^[\x21-\x7e]{1,255}$/;
const retryAfterSeconds = 1;
const keptHeaders = ['content-type', 'location'];

/**
 * Carries a request that its caller named by an `Idempotency-Key` out once, and answers it again as the first time
 * (draft-ietf-httpapi-idempotency-key-header).
 */
export async function idempotency(context: Context<Env>, next: Next) {
  const key = keyIn(context);
  if (key === undefined || !changing.includes(context.req.method)) return next();
  if (!keyForm.test(key))
    throw new ApiError(400, 'InvalidRequest', 'an Idempotency-Key has 1 to 255 visible ASCII characters');

  const api = context.get('api');
  const claimed = await withIdempotency(hashOf(api.caller, key), await fingerprintOf(context), api);
  switch (claimed.status) {
    case 'answered':
      return replay(claimed.answer);
    case 'running':
      throw new ApiError(409, 'InProgress', 'the first request under this Idempotency-Key still runs', {
        retryAfterSeconds,
      });
    case 'reused':
      throw new ApiError(
        422,
        'IdempotencyKeyReused',
        'another request was sent under this Idempotency-Key; take a new key for each request',
      );
    case 'claimed':
      context.set('firstAskedAt', claimed.firstAskedAt);
      await next();
      // Where this fails the claim runs out, and the request may be carried out again.
      await orReported(api.reportError, async () =>
        isFinal(context) ? claimed.keep(await answerIn(context)) : claimed.release(),
      );
      return;
    default:
      throw claimed satisfies never;
  }
}

/** Hono's adapter drops headers of an event that are empty: who sent an empty key believes to be covered by it. */
function keyIn({ req, env }: Context<Env>): string | undefined {
  return req.header('idempotency-key') ?? env.event.headers?.['idempotency-key'];
}

/** Whether an earlier run of this very request, which could not answer, may have done it: what is to be removed is gone then. */
export function maybeReplay(context: Context<Env>): boolean {
  return context.get('firstAskedAt') !== undefined;
}

export const replayResponse =
  'there is nothing left to remove; an earlier run of this request has probably removed it';

/** Whether the same request would be answered the same way again. */
function isFinal({ res, error }: Context<Env>): boolean {
  return res.status < 500 && !(error instanceof OptimisticLockError);
}

async function fingerprintOf({ req, env }: Context<Env>): Promise<string> {
  const { routeKey, pathParameters = {} } = env.event;
  return hashOf(routeKey, Object.entries(pathParameters).sort(), new URL(req.url).search, await req.text());
}

function hashOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function answerIn({ res }: Context<Env>): Promise<StoredResponse> {
  const headers = keptHeaders.flatMap((name) => {
    const value = res.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return { status: res.status, headers: Object.fromEntries(headers), body: await res.clone().text() };
}

function replay({ status, headers, body }: StoredResponse): Response {
  return new Response(body, { status, headers: { ...headers, 'idempotency-replayed': 'true' } });
}
