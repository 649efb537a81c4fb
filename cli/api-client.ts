import { SignatureV4 } from '@smithy/signature-v4';
import * as v from 'valibot';
import { CommandError } from './command-error.ts';
import type { Deployment } from './deployment.ts';
import type { Clock } from './world.ts';

type Schema = v.GenericSchema<unknown, object>;
type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
type Query = Readonly<Record<string, string | undefined>>;

interface Sending {
  readonly query?: Query;
  readonly body?: object;
  /**
   * Whether it may be sent again when it is unknown what became of it. GET and PUT always may, POST where linkgate
   * makes only what is missing. A decision or a removal that took effect would be refused the second time,
   * as if someone else had been there first.
   */
  readonly isRepeatable?: boolean;
}

/** linkgate's HTTP API. */
export interface Api {
  /** @throws CommandError */
  call<S extends Schema>(
    method: Method,
    path: readonly string[],
    answer: S,
    sending?: Sending,
  ): Promise<v.InferOutput<S>>;
  /** Its clock, which may be far from this machine's. */
  now(): Promise<Date>;
}

const timeoutMs = 30_000;
const attempts = 4;
/** The first wait before asking again; it doubles each time. */
const firstWaitMs = 300;
const answeredTooBusy = 429;
const answeredBroken = [502, 503, 504];

const Refusal = v.object({
  error: v.object({ code: v.string(), message: v.string(), details: v.optional(v.unknown()) }),
});
const DecidedByOther = v.object({
  by: v.string(),
  at: v.string(),
  decision: v.string(),
  state: v.optional(v.string()),
});

export function apiClient(deployment: Deployment, clock: Clock): Api {
  const { region, credentials, sha256 } = deployment;
  const signer = new SignatureV4({ service: 'execute-api', region, credentials, sha256 });

  async function send(method: Method, path: readonly string[], { query = {}, body, isRepeatable }: Sending) {
    const isSafe = isRepeatable ?? (method === 'GET' || method === 'PUT');
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetchSigned(method, path, query, body).catch((broken: Error) => ({ broken }));
      const isTransient =
        'broken' in answer
          ? isSafe && codeOf(answer.broken) !== 'ECONNREFUSED'
          : answer.status === answeredTooBusy || (isSafe && answeredBroken.includes(answer.status));
      if (!isTransient || attempt === attempts) {
        if ('broken' in answer) throw unanswered(answer.broken, deployment, isSafe);
        return answer;
      }
      await clock.sleep(firstWaitMs * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }

  async function fetchSigned(
    method: Method,
    path: readonly string[],
    query: Query,
    body: object | undefined,
  ) {
    const url = urlOf(deployment.apiUrl, path, query);
    const { headers } = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { host: url.host, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const response = await fetch(url, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, date: response.headers.get('date'), text: await response.text() };
  }

  return {
    async call(method, path, answer, sending = {}) {
      const { status, text } = await send(method, path, sending);
      const body = parseJson(text);
      if (status >= 400) throw refused(status, body, deployment);
      const parsed = v.safeParse(answer, body);
      if (parsed.success) return parsed.output;
      throw new CommandError(
        'failed',
        `linkgate answered what this command line does not understand (${mismatch(parsed.issues[0])}): are both of one version?`,
      );
    },

    async now() {
      const { date } = await send('GET', ['services'], {});
      return date ? new Date(date) : new Date();
    },
  };
}

/** What is in all pages of a list. */
export async function everyPage<
  S extends v.GenericSchema<unknown, { readonly nextToken?: string | null | undefined }>,
  T,
>(
  api: Api,
  path: readonly string[],
  page: S,
  items: (page: v.InferOutput<S>) => readonly T[],
  query: Query = {},
): Promise<readonly T[]> {
  const all: T[] = [];
  let nextToken: string | undefined;
  do {
    const answer: v.InferOutput<S> = await api.call('GET', path, page, { query: { ...query, nextToken } });
    all.push(...items(answer));
    nextToken = answer.nextToken ?? undefined;
  } while (nextToken !== undefined);
  return all;
}

function urlOf(apiUrl: string, path: readonly string[], query: Query): URL {
  const url = new URL(`${apiUrl.replace(/\/$/, '')}/${path.map(encodeURIComponent).join('/')}`);
  url.search = Object.entries(query)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}=${encodeURIComponent(value)}`))
    .join('&');
  return url;
}

function mismatch(issue: v.BaseIssue<unknown>): string {
  return `${issue.message} at ${v.getDotPath(issue) ?? 'the top'}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf({ cause }: Error): string | undefined {
  return (cause as { code?: string } | undefined)?.code;
}

function unanswered(error: Error, { apiUrl }: Deployment, isSafe: boolean): CommandError {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND')
    return new CommandError(
      'failed',
      `nothing answers at ${apiUrl}: if this is the sandbox, is it running? Start it with \`npm start\``,
      { cause: error },
    );
  const what =
    error.name === 'TimeoutError'
      ? `did not answer within ${timeoutMs / 1000} s`
      : `broke off (${code ?? error.message})`;
  const then = isSafe ? 'try again' : 'it may have been done all the same: look before you try again';
  return new CommandError('failed', `linkgate at ${apiUrl} ${what}: ${then}`, { cause: error });
}

function refused(status: number, body: unknown, { apiUrl }: Deployment): CommandError {
  const refusal = v.safeParse(Refusal, body);
  if (refusal.success) {
    const { code, message, details } = refusal.output.error;
    const isCalledWrongly = status === 400 || code === 'UnknownService';
    return new CommandError(
      isCalledWrongly ? 'calledWrongly' : 'failed',
      message + whoDecided(message, details),
    );
  }
  if (status === 403)
    return new CommandError(
      'failed',
      "linkgate's API refuses these AWS credentials: they need `execute-api:Invoke` on it",
    );
  return new CommandError(
    'failed',
    `linkgate at ${apiUrl} answered ${status}: its logs say why; try again later`,
  );
}

function whoDecided(message: string, details: unknown): string {
  const decided = v.safeParse(DecidedByOther, details);
  if (!decided.success) return '';
  const { by, at, decision, state } = decided.output;
  if (message.includes(by) && message.includes(at)) return '';
  return `\n${decision} by ${by} at ${at}${state ? `; it is ${state} in EC2` : ''}`;
}
