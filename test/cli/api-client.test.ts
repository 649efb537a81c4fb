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

test('a list is requested again after a broken connection', async () => {
  aws.respond = () => (aws.apiRequests.length < 3 ? { isBroken: true } : { body });
  expect(await runCli('service list', aws)).toMatchObject({ code: 0 });
});

test.each([
  ['a decision', `approve ${endpointId}`],
  ['a removal', 'allowlist remove 012345678901 --service payments'],
  ['a registration', `service add ${serviceId}`],
])('%s whose response was lost is sent again with the same idempotency key', async (_name, line) => {
  aws.respond = () => (aws.apiRequests.length < 3 ? { isBroken: true } : { body });
  expect(await runCli(line, aws)).toMatchObject({ code: 0 });
  expect(aws.apiRequests).toHaveLength(3);
  const keys = new Set(aws.apiRequests.map(({ idempotencyKey }) => idempotencyKey));
  expect([...keys]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
});

test('each run of a command has its own idempotency key, and a read has none', async () => {
  aws.respond = () => ({ body });
  for (const line of [
    'allowlist remove 012345678901 --service payments',
    'allowlist remove 012345678901 --service payments',
  ])
    await runCli(line, aws);
  await runCli('service list', aws);
  const [first, second, list] = aws.apiRequests.map(({ idempotencyKey }) => idempotencyKey);
  expect(first).not.toBe(second);
  expect(list).toBeUndefined();
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

test('a change without a response fails with a message to check whether it happened', async () => {
  aws.respond = () => ({ isBroken: true });
  expect(await runCli(`approve ${endpointId}`, aws)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('look before you try again'),
  });
});

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

test('a retryable error response is retried three times', async () => {
  aws.respond = () => ({ status: 503 });
  expect(await runCli('service list', aws)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('answered 503'),
  });
  expect(aws.apiRequests).toHaveLength(4);
});

test('an access denied response results in a message with the required permission', async () => {
  aws.respond = () => ({ status: 403, body: { message: 'Forbidden' } });
  expect(await runCli('service list', aws)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('they need `execute-api:Invoke`'),
  });
});

test('a response of an incompatible version is an error', async () => {
  aws.respond = () => ({ body: { services: [{ id: 'payments' }] } });
  expect(await runCli('service list', aws)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('of one version'),
  });
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
