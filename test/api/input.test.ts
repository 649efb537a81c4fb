import { describe, expect, test } from '@jest/globals';
import { trackIdentity } from '../../lib/storage/table-identity.ts';
import {
  aConnection,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument, allowEntry } from '../policy-as-code/fixtures.ts';
import { callApi, errorAnswer } from './call-api.ts';

async function createConnectedEnv(): Promise<TestEnv> {
  const env = createTestEnv({
    services: [aService()],
    entries: [anEntry()],
    connections: [aConnection({ state: 'available' })],
    records: [aRecord({ state: 'available', verdict: aVerdict('accept') })],
  });
  await trackIdentity({ ...env.deps, now: () => noon });
  return env;
}

/** A field of a request body. */
type InputField = readonly [name: string, request: string, body: (value: unknown) => object];

const putEntry = `PUT /allowlist/orders/${consumer}`;
const decide = `POST /connections/${endpointId(1)}/decision`;
const extend = `POST /connections/${endpointId(1)}/extend`;
const revoke = `POST /connections/${endpointId(1)}/revocation`;
const until = '2027-01-31T12:00:00Z';
const emails = ['a@example.com', 'b@example.com'];
const accounts = [consumer];

/** A plan with an entry, a customer, a group or a service. */
const planEntry = (field: object) => ({
  document: aDocument({ entries: [{ ...allowEntry(consumer), ...field }] }),
});
const planCustomer = (field: object) => ({
  document: aDocument({ customers: [{ name: 'acme', accounts, ...field }] }),
});
const planGroup = (field: object) => ({
  document: aDocument({ groups: [{ name: 'ops', quorum: 1, slackUsers: [], emails, ...field }] }),
});
const planService = (field: object) => ({
  document: aDocument({ services: [{ name: 'orders', ...field }] }),
});

const times: readonly InputField[] = [
  ['expiresAt', putEntry, (expiresAt) => ({ effect: 'allow', expiresAt })],
  ['until', extend, (value) => ({ until: value, reason: 'moving' })],
  ['contractEndsAt', 'PUT /customers/acme', (contractEndsAt) => ({ accounts, contractEndsAt })],
  ['expiresAt of an entry', 'POST /plans', (expiresAt) => planEntry({ expiresAt })],
  ['contractEndsAt of a customer', 'POST /plans', (contractEndsAt) => planCustomer({ contractEndsAt })],
];

const numbers: readonly InputField[] = [
  ['maxEndpoints', putEntry, (maxEndpoints) => ({ effect: 'allow', maxEndpoints })],
  ['deadlineSeconds', 'POST /services', (value) => ({ serviceId: serviceId(1), deadlineSeconds: value })],
  ['graceSeconds', 'POST /services', (graceSeconds) => ({ serviceId: serviceId(1), graceSeconds })],
  ['quorum', 'PUT /approvers/ops', (quorum) => ({ emails, quorum })],
  ['removals', 'POST /services/orders/principals/approval', (removals) => ({ removals })],
  ['maxEndpoints of an entry', 'POST /plans', (maxEndpoints) => planEntry({ maxEndpoints })],
  ['quorum of a group', 'POST /plans', (quorum) => planGroup({ quorum })],
  ['deadlineSeconds of a service', 'POST /plans', (deadlineSeconds) => planService({ deadlineSeconds })],
  ['graceSeconds of a service', 'POST /plans', (graceSeconds) => planService({ graceSeconds })],
];

const requiredTexts: readonly InputField[] = [
  ['reason', decide, (reason) => ({ decision: 'deny', reason })],
  ['reason', extend, (reason) => ({ until, reason })],
  ['customerMessage', decide, (customerMessage) => ({ decision: 'deny', reason: 'no', customerMessage })],
  ['customerMessage', revoke, (customerMessage) => ({ customerMessage })],
  ['ticket', decide, (ticket) => ({ decision: 'approve', ticket })],
];

const optionalReasons: readonly InputField[] = [
  ['reason', revoke, (reason) => ({ reason })],
  ['reason', 'PUT /mode', (reason) => ({ mode: 'observe', reason })],
  ['reason', 'POST /services/orders/pause', (reason) => ({ reason })],
];

const notes: readonly InputField[] = [
  ['note', putEntry, (note) => ({ effect: 'allow', note })],
  ['note', putEntry, (note) => ({ effect: 'block', note })],
];

const texts = [...requiredTexts, ...optionalReasons, ...notes];

/** The maximum length of a text in characters; 1,000 for each other one. */
const maxLengths: Readonly<Record<string, number>> = { ticket: 100, customerMessage: 500 };

const invalidRequest = (sentence = '') => errorAnswer(400, 'InvalidRequest', sentence);

function combine<Value>(fields: readonly InputField[], values: readonly Value[]) {
  return fields.flatMap((field) => values.map((value) => [...field, value] as const));
}

