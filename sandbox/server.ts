import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AwsError } from './aws/aws-service.ts';
import type { AwsEmulator } from './aws-emulator.ts';
import type { AwsRequests } from './aws-requests.ts';
import { signatureOf } from './callers.ts';
import type { ControlRequest, ControlResponse } from './control.ts';
import { refusalOfForeign } from './own-origin.ts';
import { homeHtml, nothingHtml } from './pages/home.ts';
import { inboxHtml } from './pages/inbox.ts';
import { pageHeaders } from './pages/page.ts';
import type { Html } from './slack/page/mrkdwn.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | Uint8Array;
}

export interface Handlers {
  readonly cloud: AwsEmulator;
  readonly awsRequests: AwsRequests;
  readonly control: (request: ControlRequest) => Promise<ControlResponse>;
}

/** The sandbox's one port. `handlers` is asked for each request: the port is taken before the services that name it exist. */
export function createSandboxServer(handlers: () => Handlers | undefined): Server {
  return createServer((request, response) => {
    void respond(handlers(), request, response).catch((error: unknown) => {
      console.error(error);
      response
        .writeHead(500, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: String(error) }));
    });
  });
}

async function respond(handlers: Handlers | undefined, request: IncomingMessage, response: ServerResponse) {
  const body = await bodyOf(request);
  const { status, headers, body: answer } = await answerTo(handlers, request, body);
  // What is answered has happened, even if the process is killed right now.
  handlers?.cloud.store.flush();
  // Clients set their clocks by it.
  const date = new Date(handlers?.cloud.clock.now() ?? Date.now()).toUTCString();
  response
    .writeHead(status, { ...headers, date, 'content-length': Buffer.byteLength(answer) } as never)
    .end(answer);
}

async function answerTo(
  handlers: Handlers | undefined,
  request: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  const { method = 'GET', url = '/' } = request;
  const refusal = refusalOfForeign(request);
  if (refusal !== undefined) return plain(403, `${refusal}\n`);
  if (!handlers) return json({ status: 503, json: { status: 'starting' } });
  if (url.startsWith('/_sandbox/'))
    return json(await handlers.control({ method, url: new URL(url, handlers.cloud.origin), body }));
  if (/^\/slack(?![^/?])/.test(url)) return toSlack(handlers.cloud, request, body);
  const visited = await pageFor(handlers.cloud, request);
  if (visited) return visited;
  if (url.startsWith('/execute-api/')) return toHttpApi(handlers.cloud, request, body);
  const origin =
    request.headers.host === undefined ? handlers.cloud.origin : `http://${request.headers.host}`;
  return handlers.awsRequests.handle({ method, url, headers: request.headers, body }, origin);
}

/** What a browser is shown, and whoever else comes to the same places without a signature. */
async function pageFor(cloud: AwsEmulator, { method = '', url = '', headers }: IncomingMessage) {
  const { mails, clock, origin } = cloud;
  const path = url.replace(/\?.*/s, '');
  const isVisit = ['GET', 'HEAD'].includes(method) && headers.authorization === undefined;
  const isBrowser = isVisit && /\btext\/html\b/.test(headers.accept ?? '');
  if (path === '/mail') {
    const messages = mails.list(0);
    const answer = isBrowser
      ? await page(200, inboxHtml(messages))
      : json({ status: 200, json: { messages } });
    return { ...answer, headers: { ...answer.headers, vary: 'accept' } };
  }
  if (isVisit && method === 'GET' && url.startsWith('/?Action=')) return followLink(cloud, url);
  if (isVisit && path === '/')
    return page(200, homeHtml({ origin, now: clock.now(), mails: mails.list(0).length }));
  const isPlace = path.startsWith('/execute-api/');
  return isBrowser && !isPlace ? page(404, nothingHtml(path)) : undefined;
}

async function page(status: number, html: Html): Promise<Answer> {
  return { status, headers: pageHeaders, body: String(await html) };
}

async function toSlack(
  { slack, origin }: AwsEmulator,
  request: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  const response = await slack.handle(toRequest(request, body, origin));
  const { status, headers } = response;
  return { status, headers: Object.fromEntries(headers), body: await response.text() };
}

/** A request of Node's server as a standard one. */
export function toRequest(
  { method = 'GET', url = '/', headers }: IncomingMessage,
  body: Buffer,
  origin: string,
): Request {
  return new Request(new URL(url, origin), {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  });
}

/** What a link in a mail of SNS does to whoever visits it: nobody is signed in there. */
function followLink({ sns, origin }: AwsEmulator, url: string): Answer {
  try {
    return plain(200, sns.follow(new URL(url, origin).searchParams));
  } catch (error) {
    if (error instanceof AwsError) return plain(400, error.message);
    throw error;
  }
}

function plain(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

async function toHttpApi(
  { httpApis, callers }: AwsEmulator,
  request: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  const [, id = '', path = ''] = /^\/execute-api\/([^/?]+)(.*)$/.exec(request.url ?? '') ?? [];
  const api = httpApis.find(id);
  if (!api) return json({ status: 404, json: { message: 'Not Found' } });
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const signature = signatureOf(request.headers.authorization);
  const caller = signature?.service === 'execute-api' ? callers.identify(signature) : undefined;
  return httpApis.handle(
    api,
    {
      method: request.method ?? 'GET',
      path: path.startsWith('/') ? path : `/${path}`,
      headers,
      body,
      sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
    },
    signature && caller && { ...caller, accessKeyId: signature.accessKeyId },
  );
}

function json({ status, json: body }: ControlResponse): Answer {
  return {
    status,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
