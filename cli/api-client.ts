import { SignatureV4 } from '@smithy/signature-v4';
import * as v from 'valibot';
import { nextToken, Warnings } from './api-views.ts';
import { CommandError, StaleListError } from './command-error.ts';
import { markControls, markValue, safeJson, unmarkControls } from './control-characters.ts';
import type { Deployment } from './deployment.ts';
import { selectExitReason } from './exit-codes.ts';
import type { Clock } from './process-io.ts';
import { version } from './version.ts';

type Schema = v.GenericSchema<unknown, object>;
type PageSchema = v.GenericSchema<unknown, { readonly nextToken?: string | null | undefined }>;
type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
type Query = Readonly<Record<string, string | undefined>>;

interface RequestInput {
  readonly query?: Query;
  readonly body?: object;
  /** The request changes nothing, and its response predicts the impact of the change. */
  readonly isDryRun?: true;
  /** The warnings of the response that the command prints in other words. */
  readonly hiddenWarnings?: RegExp;
}

interface ListInput<Page> {
  readonly query?: Query;
  /** Called after each page, with all pages so far. */
  readonly onPage?: (pages: readonly Page[]) => void;
}

/** linkgate's HTTP API. It collects the warnings of each response. */
export interface Api {
  /** @throws CommandError */
  call<S extends Schema>(
    method: Method,
    path: readonly string[],
    responseSchema: S,
    input?: RequestInput,
  ): Promise<v.InferOutput<S>>;
  /**
   * Reads all pages of a list.
   * @throws CommandError
   */
  readPages<S extends PageSchema>(
    path: readonly string[],
    pageSchema: S,
    input?: ListInput<v.InferOutput<S>>,
  ): Promise<readonly v.InferOutput<S>[]>;
  /**
   * Reads the items of all pages of a list.
   * @param name the field of each page that has the items
   * @throws CommandError
   */
  list<S extends v.GenericSchema>(
    path: readonly string[],
    name: string,
    itemSchema: S,
    query?: Query,
  ): Promise<readonly v.InferOutput<S>[]>;
  /** The time by the clock of the API, which may differ from the clock of this machine. */
  now(): Promise<Date>;
}

/** The header distinguishes a person at the command line from another system. */
const userAgent = `linkgate-cli/${version}`;
const timeoutMs = 30_000;
const maxAttempts = 4;
/** The first wait before a retry. It doubles each time. */
const firstWaitMs = 300;
/** A retry may succeed after throttling or a broken response. */
const transient = [429, 502, 503, 504];
/** The number of attempts, one second apart, while the API processes the same request: longer than its timeout. */
const maxInProgressAttempts = 40;

const ErrorResponse = v.object({
  error: v.object({ code: v.string(), message: v.string(), details: v.optional(v.unknown()) }),
});
const OtherDecision = v.object({
  by: v.string(),
  at: v.string(),
  decision: v.string(),
  state: v.optional(v.string()),
});
const Problems = v.object({
  problems: v.array(v.object({ at: v.optional(v.string()), message: v.string() })),
});
const Warned = v.fallback(v.looseObject({ warnings: Warnings }), {});

