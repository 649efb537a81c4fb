import * as v from 'valibot';
import type { Block, ModalView, SlackMessage } from './blocks.ts';
import { slackLimits, truncate } from './mrkdwn.ts';

/** The Slack Web API methods that linkgate calls. */
export interface SlackWebApi {
  post(message: MessageToPost): Promise<SlackMessageId>;
  update(message: SlackMessageId & SlackMessage): Promise<void>;
  /** Succeeds also if the message no longer exists. */
  remove(message: SlackMessageId): Promise<void>;
  openView(triggerId: string, view: ModalView): Promise<void>;
  /** Identifies the workspace and bot user of the token. */
  authTest(): Promise<{ teamId: string; botUserId: string; url: string; scopes: string[] }>;
}

export interface SlackMessageId {
  readonly channel: string;
  readonly ts: string;
}

export interface MessageToPost extends Omit<SlackMessage, 'blocks'> {
  readonly channel: string;
  readonly blocks?: readonly Block[];
  /** The `ts` of the message that starts the thread. */
  readonly threadTs?: string;
}

interface SlackWebApiOptions {
  /** `https://slack.com/api`, or GovSlack's. */
  readonly url: string;
  /** The current bot token, and the previous one during a rotation. */
  readonly tokens: () => Promise<readonly string[]>;
  /** Reads the tokens again, at most once a minute; undefined in between. */
  readonly refreshedTokens?: () => Promise<readonly string[] | undefined>;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
}

/** A Slack Web API call failed. */
export class SlackError extends Error {
  override readonly name = 'SlackError';
  /** The error code of Slack, or `timeout`, `unreachable`, `http_500`. */
  readonly error: string;
  readonly method: string;
  /** The `Retry-After` header of Slack. */
  readonly retryAfterSeconds: number | undefined;

  constructor(method: string, error: string, retryAfterSeconds?: number, options?: ErrorOptions) {
    super(`Slack refused ${method}: \`${error}\``, options);
    this.method = method;
    this.error = error;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** A retry fails until somebody changes the app or the workspace. */
  get isPermanent(): boolean {
    return !transientSlackErrors.has(this.error) && !this.error.startsWith('http_5');
  }

  /** Slack may have performed the call. */
  get isInDoubt(): boolean {
    return inDoubtSlackErrors.has(this.error);
  }
}

const rateLimitedError = 'ratelimited';
const transientSlackErrors = new Set([
  rateLimitedError,
  'timeout',
  'unreachable',
  'service_unavailable',
  'internal_error',
  'fatal_error',
  'request_timeout',
]);
const inDoubtSlackErrors = new Set([
  'timeout',
  'unreachable',
  'internal_error',
  'fatal_error',
  'request_timeout',
  'http_500',
  'http_502',
  'http_504',
]);
/** Whether a call with another token may succeed. */
const tokenErrors = new Set([
  'invalid_auth',
  'not_authed',
  'token_revoked',
  'token_expired',
  'account_inactive',
]);
const blockErrors = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'msg_too_long',
]);

const WebApiResponse = v.looseObject({ ok: v.boolean(), error: v.optional(v.string()) });
const PostMessageResponse = v.object({ channel: v.string(), ts: v.string() });
const AuthTestResponse = v.object({ team_id: v.string(), user_id: v.string(), url: v.string() });

/** Does not retry, because Slack may have posted a message whose response was lost. */
export function slackWebApi({
  url,
  tokens,
  refreshedTokens,
  fetch,
  timeoutMs,
}: SlackWebApiOptions): SlackWebApi {
  async function callWithToken(token: string, method: string, body: object) {
    const response = await fetch(`${url}/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 429)
      throw new SlackError(method, rateLimitedError, readRetryAfterSeconds(response));
    if (!response.ok) throw new SlackError(method, `http_${response.status}`);
    const answer = v.parse(WebApiResponse, await response.json());
    if (!answer.ok) throw toSlackError(method, answer.error ?? 'unknown', response);
    return { answer, response };
  }

  async function callWithTokens(candidates: readonly string[], method: string, body: object) {
    let tokenError = new SlackError(method, 'not_authed');
    for (const token of candidates)
      try {
        return await callWithToken(token, method, body);
      } catch (cause) {
        const error = cause instanceof SlackError ? cause : toNetworkError(method, cause);
        if (!tokenErrors.has(error.error)) throw error;
        tokenError = error;
      }
    return tokenError;
  }

  /** @throws SlackError */
  async function callMethod(method: string, body: object) {
    const knownTokens = await tokens();
    const result = await callWithTokens(knownTokens, method, body);
    if (!(result instanceof SlackError)) return result;
    const newTokens = ((await refreshedTokens?.()) ?? []).filter((token) => !knownTokens.includes(token));
    const secondResult = newTokens.length > 0 ? await callWithTokens(newTokens, method, body) : result;
    if (secondResult instanceof SlackError) throw secondResult;
    return secondResult;
  }

  /** Sends plain text if Slack rejects the blocks. */
  async function sendMessage(method: string, message: { text: string; blocks?: readonly Block[] }) {
    try {
      return await callMethod(method, message);
    } catch (error) {
      if (!(error instanceof SlackError && blockErrors.has(error.error))) throw error;
      const { blocks: _rejected, ...plain } = message;
      return callMethod(method, { ...plain, text: truncate(slackLimits.text / 2, { markup: message.text }) });
    }
  }

  return {
    async post({ threadTs, ...message }) {
      const posting = {
        ...message,
        ...(threadTs !== undefined && { thread_ts: threadTs }),
        unfurl_links: false,
        unfurl_media: false,
      };
      const { answer } = await sendMessage('chat.postMessage', posting);
      const { channel, ts } = v.parse(PostMessageResponse, answer);
      return { channel, ts };
    },
    async update(message) {
      await sendMessage('chat.update', message);
    },
    async remove({ channel, ts }) {
      try {
        await callMethod('chat.delete', { channel, ts });
      } catch (error) {
        if (!(error instanceof SlackError && error.error === 'message_not_found')) throw error;
      }
    },
    async openView(triggerId, view) {
      await callMethod('views.open', { trigger_id: triggerId, view });
    },
    async authTest() {
      const { answer, response } = await callMethod('auth.test', {});
      const { team_id: teamId, user_id: botUserId, url: address } = v.parse(AuthTestResponse, answer);
      const scopes = (response.headers.get('x-oauth-scopes') ?? '').split(/,\s*/).filter(Boolean);
      return { teamId, botUserId, url: address, scopes };
    },
  };
}

function toSlackError(method: string, error: string, response: Response): SlackError {
  return error === rateLimitedError || error === 'rate_limited'
    ? new SlackError(method, rateLimitedError, readRetryAfterSeconds(response))
    : new SlackError(method, error);
}

/** Reads the `Retry-After` header of a 429 response; 30 seconds if it is missing or invalid. */
function readRetryAfterSeconds(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 30;
}

function toNetworkError(method: string, cause: unknown): SlackError {
  const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
  return new SlackError(method, isTimeout ? 'timeout' : 'unreachable', undefined, { cause });
}
