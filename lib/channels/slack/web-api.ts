import * as v from 'valibot';
import type { Block, Message, View } from './blocks.ts';
import { limits, truncate } from './mrkdwn.ts';

/** What linkgate does in Slack, by the Web API. */
export interface SlackWebApi {
  post(message: MessageToPost): Promise<MessageId>;
  update(message: MessageId & Message): Promise<void>;
  /** A message that is gone already counts as removed. */
  remove(message: MessageId): Promise<void>;
  openView(triggerId: string, view: View): Promise<void>;
  updateView(viewId: string, view: View): Promise<void>;
  /** Whom the token stands for. */
  authTest(): Promise<{ teamId: string; botUserId: string; url: string; scopes: string[] }>;
}

export interface MessageId {
  readonly channel: string;
  readonly ts: string;
}

export interface MessageToPost extends Omit<Message, 'blocks'> {
  readonly channel: string;
  readonly blocks?: readonly Block[];
  /** Of the message to answer. */
  readonly threadTs?: string;
}

interface Options {
  /** `https://slack.com/api`, or GovSlack's. */
  readonly url: string;
  /** The current bot token, and the one before while it may still be the valid one. */
  readonly tokens: () => Promise<readonly string[]>;
  /** Reads them afresh, now and then. */
  readonly refreshedTokens?: () => Promise<readonly string[] | undefined>;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
}

/** Slack did not do what it was asked for. */
export class SlackError extends Error {
  override readonly name = 'SlackError';
  /** Slack's own word for it, or `timeout`, `unreachable`, `http_500`. */
  readonly error: string;
  readonly method: string;
  /** How long Slack wants to be left alone. */
  readonly retryAfterSeconds: number | undefined;

  constructor(method: string, error: string, retryAfterSeconds?: number, options?: ErrorOptions) {
    super(`Slack refused ${method}: \`${error}\``, options);
    this.method = method;
    this.error = error;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Slack says the same again until somebody changes something there. */
  get isPermanent(): boolean {
    return !passing.has(this.error) && !this.error.startsWith('http_5');
  }
}

const rateLimited = 'ratelimited';
const passing = new Set([
  rateLimited,
  'timeout',
  'unreachable',
  'service_unavailable',
  'internal_error',
  'fatal_error',
  'request_timeout',
]);
/** Another token may be the valid one. */
const ofTheToken = new Set([
  'invalid_auth',
  'not_authed',
  'token_revoked',
  'token_expired',
  'account_inactive',
]);
const ofTheBlocks = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'msg_too_long',
]);

const Answer = v.looseObject({ ok: v.boolean(), error: v.optional(v.string()) });
const Posted = v.object({ channel: v.string(), ts: v.string() });
const Tested = v.object({ team_id: v.string(), user_id: v.string(), url: v.string() });

/** Never repeats a call by itself: a message whose answer got lost may have been posted. */
export function slackWebApi({ url, tokens, refreshedTokens, fetch, timeoutMs }: Options): SlackWebApi {
  async function callWith(token: string, method: string, body: object) {
    const response = await fetch(`${url}/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 429) throw new SlackError(method, rateLimited, secondsIn(response));
    if (!response.ok) throw new SlackError(method, `http_${response.status}`);
    const answer = v.parse(Answer, await response.json());
    if (!answer.ok) throw refusalOf(method, answer.error ?? 'unknown', response);
    return { answer, response };
  }

  async function callWithEach(candidates: readonly string[], method: string, body: object) {
    let refusal = new SlackError(method, 'not_authed');
    for (const token of candidates)
      try {
        return await callWith(token, method, body);
      } catch (cause) {
        const error = cause instanceof SlackError ? cause : lostOnTheWay(method, cause);
        if (!ofTheToken.has(error.error)) throw error;
        refusal = error;
      }
    return refusal;
  }

  /** @throws SlackError */
  async function call(method: string, body: object) {
    const known = await tokens();
    const result = await callWithEach(known, method, body);
    if (!(result instanceof SlackError)) return result;
    const fresh = ((await refreshedTokens?.()) ?? []).filter((token) => !known.includes(token));
    const again = fresh.length > 0 ? await callWithEach(fresh, method, body) : result;
    if (again instanceof SlackError) throw again;
    return again;
  }

  /** What Slack cannot draw is said in plain text: better than not at all. */
  async function show(method: string, message: { text: string; blocks?: readonly Block[] }) {
    try {
      return await call(method, message);
    } catch (error) {
      if (!(error instanceof SlackError && ofTheBlocks.has(error.error))) throw error;
      const { blocks: _refused, ...plain } = message;
      return call(method, { ...plain, text: truncate(limits.text / 2, { markup: message.text }) });
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
      const { answer } = await show('chat.postMessage', posting);
      const { channel, ts } = v.parse(Posted, answer);
      return { channel, ts };
    },
    async update(message) {
      await show('chat.update', message);
    },
    async remove({ channel, ts }) {
      try {
        await call('chat.delete', { channel, ts });
      } catch (error) {
        if (!(error instanceof SlackError && error.error === 'message_not_found')) throw error;
      }
    },
    async openView(triggerId, view) {
      await call('views.open', { trigger_id: triggerId, view });
    },
    async updateView(viewId, view) {
      await call('views.update', { view_id: viewId, view });
    },
    async authTest() {
      const { answer, response } = await call('auth.test', {});
      const { team_id: teamId, user_id: botUserId, url: address } = v.parse(Tested, answer);
      const scopes = (response.headers.get('x-oauth-scopes') ?? '').split(/,\s*/).filter(Boolean);
      return { teamId, botUserId, url: address, scopes };
    },
  };
}

function refusalOf(method: string, error: string, response: Response): SlackError {
  return error === rateLimited || error === 'rate_limited'
    ? new SlackError(method, rateLimited, secondsIn(response))
    : new SlackError(method, error);
}

/** What the answer to too many calls says; half a minute where it says nothing that can be read. */
function secondsIn(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 30;
}

function lostOnTheWay(method: string, cause: unknown): SlackError {
  const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
  return new SlackError(method, isTimeout ? 'timeout' : 'unreachable', undefined, { cause });
}
