import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { type Clock, sandboxClock } from '../../../sandbox/clock.ts';
import { createInFlight } from '../../../sandbox/in-flight.ts';
import { createLambda, type Lambda } from '../../../sandbox/lambda/lambda.ts';

let lambda: Lambda | undefined;
let clock: Clock | undefined;
const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

afterEach(async () => {
  clock?.stop();
  await lambda?.stop();
});

const arn = 'arn:aws:lambda:us-east-1:111111111111:function:greet';

async function deployFunction(source: string, limits = { memoryMb: 128, timeoutMs: 3000 }) {
  const code = await mkdtemp(join(tmpdir(), 'linkgate-test-'));
  folders.push(code);
  await writeFile(join(code, 'index.js'), source);
  const clockOffset = new SharedArrayBuffer(8);
  const time = sandboxClock((offset) => {
    new Float64Array(clockOffset)[0] = offset;
  });
  const destinationRecords: { destination: string; record: unknown }[] = [];
  const output: string[] = [];
  const host = await createLambda({
    folder: join(code, 'functions'),
    clock: time,
    clockOffset,
    inFlight: createInFlight(),
    createEnvironment: () => ({ AWS_REGION: 'us-east-1' }),
    onOutput: (_, text) => output.push(text),
    sendToDestination: (destination, record) => void destinationRecords.push({ destination, record }),
  });
  lambda = host;
  clock = time;
  await host.createFunction({
    name: 'greet',
    arn,
    roleArn: 'arn:role',
    code,
    handler: 'index.handler',
    environment: { GREETING: 'hello' },
    ...limits,
  });
  return { host, time, destinationRecords, output };
}

test('a function sees its own environment, its name and its remaining time, and stays warm', async () => {
  const { host } = await deployFunction(`let calls = 0; exports.handler = async (event, context) =>
    [process.env.GREETING, event.who, context.functionName, context.getRemainingTimeInMillis() <= 3000, ++calls]`);
  await host.invoke(arn, {});
  await expect(host.invoke(arn, { who: 'you' })).resolves.toEqual({
    ok: true,
    value: ['hello', 'you', 'greet', true, 2],
  });
});

test('a function that throws fails with its error', async () => {
  const { host } = await deployFunction(`exports.handler = async () => { throw new RangeError('too far') }`);
  await expect(host.invoke(arn, {})).resolves.toMatchObject({
    ok: false,
    error: { errorType: 'RangeError', errorMessage: 'too far' },
  });
});

test('a function stops at its timeout, and the next event gets a new environment', async () => {
  const source =
    'let calls = 0; exports.handler = async (event) => { calls += 1; while (event.spin) ; return calls }';
  const { host } = await deployFunction(source, { memoryMb: 128, timeoutMs: 200 });
  await host.warm();
  await expect(host.invoke(arn, { spin: true })).resolves.toMatchObject({
    error: { errorMessage: 'Task timed out after 0.20 seconds' },
  });
  await expect(host.invoke(arn, {})).resolves.toEqual({ ok: true, value: 1 });
});

test("a function's clock is the sandbox's", async () => {
  const { host, time } = await deployFunction(`exports.handler = async () =>
    [Date.now(), new Date() instanceof Date, structuredClone(new Date()) instanceof Date]`);
  time.advance(86_400_000);
  const earliest = time.now();
  const { value } = (await host.invoke(arn, {})) as { value: [number, boolean, boolean] };
  expect(value[0]).toBeGreaterThanOrEqual(earliest);
  expect(value.slice(1)).toEqual([true, true]);
});

test('an event that fails three times goes to its destination', async () => {
  const { host, time, destinationRecords, output } = await deployFunction(
    `exports.handler = async () => { console.log('tried'); throw new Error('never') }`,
  );
  host.configureAsynchronous(arn, { maximumRetries: 2, onFailure: 'arn:queue' });
  await host.invokeAsynchronously(arn, { a: 1 });
  while (destinationRecords.length === 0) {
    time.advance(120_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(destinationRecords).toMatchObject([
    {
      destination: 'arn:queue',
      record: { requestPayload: { a: 1 }, requestContext: { approximateInvokeCount: 3 } },
    },
  ]);
  expect(output.join('')).toBe('tried\ntried\ntried\n');
});
