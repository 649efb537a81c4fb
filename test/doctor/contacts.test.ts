import { beforeEach, expect, test } from '@jest/globals';
import { troubleItem } from '../../lib/customer/contact-trouble.ts';
import { setCustomer } from '../../lib/customer/set-customer.ts';
import { examineContacts } from '../../lib/doctor/contact-checks.ts';
import { alice, consumer, noon } from '../builders.ts';
import { aWorld, type World } from '../doubles/world.ts';

let world: World;
beforeEach(() => {
  world = aWorld();
});

const email = 'ops@initech.example';
const set = (contact?: { email: string } | { topicArn: string }) =>
  setCustomer('initech', { accounts: [consumer], ...(contact && { contact }) }, alice, world.deps);

test('of contacts nothing is found where nobody has one', async () => {
  await set();
  expect(await examineContacts(world.deps)).toEqual([]);
});

test.each([
  ['is in order', { arn: 'arn:1', readers: [email] }, 'ok'],
  ['has yet to confirm', {}, 'warning'],
  ['is no longer subscribed', undefined, 'failed'],
  ['is sent the messages of others', { arn: 'arn:1' }, 'failed'],
])('of an address is found that it %s', async (_what, subscription, status) => {
  await set({ email });
  if (subscription) world.consumerSubscriptions.set(email, subscription);
  expect(await examineContacts(world.deps)).toMatchObject([
    { group: 'consumers', name: 'contact', subject: 'initech', status },
  ]);
});

test('of a topic is found why it refused the last message', async () => {
  await set({ topicArn: 'arn:aws:sns:us-east-1:022222222222:linkgate-notices' });
  world.put(troubleItem('initech', 'not authorized to perform: SNS:Publish', noon));
  expect(await examineContacts(world.deps)).toMatchObject([
    {
      status: 'warning',
      detail: expect.stringContaining('not authorized'),
      remedy: expect.stringContaining('publish'),
    },
  ]);
});

test('contacts that cannot be looked up are a failure', async () => {
  await set({ email });
  const all = () => Promise.reject(new Error('SNS is down'));
  world.deps.consumerSubscriptions = { ...world.deps.consumerSubscriptions, all };
  expect(await examineContacts(world.deps)).toMatchObject([{ status: 'failed' }]);
});
