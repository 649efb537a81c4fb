import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import { type Level, takeToken } from '../token-bucket.ts';
import type { Messages } from './messages.ts';
import { SlackApiError } from './slack-error.ts';
import type { Views } from './views.ts';
import { webApiMethods } from './web-api-methods.ts';
import { app } from './workspace.ts';

export interface ApiCall {
  readonly method: string;
  /** The token of `Authorization: Bearer`. */
  readonly token: string | undefined;
  /** Undefined if the body is malformed. */
  readonly input: Readonly<Record<string, unknown>> | undefined;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: object;
}

export interface WebApiOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly messages: Messages;
  readonly views: Views;
  readonly botToken: string;
  readonly isThrottled: () => boolean;
  readonly openMap?: OpenMap;
}

/** Slack's Web API. `/_sandbox/faults` injects errors that the methods themselves never return. */
export function createWebApi(options: WebApiOptions) {
  const { clock, faults, botToken, isThrottled, openMap = inMemory } = options;
  const methods = webApiMethods(options);
  const levels = openMap<Level>('slack/token-buckets');

  async function answer({ method, token, input }: ApiCall): Promise<object> {
    const apiMethod = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!apiMethod) throw new SlackApiError('unknown_method');
    if (token === undefined) throw new SlackApiError('not_authed');
    if (token !== botToken) throw new SlackApiError('invalid_auth');
    if (!input) throw new SlackApiError('invalid_json');
    const { bucket, bucketKey = () => '', call } = apiMethod;
    const waitSeconds = isThrottled()
      ? takeToken(levels, `${method} ${bucketKey(input)}`, bucket, clock.now())
      : 0;
    if (waitSeconds > 0) throw new RateLimitedError(Math.ceil(waitSeconds));

    const fault = faults.findCallFault('slack', method, { principal: app.name });
    if (fault?.delayMs) await pause(fault.delayMs);
    const failure = fault && (fault.error ?? (fault.delayMs ? undefined : 'internal_error'));
    if (failure !== undefined && !fault?.afterEffect) throw faultAsSlackError(failure);
    const result = call(input);
    if (failure !== undefined) throw faultAsSlackError(failure);
    return result;
  }

  return async (call: ApiCall): Promise<ApiResponse> => {
    const headers = { 'x-oauth-scopes': app.scopes.join(',') };
    try {
      return { status: 200, headers, json: { ok: true, ...(await answer(call)) } };
    } catch (error) {
      if (!(error instanceof SlackApiError)) throw error;
      const wait = error instanceof RateLimitedError && { 'retry-after': String(error.retryAfterSeconds) };
      return {
        status: statuses[error.error] ?? 200,
        headers: { ...headers, ...wait },
        json: toErrorBody(error),
      };
    }
  };
}

/** All other errors have status 200. */
const statuses: Readonly<Record<string, number>> = { ratelimited: 429, service_unavailable: 503 };

class RateLimitedError extends SlackApiError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('ratelimited');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const defaultRetryAfterSeconds = 30;

/** Converts the error of a fault. */
function faultAsSlackError(error: string): SlackApiError {
  return error === 'ratelimited' ? new RateLimitedError(defaultRetryAfterSeconds) : new SlackApiError(error);
}

export function toErrorBody({ error, problems }: SlackApiError): object {
  if (problems.length === 0) return { ok: false, error };
  const messages = problems.map((problem) => `[ERROR] ${problem}`);
  return { ok: false, error, response_metadata: { messages } };
}
