import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cannedAws } from '../../packaging/canned-aws.ts';
import { clickPayload, encodeForm, encodePayload, secret, signRequest } from './fixtures.ts';

interface Event {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}
type Handler = (event: Event, context: object) => Promise<{ statusCode: number; body?: string }>;

const before = { ...process.env };
let aws: Awaited<ReturnType<typeof cannedAws>>;
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
  const functionModule: object = await import('../../../functions/on-slack-interaction.ts');
  ({ handler } = functionModule as { handler: Handler });
});

/** Answers each call with the secret, or with an empty table. */
beforeEach(() => aws.answer({ body: JSON.stringify({ Parameter: { Value: secret }, Responses: {} }) }));

afterAll(async () => {
  process.env = before;
  await aws.close();
});

function createEvent(
  { headers, body }: { headers: Event['headers']; body: Buffer },
  isBase64Encoded = false,
): Event {
  return { headers, body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
}

const context = { awsRequestId: 'request-1', functionName: 'on-slack-interaction', memoryLimitInMB: '1024' };
const respond = async (event: Event) => (await handler(event, context)).statusCode;

const now = () => new Date();
const help = encodeForm({ command: '/linkgate', text: 'help', user_id: 'U01ALICE', team_id: 'T01LOCAL' });
const signedHelp = (text = help) => signRequest(text, { at: now() });
const umlauts = help.replace('help', 'für 😀');

function withHeaderNames(event: Event, change: (name: string) => string): Event {
  const headers = Object.entries(event.headers).map(([name, value]) => [change(name), value]);
  return { ...event, headers: Object.fromEntries(headers) };
}

test.each<[string, () => Event]>([
  ['in base64', () => createEvent(signedHelp(), true)],
  ['that is not ASCII', () => createEvent(signedHelp(umlauts))],
  ['that is not ASCII, in base64', () => createEvent(signedHelp(umlauts), true)],
  [
    'with headers in upper case',
    () => withHeaderNames(createEvent(signedHelp()), (name) => name.toUpperCase()),
  ],
  [
    'with headers in lower case',
    () => withHeaderNames(createEvent(signedHelp()), (name) => name.toLowerCase()),
  ],
])('a signed request %s gets a response', async (_, event) => {
  const { statusCode, body } = await handler(event(), context);
  expect({ statusCode, body }).toEqual({ statusCode: 200, body: expect.stringContaining('ephemeral') });
});

test.each<[string, () => Event]>([
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
  expect(aws.requests.filter((request) => request.startsWith('DynamoDB'))).toEqual([]);
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
