import { expect, test } from '@jest/globals';
import { endpointId, entry, service, serviceId } from './answers.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const decision = { endpointId, decision: 'approve', by: 'alice', at: '2031-05-01T12:00:00.000Z' };
const body = { services: [], entries: [], service, entry, decision };

test.each([
  ['a list', 'service list', 502],
  ['an entry of the allowlist', 'allow 012345678901 --service payments', 503],
  ['a registration', `service add ${serviceId}`, 504],
  ['anything that was throttled', 'allowlist remove 012345678901 --service payments', 429],
])('%s is sent again after a retryable response', async (_name, line, status) => {
  aws.respond = () => (aws.apiRequests.length < 3 ? { status } : { body });
  expect(await runCli(line, aws)).toMatchObject({ code: 0 });
  expect(aws.apiRequests).toHaveLength(3);
});

test('a response with retry-after delays the retry until then', async () => {
  const slept: number[] = [];
  const clock = {
    sleep: async (milliseconds: number) => void slept.push(milliseconds),
    after: () => () => {},
  };
  aws.respond = () =>
    aws.apiRequests.length < 2 ? { status: 503, headers: { 'retry-after': '5' } } : { body };
  expect(await runCli('service list', aws, { clock })).toMatchObject({ code: 0 });
  expect(slept).toEqual([5_000]);
});

test.each([
  ['a decision', `approve ${endpointId}`],
  ['a removal', 'allowlist remove 012345678901 --service payments'],
  ['a registration', `service add ${serviceId}`],
  ['a list', 'service list'],
])('%s whose response was lost is sent again, a change with the same idempotency key', async (name, line) => {
  aws.respond = () => (aws.apiRequests.length < 3 ? { isBroken: true } : { body });
  expect(await runCli(line, aws)).toMatchObject({ code: 0 });
  expect(aws.apiRequests).toHaveLength(3);
  const keys = new Set(aws.apiRequests.map(({ idempotencyKey }) => idempotencyKey));
  expect([...keys]).toEqual([name === 'a list' ? undefined : expect.stringMatching(/^[0-9a-f-]{36}$/)]);
});

test('each run of a command has its own idempotency key', async () => {
  aws.respond = () => ({ body });
  for (let run = 0; run < 2; run++) await runCli(`service add ${serviceId}`, aws);
  expect(new Set(aws.apiRequests.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
});

test('a retry of a request in progress is repeated until it completes', async () => {
  const running = { status: 409, body: errorBody('InProgress', 'it runs') };
  aws.respond = () => (aws.apiRequests.length < 8 ? running : { body });
  expect(await runCli(`approve ${endpointId}`, aws)).toMatchObject({ code: 0 });
  aws.apiRequests.length = 0;
  aws.respond = () => running;
  expect(await runCli(`approve ${endpointId}`, aws)).toMatchObject({ code: 1 });
  expect(aws.apiRequests).toHaveLength(40);
});

test.each([
  ['a broken connection', `approve ${endpointId}`, { isBroken: true }, 'look before you try again', 4],
  ['a retryable error', 'service list', { status: 503 }, 'answered 503', 4],
  ['access denied', 'service list', { status: 403, body: {} }, 'they need `execute-api:Invoke`', 1],
  ['another version', 'service list', { body: { services: [{ id: 'payments' }] } }, 'of one version', 1],
] as const)(
  'a response that stays %s fails `%s`, after the retries that may help',
  async (_what, line, response, message, attempts) => {
    aws.respond = () => response;
    expect(await runCli(line, aws)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
    expect(aws.apiRequests).toHaveLength(attempts);
  },
);

test('a list with an expired page token is read again from its start, a limited number of times', async () => {
  const stale = { status: 400, body: errorBody('ExpiredToken', 'begin again') };
  const first = { body: { services: [service], nextToken: 'a' } };
  const second = { body: { services: [service] } };
  aws.respond = ({ path }) =>
    path.includes('nextToken') ? (aws.apiRequests.length < 3 ? stale : second) : first;
  const output = await runCli('service list --json', aws);
  expect(JSON.parse(output.stdout).services).toHaveLength(2);
  aws.apiRequests.length = 0;
  aws.respond = ({ path }) => (path.includes('nextToken') ? stale : first);
  expect(await runCli('service list', aws)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the list changed while its pages were read: run the command again'),
  });
  expect(aws.apiRequests).toHaveLength(6);
});

test('a command that takes longer than two seconds prints its step on standard error', async () => {
  let resolveWritten = () => {};
  const stderrWritten = new Promise<void>((resolve) => {
    resolveWritten = resolve;
  });
  aws.respond = () => ({ body, until: stderrWritten });
  const due: { afterMs: number; callback: () => void }[] = [];
  const clock = {
    sleep: async () => {},
    after(afterMs: number, callback: () => void) {
      due.push({ afterMs, callback });
      return () => {};
    },
  };
  const running = runCli('service list --json', aws, { clock, onStderr: resolveWritten });
  expect(due.map(({ afterMs }) => afterMs)).toEqual([2_000]);
  due[0]?.callback();
  expect((await running).stderr).toContain('…');
});

test.each([
  ['prints each step in a terminal', { isTTY: true }, 2],
  ['prints only its first step without a terminal', {}, 1],
] as const)('a slow command %s', async (_, terminal, lineCount) => {
  aws.respond = () => ({ body });
  const clock = {
    sleep: async () => {},
    after(_afterMs: number, callback: () => void) {
      callback();
      return () => {};
    },
  };
  const { stderr } = await runCli('service list', aws, { clock, ...terminal });
  expect(stderr.split('…').length).toBe(lineCount + 1);
});

test.each([
  'service show ..',
  'service remove . --yes',
  'allow 012345678901 --service ../../setup',
  'allow 012345678901 --service prod/payments',
  'pause pay?1',
])('`%s` is a usage error and calls no other path', async (line) => {
  aws.respond = () => ({ body });
  expect(await runCli(line, aws)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is neither an id nor a name'),
  });
  expect(aws.apiRequests).toEqual([]);
});