export function apiClient(
  connect: () => Promise<Deployment>,
  clock: Clock,
  warn: (warnings: readonly string[] | null | undefined) => void,
): Api {
  /** Sends an idempotency key with every change, so that a retry makes the change once. */
  async function send(method: Method, path: readonly string[], input: RequestInput) {
    const deployment = await connect();
    const key = method === 'GET' ? undefined : crypto.randomUUID();
    for (let attempt = 1, inProgressAttempt = 1; ; ) {
      const result = await fetchSigned(method, path, input, key, deployment).catch((networkError: Error) => ({
        networkError,
      }));
      if (isRunning(result) && inProgressAttempt < maxInProgressAttempts) {
        inProgressAttempt += 1;
        await clock.sleep(result.retryAfterMs ?? 1_000);
        continue;
      }
      if (!isTransient(result) || attempt === maxAttempts) {
        if ('networkError' in result) throw unreachableError(result.networkError, deployment, method);
        return result;
      }
      const retryAfterMs = 'networkError' in result ? 0 : (result.retryAfterMs ?? 0);
      await clock.sleep(Math.max(retryAfterMs, firstWaitMs * 2 ** (attempt - 1) * (0.5 + Math.random())));
      attempt += 1;
    }
  }

  return {
    async call(method, path, responseSchema, input = {}) {
      requireSegments(path);
      const { status, text } = await send(method, path, input);
      const body = parseJson(text);
      if (status >= 400) throw responseError(status, body, await connect());
      const { warnings } = v.parse(Warned, body);
      if (!input.isDryRun) warn(warnings?.filter((warning) => !input.hiddenWarnings?.test(warning)));
      const parsed = v.safeParse(responseSchema, body);
      if (parsed.success) return parsed.output;
      throw new CommandError(
        'failed',
        `linkgate answered what this command line does not understand (${describeMismatch(parsed.issues[0])}): are both of one version?`,
      );
    },

    async readPages(path, pageSchema, input = {}) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await readPagesOnce(this, path, pageSchema, input);
        } catch (error) {
          if (!(error instanceof StaleListError) || attempt === maxListAttempts) throw error;
        }
      }
    },

    async list(path, name, itemSchema, query = {}) {
      const Page = v.looseObject({ [name]: v.array(itemSchema) });
      const pages = await this.readPages(path, v.intersect([Page, v.looseObject({ nextToken })]), { query });
      return pages.flatMap((page) => page[name] ?? []);
    },

    async now() {
      const { date } = await send('GET', ['services'], {});
      return date ? new Date(date) : new Date();
    },
  };
}

/** Sends a request that the caller's AWS credentials sign. */
async function fetchSigned(
  method: Method,
  path: readonly string[],
  { query = {}, body, isDryRun }: RequestInput,
  key: string | undefined,
  { apiUrl, region, credentials, sha256 }: Deployment,
): Promise<ApiResponse> {
  const url = buildUrl(apiUrl, path, { ...query, ...(isDryRun && { dryRun: 'true' }) });
  const sent = body && safeJson(body);
  const signer = new SignatureV4({ service: 'execute-api', region, credentials, sha256 });
  const { headers } = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: {
      host: url.host,
      'user-agent': userAgent,
      ...(sent && { 'content-type': 'application/json' }),
      ...(key && { 'idempotency-key': key }),
    },
    ...(sent && { body: sent }),
  });
  const response = await fetch(url, {
    method,
    headers,
    signal: AbortSignal.timeout(timeoutMs),
    ...(sent && { body: sent }),
  });
  const retryAfter = response.headers.get('retry-after');
  return {
    status: response.status,
    date: response.headers.get('date'),
    ...(retryAfter !== null && /^\d{1,3}$/.test(retryAfter) && { retryAfterMs: 1_000 * Number(retryAfter) }),
    text: await response.text(),
  };
}

interface ApiResponse {
  readonly status: number;
  readonly date: string | null;
  /** Reads the header `retry-after`. */
  readonly retryAfterMs?: number;
  readonly text: string;
}
interface NetworkFailure {
  readonly networkError: Error;
}

function isTransient(result: ApiResponse | NetworkFailure): boolean {
  return 'networkError' in result
    ? readErrorCode(result.networkError) !== 'ECONNREFUSED'
    : transient.includes(result.status);
}

/** Whether the API still processes an earlier attempt of the same request. */
function isRunning(result: ApiResponse | NetworkFailure): result is ApiResponse {
  if ('networkError' in result || result.status !== 409) return false;
  const parsed = v.safeParse(ErrorResponse, parseJson(result.text));
  return parsed.success && parsed.output.error.code === 'InProgress';
}

/** The number of attempts to read a list whose pages change during the read. */
const maxListAttempts = 3;

