import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ApproverGroup } from '../../../lib/approvers/approver-group.ts';
import { subscribeGroup } from '../../../lib/channels/email/subscribe-group.ts';
import { createTestEnv, type TestEnv } from '../../doubles/test-env.ts';

let env: TestEnv;
beforeEach(() => {
  env = createTestEnv();
});

const aGroup = (emails: readonly string[], name = 'night'): ApproverGroup => ({
  name,
  quorum: 1,
  slackUsers: [],
  emails: [...emails],
  version: 1,
});

const own = (address: string) => ({ arn: `arn:${address}`, filterAddresses: [address] });

function subscribe(group: ApproverGroup, otherGroups: readonly ApproverGroup[] = []) {
  return subscribeGroup(group, [group, ...otherGroups], env.deps);
}

describe('an address of a group', () => {
  test('is subscribed, and subscribed again while it is not confirmed', async () => {
    env.subscriptions.set('b@example.com', {});
    const warnings = await subscribe(aGroup(['a@example.com', 'b@example.com']));
    expect(warnings).toEqual([
      expect.stringContaining('a@example.com has to confirm'),
      expect.stringContaining('b@example.com has to confirm'),
    ]);
    expect([...env.subscriptions.keys()].sort()).toEqual(['a@example.com', 'b@example.com']);
  });

  test('that is already subscribed is not subscribed again, in upper or lower case', async () => {
    env.subscriptions.set('A@example.com', own('a@example.com'));
    expect(await subscribe(aGroup(['a@example.com']))).toEqual([]);
    expect([...env.subscriptions]).toEqual([['A@example.com', own('a@example.com')]]);
  });

  test.each([
    ['all addresses', {}],
    ['another address', { filterAddresses: ['b@example.com'] }],
  ])('that receives the e-mails of %s gets a filter policy for its own e-mails', async (_whose, wider) => {
    env.subscriptions.set('a@example.com', { arn: 'arn:1', ...wider });
    expect(await subscribe(aGroup(['a@example.com']))).toEqual([]);
    expect(env.subscriptions.get('a@example.com')).toEqual({
      arn: 'arn:1',
      filterAddresses: ['a@example.com'],
    });
  });

  test('that SNS rejects becomes a warning, and the other addresses are subscribed', async () => {
    const error = new Error('Invalid parameter: Email address');
    const { subscriptions } = env.deps;
    env.deps.subscriptions = {
      ...subscriptions,
      subscribe: (address) =>
        address.startsWith('a') ? Promise.reject(error) : subscriptions.subscribe(address),
    };
    const warnings = await subscribe(aGroup(['a@example.com', 'b@example.com']));
    expect(warnings).toEqual([
      expect.stringContaining('the subscription of a@example.com cannot be changed'),
      expect.stringContaining('b@example.com has to confirm'),
    ]);
    expect(env.errors).toEqual([error]);
  });
});

describe('the subscription of an address that is no longer in the group', () => {
  beforeEach(() => {
    env.subscriptions.set('gone@example.com', own('gone@example.com'));
  });

  test('is removed', async () => {
    await subscribe(aGroup([]));
    expect(env.subscriptions.size).toBe(0);
  });

  test('stays while the address is in another group', async () => {
    await subscribe(aGroup([]), [aGroup(['gone@example.com'], 'day')]);
    expect(env.subscriptions.size).toBe(1);
  });

  test.each([
    ['was not confirmed', {}],
    ['was created outside linkgate', { arn: 'arn:2' }],
  ])('stays if it %s', async (_why, subscription) => {
    env.subscriptions.set('gone@example.com', subscription);
    await subscribe(aGroup([]));
    expect(env.subscriptions.size).toBe(1);
  });
});
