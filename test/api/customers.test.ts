import { beforeEach, describe, expect, test } from '@jest/globals';
import { deliveryFailureItem } from '../../lib/customers/delivery-failure.ts';
import { setCustomer } from '../../lib/customers/set-customer.ts';
import { aConnection, alice, anEntry, aService, consumer, endpointId, noon } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument, blockEntry } from '../policy-as-code/fixtures.ts';
import { callApi, errorAnswer } from './call-api.ts';

let env: TestEnv;
beforeEach(() => {
  env = createTestEnv();
});

const email = 'ops@initech.example';
const topicArn = 'arn:aws:sns:us-east-1:022222222222:linkgate-notices';
const byCommandLine = { 'user-agent': 'linkgate-cli/1.0.0' };
const putCustomer = (name: string, body: object, headers?: Readonly<Record<string, string>>) =>
  callApi(env, `PUT /customers/${name}`, body, headers);
const listCustomers = async () => (await callApi(env, 'GET /customers')).body.customers;

describe('a customer', () => {
  test('is stored with its settings, author and manager', async () => {
    const body = {
      accounts: [consumer],
      owners: ['mailto:bob@example.com'],
      contractEndsAt: '2027-12-31T23:59:59.000Z',
    };
    expect(await putCustomer('initech', body, byCommandLine)).toEqual({
      status: 200,
      body: {
        customer: {
          ...body,
          name: 'initech',
          managedBy: 'person',
          changedAt: noon.toISOString(),
          changedBy: alice,
        },
        warnings: [],
      },
    });
    expect(await putCustomer('globex', { accounts: ['033333333333'] })).toMatchObject({
      body: { customer: { managedBy: 'api' } },
    });
    expect(await listCustomers()).toMatchObject([{ name: 'globex' }, { name: 'initech' }]);
    expect(await callApi(env, 'GET /customers/globex')).toMatchObject({
      body: { customer: { accounts: ['033333333333'] } },
    });
    expect(await callApi(env, 'GET /customers/acme')).toMatchObject(
      errorAnswer(404, 'UnknownCustomer', 'linkgate customer list'),
    );
  });

  test('is rejected with an account of another customer', async () => {
    await putCustomer('initech', { accounts: [consumer] });
    expect(await putCustomer('globex', { accounts: [consumer] })).toMatchObject(
      errorAnswer(409, 'AccountTaken', 'initech'),
    );
  });

  test('of the policy file belongs to the caller who changes it, and a warning says so', async () => {
    await setCustomer('initech', { accounts: [consumer], managedBy: 'file' }, alice, env.deps);
    expect(await putCustomer('initech', { accounts: [consumer] })).toMatchObject({
      body: { customer: { managedBy: 'api' }, warnings: [expect.stringContaining('linkgate apply')] },
    });
  });

  test('of the policy file can be removed, with a warning that the next apply restores it', async () => {
    await setCustomer('initech', { accounts: [consumer], managedBy: 'file' }, alice, env.deps);
    expect(await callApi(env, 'DELETE /customers/initech')).toMatchObject({
      body: { warnings: [expect.stringContaining('the next `linkgate apply` restores it')] },
    });
  });

  test('is removed with its subscription; a second removal answers UnknownCustomer', async () => {
    env.customerSubscriptions.set(email, { arn: 'arn:1', filterAddresses: [email] });
    await putCustomer('initech', { accounts: [consumer], contact: { email } });
    expect(await callApi(env, 'DELETE /customers/initech')).toMatchObject({
      status: 200,
      body: { customer: { name: 'initech' } },
    });
    expect(env.customerSubscriptions.size).toBe(0);
    expect(await callApi(env, 'DELETE /customers/initech')).toMatchObject(
      errorAnswer(404, 'UnknownCustomer'),
    );
  });
});