async function readPagesOnce<S extends PageSchema>(
  api: Api,
  path: readonly string[],
  pageSchema: S,
  { query = {}, onPage }: ListInput<v.InferOutput<S>>,
): Promise<readonly v.InferOutput<S>[]> {
  const pages: v.InferOutput<S>[] = [];
  let token: string | undefined;
  do {
    const page: v.InferOutput<S> = await api.call('GET', path, pageSchema, {
      query: { ...query, nextToken: token },
    });
    pages.push(page);
    onPage?.(pages);
    token = page.nextToken ?? undefined;
  } while (token !== undefined);
  return pages;
}

/** Ids and names match this pattern. `..`, `/` and `?` would request another path. */
const segmentForm = /^(\*|[A-Za-z0-9][A-Za-z0-9._-]*)$/;

/** @throws CommandError */
function requireSegments(path: readonly string[]): void {
  const invalidSegment = path.find((segment) => !segmentForm.test(segment));
  if (invalidSegment !== undefined)
    throw new CommandError(
      'usageError',
      `\`${invalidSegment}\` is neither an id nor a name: these have letters, digits, \`.\`, \`_\` and \`-\`, and begin with a letter or digit`,
    );
}

function buildUrl(apiUrl: string, path: readonly string[], query: Query): URL {
  const url = new URL(`${apiUrl.replace(/\/$/, '')}/${path.join('/')}`);
  url.search = Object.entries(query)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}=${encodeParameter(value)}`))
    .join('&');
  return url;
}

/** Encodes a path parameter. A lone surrogate has no UTF-8 encoding. */
function encodeParameter(text: string): string {
  return encodeURIComponent(unmarkControls(text).toWellFormed());
}

function describeMismatch(issue: v.BaseIssue<unknown>): string {
  return `${issue.message} at ${v.getDotPath(issue) ?? 'the top'}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, markValue);
  } catch {
    return undefined;
  }
}

function readErrorCode({ cause }: Error): string | undefined {
  return (cause as { code?: string } | undefined)?.code;
}

function unreachableError(error: Error, { apiUrl }: Deployment, method: Method): CommandError {
  const code = readErrorCode(error);
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND')
    return new CommandError(
      'failed',
      `nothing answers at ${apiUrl}: if this is the sandbox, is it running? Start it with \`npm start\``,
      { code: 'Unreachable', cause: error },
    );
  const failure =
    error.name === 'TimeoutError'
      ? `did not answer within ${timeoutMs / 1000} s`
      : `broke off (${markControls(code ?? error.message)})`;
  const advice =
    method === 'GET' ? 'try again' : 'it may have been done all the same: look before you try again';
  return new CommandError('failed', `linkgate at ${apiUrl} ${failure}: ${advice}`, {
    code: 'Unreachable',
    cause: error,
  });
}

function responseError(status: number, body: unknown, { apiUrl }: Deployment): CommandError {
  const parsed = v.safeParse(ErrorResponse, body);
  if (parsed.success) {
    const { code, message, details } = parsed.output.error;
    if (code === 'ExpiredToken') return new StaleListError();
    return new CommandError(
      selectExitReason(status, code),
      message + formatOtherDecision(message, details) + formatProblems(details),
      { code },
    );
  }
  if (status === 403)
    return new CommandError(
      'failed',
      "linkgate's API refuses these AWS credentials: they need `execute-api:Invoke` on it",
      { code: 'AccessDenied' },
    );
  return new CommandError(
    'failed',
    `linkgate at ${apiUrl} answered ${status}: its logs say why; try again later`,
  );
}

/** Formats the problems of a policy, with their positions in the document. */
function formatProblems(details: unknown): string {
  const parsed = v.safeParse(Problems, details);
  const problems = parsed.success ? parsed.output.problems : [];
  return problems.map(({ at, message }) => `\n${at ? `${at}: ` : ''}${message}`).join('');
}

function formatOtherDecision(message: string, details: unknown): string {
  const parsed = v.safeParse(OtherDecision, details);
  if (!parsed.success) return '';
  const { by, at, decision, state } = parsed.output;
  if (message.includes(by) && message.includes(at)) return '';
  return `\n${decision} by ${by} at ${at}${state ? `; it is ${state} in EC2` : ''}`;
}
