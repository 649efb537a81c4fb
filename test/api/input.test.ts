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
import { callApi } from './call-api.ts';

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

type InputField = readonly [name: string, method: string, path: string, body: (value: unknown) => object];

const connectionPath = (action: string) => `/connections/${endpointId(1)}/${action}`;
const wrapDocument = (document: object) => ({ document: aDocument(document) });
const group = { name: 'ops', slackUsers: [], emails: ['a@example.com', 'b@example.com'] };

/** Each input that takes a time. */
const times: readonly InputField[] = [
  [
    'the expiry of an entry',
    'PUT',
    `/allowlist/orders/${consumer}`,
    (value) => ({ effect: 'allow', expiresAt: value }),
  ],
  [
    'the end of an extension',
    'POST',
    connectionPath('extend'),
    (value) => ({ until: value, reason: 'moving' }),
  ],
  [
    'the end of a contract',
    'PUT',
    '/customers/acme',
    (value) => ({ accounts: [consumer], contractEndsAt: value }),
  ],
  [
    'the expiry of an entry in a policy',
    'POST',
    '/plans',
    (value) => wrapDocument({ entries: [{ ...allowEntry(consumer), expiresAt: value }] }),
  ],
  [
    'the end of a contract in a policy',
    'POST',
    '/plans',
    (value) => wrapDocument({ customers: [{ name: 'acme', accounts: [consumer], contractEndsAt: value }] }),
  ],
];

/** Each input that takes a number. */
const numbers: readonly InputField[] = [
  [
    'the endpoint limit of an entry',
    'PUT',
    `/allowlist/orders/${consumer}`,
    (value) => ({ effect: 'allow', maxEndpoints: value }),
  ],
  [
    'the deadline of approval requests',
    'POST',
    '/services',
    (value) => ({ serviceId: serviceId(1), deadlineSeconds: value }),
  ],
  [
    'the grace period of a service',
    'POST',
    '/services',
    (value) => ({ serviceId: serviceId(1), graceSeconds: value }),
  ],
  ['the quorum of a group', 'PUT', '/approvers/ops', (value) => ({ emails: group.emails, quorum: value })],
  [
    'the number of principals to remove',
    'POST',
    '/services/orders/principals/approval',
    (value) => ({ removals: value }),
  ],
  [
    'the endpoint limit of an entry in a policy',
    'POST',
    '/plans',
    (value) => wrapDocument({ entries: [{ ...allowEntry(consumer), maxEndpoints: value }] }),
  ],
  [
    'the quorum of a group in a policy',
    'POST',
    '/plans',
    (value) => wrapDocument({ groups: [{ ...group, quorum: value }] }),
  ],
  [
    'the deadline of approval requests in a policy',
    'POST',
    '/plans',
    (value) => wrapDocument({ services: [{ name: 'orders', deadlineSeconds: value }] }),
  ],
  [
    'the grace period of a service in a policy',
    'POST',
    '/plans',
    (value) => wrapDocument({ services: [{ name: 'orders', graceSeconds: value }] }),
  ],
];

/** Each input that takes a reason. */
const neededReasons: readonly InputField[] = [
  [
    'the reason of a denial',
    'POST',
    connectionPath('decision'),
    (value) => ({ decision: 'deny', reason: value }),
  ],
  [
    'the reason of an extension',
    'POST',
    connectionPath('extend'),
    (value) => ({ until: '2027-01-31T12:00:00Z', reason: value }),
  ],
  [
    'the customer message of a denial',
    'POST',
    connectionPath('decision'),
    (value) => ({ decision: 'deny', reason: 'no', customerMessage: value }),
  ],
  [
    'the customer message of a revocation',
    'POST',
    connectionPath('revocation'),
    (value) => ({ customerMessage: value }),
  ],
  [
    'the ticket of an approval',
    'POST',
    connectionPath('decision'),
    (value) => ({ decision: 'approve', ticket: value }),
  ],
];

const optionalReasons: readonly InputField[] = [
  ['the reason of a revocation', 'POST', connectionPath('revocation'), (value) => ({ reason: value })],
  ['the reason of a mode change', 'PUT', '/mode', (value) => ({ mode: 'observe', reason: value })],
  ['the reason of a pause', 'POST', '/services/orders/pause', (value) => ({ reason: value })],
];

const notes: readonly InputField[] = [
  [
    'the note of an entry',
    'PUT',
    `/allowlist/orders/${consumer}`,
    (value) => ({ effect: 'allow', note: value }),
  ],
  [
    'the note of a block',
    'PUT',
    `/allowlist/orders/${consumer}`,
    (value) => ({ effect: 'block', note: value }),
  ],
];

function crossProduct<Value>(fields: readonly InputField[], values: readonly Value[]) {
  return fields.flatMap(([name, ...field]) => values.map((value) => [name, value, field] as const));
}

async function sendInvalidValue(
  env: TestEnv,
  [method, path, body]: readonly [string, string, InputField[3]],
  value: unknown,
) {
  const before = JSON.stringify((await callApi(env, 'GET', '/policy')).body);
  const answer = await callApi(env, method, path, body(value));
  expect(JSON.stringify((await callApi(env, 'GET', '/policy')).body)).toBe(before);
  return answer;
}

function invalidRequest(message: string) {
  return {
    status: 400,
    body: { error: { code: 'InvalidRequest', message: expect.stringContaining(message) } },
  };
}

