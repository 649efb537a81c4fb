import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AwsError } from './aws/aws-service.ts';
import type { AwsEmulator } from './aws-emulator.ts';
import type { AwsRequests } from './aws-requests.ts';
import { parseSignature } from './callers.ts';
import type { ControlRequest, ControlResponse } from './control.ts';
import { crossOriginError } from './cross-origin.ts';
import { homeHtml, notFoundHtml } from './pages/home.ts';
import { inboxHtml } from './pages/inbox.ts';
import { pageHeaders } from './pages/page.ts';
import type { Html } from './slack/page/mrkdwn.ts';

interface SandboxResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface Handlers {
  readonly emulator: AwsEmulator;
  readonly awsRequests: AwsRequests;
  readonly control: (request: ControlRequest) => Promise<ControlResponse>;
}

/** The HTTP server of the sandbox. It listens before the handlers exist, because they need its origin. */
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
  const body = await readRequestBody(request);
  const { status, headers, body: answer } = await routeRequest(handlers, request, body);
  // Flush first, so that a change with a response survives a kill of the process.
  handlers?.emulator.store.flush();
  // SDK clients correct their clocks by this header.
  const date = new Date(handlers?.emulator.clock.now() ?? Date.now()).toUTCString();
  response
    .writeHead(status, { ...headers, date, 'content-length': Buffer.byteLength(answer) } as never)
    .end(answer);
}

async function routeRequest(
  handlers: Handlers | undefined,
  request: IncomingMessage,
  body: Buffer,
): Promise<SandboxResponse> {
  const { method = 'GET', url = '/' } = request;
  const refusal = crossOriginError(request);
  if (refusal !== undefined) return textResponse(403, `${refusal}\n`);
  if (!handlers) return toSandboxResponse({ status: 503, json: { status: 'starting' } });
  if (url.startsWith('/_sandbox/'))
    return toSandboxResponse(
      await handlers.control({ method, url: new URL(url, handlers.emulator.origin), body }),
    );
  if (/^\/slack(?![^/?])/.test(url)) return forwardToSlack(handlers.emulator, request, body);
  const visited = await findPage(handlers.emulator, request);
  if (visited) return visited;
  if (url.startsWith('/execute-api/')) return forwardToHttpApi(handlers.emulator, request, body);
  const origin =
    request.headers.host === undefined ? handlers.emulator.origin : `http://${request.headers.host}`;
  return handlers.awsRequests.handle({ method, url, headers: request.headers, body }, origin);
}

/** Finds the page for a request without a signature. */
async function findPage(emulator: AwsEmulator, { method = '', url = '', headers }: IncomingMessage) {
  const { mails, clock, origin } = emulator;
  const path = url.replace(/\?.*/s, '');
  const isUnsignedRead = ['GET', 'HEAD'].includes(method) && headers.authorization === undefined;
  const isBrowser = isUnsignedRead && /\btext\/html\b/.test(headers.accept ?? '');
  if (path === '/mail') {
    const messages = mails.list(0);
    const answer = isBrowser
      ? await htmlResponse(200, inboxHtml(messages))
      : toSandboxResponse({ status: 200, json: { messages } });
    return { ...answer, headers: { ...answer.headers, vary: 'accept' } };
  }
  if (isUnsignedRead && method === 'GET' && url.startsWith('/?Action=')) return followSnsLink(emulator, url);
  if (isUnsignedRead && path === '/')
    return htmlResponse(200, homeHtml({ origin, now: clock.now(), mails: mails.list(0).length }));
  const isExecuteApi = path.startsWith('/execute-api/');
  return isBrowser && !isExecuteApi ? htmlResponse(404, notFoundHtml(path)) : undefined;
}

async function htmlResponse(status: number, html: Html): Promise<SandboxResponse> {
  return { status, headers: pageHeaders, body: String(await html) };
}

async function forwardToSlack(
  { slack, origin }: AwsEmulator,
  request: IncomingMessage,
  body: Buffer,
): Promise<SandboxResponse> {
  const response = await slack.handle(toRequest(request, body, origin));
  const { status, headers } = response;
  return { status, headers: Object.fromEntries(headers), body: await response.text() };
}

/** Converts a request of Node's server to a fetch `Request`. */
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

/** Follows a link in an SNS email, which needs no signature. */
function followSnsLink({ sns, origin }: AwsEmulator, url: string): SandboxResponse {
  try {
    return textResponse(200, sns.followLink(new URL(url, origin).searchParams));
  } catch (error) {
    if (error instanceof AwsError) return textResponse(400, error.message);
    throw error;
  }
}

function textResponse(status: number, body: string): SandboxResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

async function forwardToHttpApi(
  { httpApis, callers }: AwsEmulator,
  request: IncomingMessage,
  body: Buffer,
): Promise<SandboxResponse> {
  const [, id = '', path = ''] = /^\/execute-api\/([^/?]+)(.*)$/.exec(request.url ?? '') ?? [];
  const api = httpApis.find(id);
  if (!api) return toSandboxResponse({ status: 404, json: { message: 'Not Found' } });
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const signature = parseSignature(request.headers.authorization);
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

function toSandboxResponse({ status, json: body }: ControlResponse): SandboxResponse {
  return {
    status,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

export async function readRequestBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