/** Tests that each field rejects each value, and that the policy stays as it is. */
function testRejected(
  fields: readonly InputField[],
  values: readonly unknown[],
  error: ReturnType<typeof errorAnswer>,
) {
  test.each(combine(fields, values))('as %s of %s is rejected: %#', async (_name, request, body, value) => {
    const env = await createConnectedEnv();
    const before = await callApi(env, 'GET /policy');
    expect(await callApi(env, request, body(value))).toMatchObject(error);
    expect(await callApi(env, 'GET /policy')).toEqual(before);
  });
}

describe('a time', () => {
  testRejected(
    times,
    [
      '2099-01-31T12:00:00+02',
      '2099-01-31T12:00:00+0200',
      '2099-01-31 12:00:00Z',
      '2099-01-31T12:00Z',
      'soon',
    ],
    invalidRequest('write a date-time such as 2027-01-31T12:00:00Z'),
  );
  testRejected(times, ['2099-02-30T12:00:00Z'], invalidRequest('there is no day 2099-02-30'));

  test('with an offset is stored and shown in UTC', async () => {
    const env = await createConnectedEnv();
    const expiresAt = '2099-01-31T12:00:00+02:00';
    const utc = '2099-01-31T10:00:00.000Z';
    expect(await callApi(env, putEntry, { effect: 'allow', expiresAt })).toMatchObject({
      status: 200,
      body: { entry: { expiresAt: utc } },
    });
    expect(
      await callApi(env, 'PUT /customers/acme', { accounts: [consumer], contractEndsAt: expiresAt }),
    ).toMatchObject({ status: 200, body: { customer: { contractEndsAt: utc } } });
  });
});

describe('a number', () => {
  testRejected(numbers, [2 ** 53 + 2, 1e300, -1, 1.5, 1e15, '2'], invalidRequest());

  test('is accepted up to the documented maximum and rejected above it', async () => {
    const env = await createConnectedEnv();
    expect(await callApi(env, putEntry, { effect: 'allow', maxEndpoints: 100_000 })).toMatchObject({
      status: 200,
    });
    expect(await callApi(env, putEntry, { effect: 'allow', maxEndpoints: 100_001 })).toMatchObject(
      invalidRequest('at most 100000'),
    );
  });
});

describe('a text', () => {
  const blank = ['', ' \n', '\u200b\u200b', '\u3164', '\u202e', '\u2800'];
  testRejected(requiredTexts, blank, errorAnswer(422, 'BlankText', ': write visible text'));

  test('that is missing, or blank beside another invalid field, answers InvalidRequest', async () => {
    for (const body of [{ until: '2027-01-31T12:00:00Z' }, { until: 'soon', reason: ' ' }])
      expect(await callApi(await createConnectedEnv(), extend, body)).toMatchObject(invalidRequest('reason'));
  });

  test.each(combine(optionalReasons, [' \u200b']))(
    'as %s of %s counts as absent if it is blank',
    async (_name, request, body, value) => {
      const { status, body: answer } = await callApi(await createConnectedEnv(), request, body(value));
      expect(status).toBe(200);
      expect(JSON.stringify(answer)).not.toMatch(/\u200b|"(reason|pauseReason)":""/);
    },
  );

  test.each(combine(texts, ['half \ud83d']))(
    'as %s of %s gets U+FFFD for a lone surrogate',
    async (_name, request, body, value) => {
      const answer = await callApi(await createConnectedEnv(), request, body(value));
      expect(answer).not.toMatchObject({ status: 500 });
      expect(JSON.stringify(answer)).not.toContain('\\ud83d');
    },
  );

  test.each(combine(texts, ['😀', '👨‍👩‍👧‍👦']))(
    'as %s of %s is limited in graphemes: %#',
    async (name, request, body, value) => {
      const most = maxLengths[name] ?? 1_000;
      const [fits, tooLong] = [value.repeat(most), value.repeat(most + 1)];
      const answer = await callApi(await createConnectedEnv(), request, body(fits));
      expect(JSON.stringify(answer)).not.toContain('Shorten');
      expect(answer).not.toMatchObject({ status: 500 });
      expect(await callApi(await createConnectedEnv(), request, body(tooLong))).toMatchObject(
        invalidRequest(`Shorten it to ${most.toLocaleString('en')} characters`),
      );
    },
  );

  test.each([
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
    ['JSON arrays that are nested 200,000 deep and not closed', '['.repeat(200_000)],
    ['JSON arrays that are nested 200,000 deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
  ])('is rejected as a request body if it is %s', async (_what, body) => {
    expect(await callApi(await createConnectedEnv(), putEntry, body)).toMatchObject(
      invalidRequest('the body is not JSON in UTF-8'),
    );
  });
});