describe('a time', () => {
  test.each(
    crossProduct(times, [
      '2099-01-31T12:00:00+02',
      '2099-01-31T12:00:00+0200',
      '2099-01-31 12:00:00Z',
      '2099-01-31T12:00Z',
      'soon',
    ]),
  )(
    'used as %s is rejected if it is `%s`, and the error shows the valid format',
    async (_name, value, field) => {
      expect(await sendInvalidValue(await createConnectedEnv(), field, value)).toMatchObject(
        invalidRequest('write a date-time such as 2027-01-31T12:00:00Z'),
      );
    },
  );

  test.each(crossProduct(times, ['2099-02-30T12:00:00Z']))(
    'used as %s is rejected if it is `%s`, a day that does not exist',
    async (_name, value, field) => {
      expect(await sendInvalidValue(await createConnectedEnv(), field, value)).toMatchObject(
        invalidRequest('there is no day 2099-02-30'),
      );
    },
  );

  test('with an offset is stored and shown in UTC', async () => {
    const env = await createConnectedEnv();
    const expiresAt = '2099-01-31T12:00:00+02:00';
    const utc = '2099-01-31T10:00:00.000Z';
    expect(
      await callApi(env, 'PUT', `/allowlist/orders/${consumer}`, { effect: 'allow', expiresAt }),
    ).toMatchObject({ status: 200, body: { entry: { expiresAt: utc } } });
    expect(
      await callApi(env, 'PUT', '/customers/acme', { accounts: [consumer], contractEndsAt: expiresAt }),
    ).toMatchObject({ status: 200, body: { customer: { contractEndsAt: utc } } });
  });
});

describe('a number', () => {
  test.each(crossProduct(numbers, [2 ** 53 + 2, 1e300, -1, 1.5, 1e15, '2']))(
    'used as %s is rejected if it is %j',
    async (_name, value, field) => {
      expect(await sendInvalidValue(await createConnectedEnv(), field, value)).toMatchObject({ status: 400 });
    },
  );

  test('is accepted up to the documented maximum and rejected above it', async () => {
    const env = await createConnectedEnv();
    const path = `/allowlist/orders/${consumer}`;
    expect(await callApi(env, 'PUT', path, { effect: 'allow', maxEndpoints: 100_000 })).toMatchObject({
      status: 200,
    });
    expect(await callApi(env, 'PUT', path, { effect: 'allow', maxEndpoints: 100_001 })).toMatchObject(
      invalidRequest('at most 100000'),
    );
  });
});

describe('a text', () => {
  test.each(crossProduct(neededReasons, ['', ' \n', '\u200b\u200b', '\u3164', '\u202e', '\u2800']))(
    'used as %s is rejected if it is %j, which has no visible character',
    async (_name, value, field) => {
      expect(await sendInvalidValue(await createConnectedEnv(), field, value)).toMatchObject({
        status: 422,
        body: {
          error: { code: 'BlankText', message: expect.stringMatching(/: write visible text/) },
        },
      });
    },
  );

  test('that is missing, or blank beside another invalid field, answers InvalidRequest', async () => {
    const path = `/connections/${endpointId(1)}/extend`;
    for (const body of [{ until: '2027-01-31T12:00:00Z' }, { until: 'soon', reason: ' ' }])
      expect(await callApi(await createConnectedEnv(), 'POST', path, body)).toMatchObject(
        invalidRequest('reason'),
      );
  });

  test.each(crossProduct(optionalReasons, [' \u200b']))(
    'used as %s counts as absent if it is %j',
    async (_name, value, [method, path, body]) => {
      const { status, body: answer } = await callApi(await createConnectedEnv(), method, path, body(value));
      expect(status).toBe(200);
      expect(JSON.stringify(answer)).not.toMatch(/\u200b|"(reason|pauseReason)":""/);
    },
  );

  test.each(crossProduct([...neededReasons, ...optionalReasons, ...notes], ['half \ud83d']))(
    'used as %s gets U+FFFD for the lone surrogate in %j',
    async (_name, value, [method, path, body]) => {
      const answer = await callApi(await createConnectedEnv(), method, path, body(value));
      expect(answer).not.toMatchObject({ status: 500 });
      expect(JSON.stringify(answer)).not.toContain('\\ud83d');
    },
  );

  test.each(crossProduct([...neededReasons, ...optionalReasons, ...notes], ['😀', '👨‍👩‍👧‍👦']))(
    'used as %s is limited in graphemes: %s counts as one character',
    async (name, value, [method, path, body]) => {
      const most = name.startsWith('the ticket')
        ? 100
        : name.startsWith('the customer message')
          ? 500
          : 1_000;
      const [fits, tooLong] = [value.repeat(most), value.repeat(most + 1)];
      const answer = await callApi(await createConnectedEnv(), method, path, body(fits));
      expect(JSON.stringify(answer)).not.toContain('Shorten');
      expect(answer).not.toMatchObject({ status: 500 });
      expect(await callApi(await createConnectedEnv(), method, path, body(tooLong))).toMatchObject(
        invalidRequest(`Shorten it to ${most.toLocaleString('en')} characters`),
      );
    },
  );

  test.each([
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
    ['JSON arrays that are nested 200,000 deep and not closed', '['.repeat(200_000)],
    ['JSON arrays that are nested 200,000 deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
  ])('is rejected as a request body if it is %s', async (_what, body) => {
    const path = `/allowlist/orders/${consumer}`;
    expect(await callApi(await createConnectedEnv(), 'PUT', path, body)).toMatchObject(
      invalidRequest('the body is not JSON in UTF-8'),
    );
  });
});