test('lists, explanations and plans contain the name of the customer of an account', async () => {
  env = createTestEnv({
    services: [aService()],
    connections: [aConnection()],
    entries: [anEntry()],
  });
  await putCustomer('initech', { accounts: [consumer] });
  const customer = 'initech';
  const connection = { ownerAccountId: consumer, customer };
  expect(await callApi(env, 'GET /connections')).toMatchObject({ body: { connections: [connection] } });
  expect(await callApi(env, `GET /connections/${endpointId(1)}`)).toMatchObject({ body: { connection } });
  expect(await callApi(env, 'GET /allowlist')).toMatchObject({
    body: { entries: [{ accountId: consumer, customer }] },
  });
  const document = aDocument({ entries: [blockEntry(consumer)] });
  const { body } = await callApi(env, 'POST /plans', { document });
  const path = `/plans/${(body.plan as { planId: string }).planId}`;
  expect((await callApi(env, `GET ${path}/changes`)).body.changes).toContainEqual(
    expect.objectContaining({ kind: 'entry', accountId: consumer, customer }),
  );
});

test('an account that no customer lists has no customer name', async () => {
  env = createTestEnv({ services: [aService()], connections: [aConnection()] });
  await putCustomer('initech', { accounts: ['033333333333'] });
  const { body } = await callApi(env, 'GET /connections');
  expect(body.connections).toEqual([expect.not.objectContaining({ customer: expect.anything() })]);
});

describe('the address of a contact', () => {
  test('is subscribed in lower case and has the status unconfirmed until the recipient confirms', async () => {
    const { body } = await putCustomer('initech', {
      accounts: [consumer],
      contact: { email: 'Ops@Initech.example' },
    });
    expect(body.warnings).toEqual([expect.stringContaining(`${email} has to confirm`)]);
    expect([...env.customerSubscriptions.keys()]).toEqual([email]);
    expect(await listCustomers()).toMatchObject([{ delivery: { status: 'unconfirmed' } }]);
    env.customerSubscriptions.set(email, { arn: 'arn:1', filterAddresses: [email] });
    expect(await listCustomers()).toMatchObject([{ delivery: { status: 'ok' } }]);
  });

  test.each([
    ['not-subscribed', 'no subscription', undefined],
    ['shared', 'a subscription without a filter policy', { arn: 'arn:1' }],
  ])('has the status %s and a remedy if it has %s', async (status, _whose, subscription) => {
    await putCustomer('initech', { accounts: [consumer], contact: { email } });
    env.customerSubscriptions.clear();
    if (subscription) env.customerSubscriptions.set(email, subscription);
    expect(await listCustomers()).toMatchObject([{ delivery: { status, remedy: expect.any(String) } }]);
  });

  test('stays subscribed while another customer has it', async () => {
    env.customerSubscriptions.set(email, { arn: 'arn:1', filterAddresses: [email] });
    await putCustomer('initech', { accounts: [consumer], contact: { email } });
    await putCustomer('globex', { accounts: ['033333333333'], contact: { email } });
    await putCustomer('initech', { accounts: [consumer] });
    expect(env.customerSubscriptions.size).toBe(1);
  });

  test('is listed without a status when SNS is unavailable', async () => {
    await putCustomer('initech', { accounts: [consumer], contact: { email } });
    env.deps.customerSubscriptions = {
      ...env.deps.customerSubscriptions,
      list: () => Promise.reject(new Error('SNS is down')),
    };
    expect(await listCustomers()).toMatchObject([{ name: 'initech', contact: { email } }]);
    expect(env.errors).toHaveLength(1);
  });
});

test('a topic that rejected a message has the status refused until the contact is set again', async () => {
  const contact = { topicArn };
  await putCustomer('initech', { accounts: [consumer], contact });
  expect(await listCustomers()).toMatchObject([{ delivery: { status: 'ok' } }]);
  env.put(deliveryFailureItem('initech', 'not authorized to perform: SNS:Publish', noon));
  expect(await listCustomers()).toMatchObject([
    { delivery: { status: 'refused', detail: expect.stringContaining('not authorized') } },
  ]);
  await putCustomer('initech', { accounts: [consumer], contact });
  expect(await listCustomers()).toMatchObject([{ delivery: { status: 'ok' } }]);
});
