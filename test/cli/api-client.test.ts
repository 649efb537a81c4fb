import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { endpointId, entry, service, serviceId } from './answers.ts';
import { type FakeAws, fakeAws, linkgate } from './world.ts';

let aws: FakeAws;
beforeAll(async () => {
  aws = await fakeAws();
});
beforeEach(() => {
  aws.asked.length = 0;
});
afterAll(() => aws.close());

const body = { services: [], entries: [], service, entry };

test.each([
  ['a list', 'service list', 502],
  ['an entry of the allowlist', 'block 012345678901 --service payments', 503],
  ['a registration', `service add ${serviceId}`, 504],
  ['anything that was throttled', 'forget 012345678901 --service payments', 429],
])('%s is asked for again after an answer that may pass', async (_name, line, status) => {
  aws.respond = () => (aws.asked.length < 3 ? { status } : { body });
  expect(await linkgate(line, aws)).toMatchObject({ code: 0 });
  expect(aws.asked).toHaveLength(3);
});

test('a list is asked for again when the connection breaks', async () => {
  aws.respond = () => (aws.asked.length < 3 ? { isBroken: true } : { body });
  expect(await linkgate('service list', aws)).toMatchObject({ code: 0 });
});

test.each([
  ['a decision', `approve ${endpointId}`],
  ['a removal', 'forget 012345678901 --service payments'],
])('%s whose answer was lost is not sent twice, and the person is told to look', async (_name, line) => {
  aws.respond = () => ({ isBroken: true });
  expect(await linkgate(line, aws)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('look before you try again'),
  });
  expect(aws.asked).toHaveLength(1);
});

test('it is not asked for ever', async () => {
  aws.respond = () => ({ status: 503 });
  expect(await linkgate('service list', aws)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('answered 503'),
  });
  expect(aws.asked).toHaveLength(4);
});

test('credentials that the API refuses are told what they need', async () => {
  aws.respond = () => ({ status: 403, body: { message: 'Forbidden' } });
  expect(await linkgate('service list', aws)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('they need `execute-api:Invoke`'),
  });
});

test('an answer of another version is not taken for one of this', async () => {
  aws.respond = () => ({ body: { services: [{ id: 'payments' }] } });
  expect(await linkgate('service list', aws)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('of one version'),
  });
});

test('what takes longer than two seconds says on standard error what it is doing', async () => {
  let tell = () => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  aws.respond = () => ({ body, until: told });
  const due: { afterMs: number; act: () => void }[] = [];
  const clock = {
    sleep: async () => {},
    after(afterMs: number, act: () => void) {
      due.push({ afterMs, act });
      return () => {};
    },
  };
  const running = linkgate('service list --json', aws, { clock, onStderr: tell });
  expect(due.map(({ afterMs }) => afterMs)).toEqual([2_000]);
  due[0]?.act();
  expect((await running).stderr).toContain('…');
});
