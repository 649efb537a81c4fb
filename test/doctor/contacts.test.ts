import { beforeEach, expect, test } from '@jest/globals';
import { deliveryFailureItem } from '../../lib/customers/delivery-failure.ts';
import { setCustomer } from '../../lib/customers/set-customer.ts';
import { checkContacts } from '../../lib/doctor/contact-checks.ts';
import { alice, consumer, noon } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

let env: TestEnv;
beforeEach(() => {
  env = createTestEnv();
});

const email = 'ops@initech.example';
const set = (contact?: { email: string } | { topicArn: string }) =>
  setCustomer('initech', { accounts: [consumer], ...(contact && { contact }) }, alice, env.deps);

test('the contact check is absent without contacts', async () => {
  await set();
  expect(await checkContacts(env.deps)).toEqual([]);
});

test.each([
  [
    'ok',
    'has a confirmed subscription with its own filter policy',
    { arn: 'arn:1', filterAddresses: [email] },
  ],
  ['warning', 'has not confirmed its subscription', {}],
  ['failed', 'has no subscription', undefined],
  ['failed', 'has a subscription without a filter policy', { arn: 'arn:1' }],
])('the contact check has the status %s for an address that %s', async (status, _what, subscription) => {
  await set({ email });
  if (subscription) env.customerSubscriptions.set(email, subscription);
  expect(await checkContacts(env.deps)).toMatchObject([
    { group: 'customers', name: 'contact', subject: 'initech', status },
  ]);
});

test('the contact check warns about a topic that rejected the last message', async () => {
  await set({ topicArn: 'arn:aws:sns:us-east-1:022222222222:linkgate-notices' });
  env.put(deliveryFailureItem('initech', 'not authorized to perform: SNS:Publish', noon));
  expect(await checkContacts(env.deps)).toMatchObject([
    {
      status: 'warning',
      detail: expect.stringContaining('not authorized'),
      remedy: expect.stringContaining('publish'),
    },
  ]);
});

test('the contact check fails when SNS is unavailable', async () => {
  await set({ email });
  const all = () => Promise.reject(new Error('SNS is down'));
  env.deps.customerSubscriptions = { ...env.deps.customerSubscriptions, list: all };
  expect(await checkContacts(env.deps)).toMatchObject([{ status: 'failed' }]);
});
