import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { unzip } from '../../sandbox/lambda/unzip.ts';
import { clickPayload, encodeForm, encodePayload, secret, signRequest } from '../channels/slack/fixtures.ts';
import { cannedAws } from '../packaging/canned-aws.ts';

type Headers = Readonly<Record<string, string | undefined>>;
interface Event {
  readonly headers: Headers;
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}
type Handler = (event: Event, context: object) => Promise<{ statusCode: number; body?: string }>;

const folder = mkdtempSync(join(tmpdir(), 'linkgate-slack-'));
const before = { ...process.env };
let aws: Awaited<ReturnType<typeof cannedAws>>;
let source: string;
let handler: Handler;

beforeAll(async () => {
  aws = await cannedAws();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: '111111111111',
    AWS_SECRET_ACCESS_KEY: 'unused',
    LINKGATE_STAGE: 'test',
    LINKGATE_TABLE: 'linkgate-test',
    LINKGATE_APPLY_QUEUE_URL: `${aws.endpoint}/111111111111/apply-verdicts.fifo`,
    LINKGATE_SLACK_API_URL: `${aws.endpoint}/slack/api`,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  const zip = new URL('../../.serverless/on-slack-interaction.zip', import.meta.url);
  await unzip(fileURLToPath(zip), folder);
  const bundle = join(folder, '.build/on-slack-interaction/index.js');
  source = readFileSync(bundle, 'utf8');
  handler = createRequire(import.meta.url)(bundle).handler;
});

/** Answers each call with the secret, or with an empty table. */
beforeEach(() => aws.answer({ body: JSON.stringify({ Parameter: { Value: secret }, Responses: {} }) }));

afterAll(async () => {
  process.env = before;
  await aws.close();
  rmSync(folder, { recursive: true });
});

const tableReads = () => aws.requests.filter((request) => request.startsWith('DynamoDB')).length;

function createEvent({ headers, body }: { headers: Headers; body: Buffer }, isBase64Encoded = false): Event {
  return { headers, body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
}

const context = { awsRequestId: 'request-1', functionName: 'on-slack-interaction', memoryLimitInMB: '1024' };

async function respond(event: Event): Promise<number> {
  return (await handler(event, context)).statusCode;
}

const now = (seconds = 0) => new Date(Date.now() + seconds * 1_000);
const help = encodeForm({ command: '/linkgate', text: 'help', user_id: 'U01ALICE', team_id: 'T01LOCAL' });
const signedHelp = () => signRequest(help, { at: now() });

test('the bundle has no EC2 client', () => {
  expect(source.length).toBeGreaterThan(10_000);
  expect(source).not.toMatch(/VpcEndpoint|AcceptVpc|ec2QueryName/);
});

describe('a signed request', () => {
  test('gets a response', async () => {
    const { statusCode, body } = await handler(createEvent(signedHelp()), context);
    expect(statusCode).toBe(200);
    expect(JSON.parse(body ?? '')).toMatchObject({ response_type: 'ephemeral' });
  });

  test('gets a response if its body is base64 or not ASCII', async () => {
    expect(await respond(createEvent(signedHelp(), true))).toBe(200);
    const umlauts = signRequest(help.replace('help', 'für 😀'), { at: now() });
    expect(await respond(createEvent(umlauts))).toBe(200);
    expect(await respond(createEvent(umlauts, true))).toBe(200);
  });

  test('gets a response whatever the case of its headers and its content type', async () => {
    const { headers, body } = signedHelp();
    const inCase = (change: (name: string) => string) =>
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [change(name), value]));
    for (const change of [(name: string) => name.toUpperCase(), (name: string) => name.toLowerCase()])
      expect(await respond(createEvent({ headers: inCase(change), body }))).toBe(200);
    for (const type of ['application/json', 'application/x-www-form-urlencoded; charset=UTF-8', undefined])
      expect(await respond(createEvent({ headers: { ...headers, 'content-type': type }, body }))).toBe(200);
  });
});

test.each<[string, () => Event]>([
  ['another secret', () => createEvent(signRequest(help, { at: now(), by: 'a guess' }))],
  ['an old time', () => createEvent(signRequest(help, { at: now(-310) }))],
  ['a byte more', () => ({ ...createEvent(signedHelp()), body: `${help}&` })],
  [
    'base64 that is not marked as base64',
    () => ({ ...createEvent(signedHelp(), true), isBase64Encoded: false }),
  ],
  ['no body', () => ({ headers: signedHelp().headers, isBase64Encoded: false })],
  [
    'ssl_check',
    () => ({
      headers: {},
      body: `ssl_check=1&${encodePayload(clickPayload('approve'))}`,
      isBase64Encoded: false,
    }),
  ],
])('a request with %s gets 401, and reads nothing from the table', async (_, event) => {
  expect(await respond(event())).toBe(401);
  expect(tableReads()).toBe(0);
});

describe('any request gets 200, 400 or 401:', () => {
  const allowed = [200, 400, 401];
  const json = fc.jsonValue({ maxDepth: 4 });
  /** Slack's request with one property changed. */
  const spoilt = fc
    .tuple(fc.constantFrom('approve', 'deny', 'all:approve', 'all:deny', 'allow-expiry'), fc.string(), json)
    .chain(([action, value, other]) => {
      const sent: Record<string, unknown> = clickPayload(action, { value });
      return fc.constantFrom(...Object.keys(sent)).map((field) => ({ ...sent, [field]: other }));
    });
  const submissions = fc.record({
    type: fc.constant('view_submission'),
    user: fc.constant({ id: 'U01ALICE', team_id: 'T01LOCAL' }),
    view: fc.record({
      callback_id: fc.constantFrom('request', 'digest', 'other'),
      private_metadata: fc.oneof(
        fc.string(),
        json.map((value) => JSON.stringify(value)),
      ),
      state: json,
    }),
  });
  const commands = fc.record({
    command: fc.constant('/linkgate'),
    text: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.constantFrom('waiting', 'show', 'approve', 'deny', 'allow', '__proto__'), fc.string())
        .map((parts) => parts.join(' ')),
    ),
    user_id: fc.constant('U01ALICE'),
    team_id: fc.constantFrom('T01LOCAL', 'E01', '', 'x'),
  });
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.oneof(json, spoilt, submissions).map((sent) => Buffer.from(encodePayload(sent))),
    commands.map((fields) => Buffer.from(encodeForm(fields))),
  );

  test('signed bodies, in base64', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        expect(allowed).toContain(await respond(createEvent(signRequest(body, { at: now() }), true)));
      }),
      { numRuns: 300 },
    );
  });

  test('unsigned headers and bodies', async () => {
    const names = fc.oneof(fc.constantFrom('x-slack-signature', 'X-Slack-Request-Timestamp'), fc.string());
    const headers = fc.dictionary(
      names,
      fc.oneof(fc.string(), fc.constant(String(Math.floor(Date.now() / 1_000)))),
    );
    await fc.assert(
      fc.asyncProperty(
        headers,
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        async (sent, body, isBase64Encoded) => {
          expect(await respond({ headers: sent, body, isBase64Encoded })).toBe(401);
        },
      ),
      { numRuns: 300 },
    );
  });
});
