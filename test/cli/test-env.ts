import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach } from '@jest/globals';
import { main } from '../../cli/main.ts';
import type { Clock } from '../../cli/process-io.ts';

/** The `Date` of API responses, far from the time of the machine that runs the tests. */
export const apiNow = new Date('2031-05-01T12:00:00Z');

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string;
  readonly idempotencyKey: string | undefined;
  readonly userAgent: string | undefined;
}

interface StubResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Closes the connection instead of responding. */
  readonly isBroken?: true;
  /** Delays the response until then. */
  readonly until?: Promise<void>;
}

type Respond = (request: RecordedRequest) => StubResponse | undefined;

/** SSM, STS and linkgate's API on one port; records the requests to the API. */
export interface FakeAws {
  readonly url: string;
  readonly apiRequests: RecordedRequest[];
  parameters: Record<string, string>;
  /** `undefined` results in 404. */
  respond: Respond;
  /**
   * Responds with these bodies to requests, written `METHOD /path`, with or without a query; of a list, to each request with the
   * next one.
   */
  answer(bodies: Readonly<Record<string, object>>): void;
  close(): Promise<void>;
}

/** Starts a fake AWS for the tests of a file. */
export async function useFakeAws(): Promise<FakeAws> {
  const aws = await fakeAws();
  beforeEach(() => {
    aws.apiRequests.length = 0;
  });
  afterAll(() => aws.close());
  return aws;
}

export async function fakeAws(): Promise<FakeAws> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const target = String(request.headers['x-amz-target'] ?? '');
    response.setHeader('date', apiNow.toUTCString());
    if (target.startsWith('AmazonSSM.')) {
      const ssmResponse = ssm(target, JSON.parse(text), fake.parameters);
      response.statusCode = ssmResponse ? 200 : 400;
      return response.end(JSON.stringify(ssmResponse ?? { __type: 'ParameterNotFound' }));
    }
    if (text.startsWith('Action=GetCallerIdentity')) return response.end(identity);

    const recordedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      body: text ? JSON.parse(text) : undefined,
      authorization: request.headers.authorization ?? '',
      idempotencyKey: request.headers['idempotency-key']?.toString(),
      userAgent: request.headers['user-agent'],
    };
    fake.apiRequests.push(recordedRequest);
    const {
      status = 200,
      headers = {},
      body,
      isBroken,
      until,
    } = fake.respond(recordedRequest) ?? { status: 404, body: errorBody('NotFound', 'not here') };
    await until;
    if (isBroken) return request.socket.destroy();
    response.writeHead(status, headers);
    response.end(JSON.stringify(body));
  });
  const url = await listen(server);
  const fake: FakeAws = {
    url,
    apiRequests: [],
    parameters: { '/linkgate/local/api-url': `${url}/api/` },
    respond: () => undefined,
    answer(bodies) {
      const requestCounts: Record<string, number> = {};
      fake.respond = ({ method, path }) => {
        const request = `${method} ${decodeURIComponent(path.replace('/api', ''))}`;
        const answer = bodies[request] ?? bodies[request.replace(/\?.*/, '')];
        const count = (requestCounts[request] ?? 0) + 1;
        requestCounts[request] = count;
        const body = Array.isArray(answer) ? (answer[count - 1] ?? answer.at(-1)) : answer;
        return body && { body };
      };
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return fake;
}

export function errorBody(code: string, message: string, details?: object) {
  return { error: { code, message, details } };
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    ),
  );
}

/** Responds like SSM, with one parameter per page, so that tests cover paging. */
function ssm(
  target: string,
  { Name, NextToken = '0' }: SsmInput,
  parameters: Record<string, string>,
): object | undefined {
  if (target.endsWith('.GetParameter'))
    return parameters[Name ?? ''] ? { Parameter: { Name, Value: parameters[Name ?? ''] } } : undefined;
  const at = Number(NextToken);
  const [parameter, ...more] = Object.entries(parameters).slice(at);
  return {
    Parameters: parameter ? [{ Name: parameter[0], Value: parameter[1] }] : [],
    ...(more.length > 0 && { NextToken: String(at + 1) }),
  };
}

interface SsmInput {
  readonly Name?: string;
  readonly NextToken?: string;
}

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;

export interface CliOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A clock that does not wait. */
const stillClock: Clock = { sleep: async () => {}, after: () => () => {} };

interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly columns?: number;
  readonly isTTY?: true;
  /** The lines of stdin. */
  readonly stdin?: readonly string[];
  readonly onStderr?: (text: string) => void;
}

/** Runs the command line in this process. */
export async function runCli(
  line: string | readonly string[],
  aws: FakeAws,
  around: CliOptions = {},
): Promise<CliOutput> {
  const output = { stdout: '', stderr: '' };
  // The SDK reads the environment of the process.
  process.env.AWS_ENDPOINT_URL = aws.url;
  const code = await main(typeof line === 'string' ? line.split(' ') : line, {
    env: { AWS_ENDPOINT_URL: aws.url, AWS_REGION: 'eu-west-1', ...around.env },
    stdout: {
      write: (text) => {
        output.stdout += text;
      },
      columns: around.columns,
      isTTY: around.isTTY,
    },
    stderr: {
      write: (text) => {
        output.stderr += text;
        around.onStderr?.(text);
      },
      isTTY: around.isTTY,
    },
    ...(around.stdin && { stdin: { isTTY: around.isTTY, lines: () => readLines(around.stdin ?? []) } }),
    clock: around.clock ?? stillClock,
  });
  return { code, ...output };
}

async function* readLines(lines: readonly string[]) {
  yield* lines;
}
