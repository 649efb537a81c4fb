import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ApproverGroup } from '../../../lib/approvers/approver-group.ts';
import { subscribeGroup } from '../../../lib/channels/email/subscribe-approvers.ts';
import { createTestEnv, type TestEnv } from '../../doubles/test-env.ts';

let world: TestEnv;
beforeEach(() => {
  world = createTestEnv();
});

const aGroup = (emails: readonly string[], name = 'night'): ApproverGroup => ({
  name,
  quorum: 1,
  slackUsers: [],
  emails: [...emails],
  version: 1,
});

const own = (address: string) => ({ arn: `arn:${address}`, readers: [address] });

function subscribe(group: ApproverGroup, others: readonly ApproverGroup[] = []) {
  return subscribeGroup(group, [group, ...others], world.deps);
}

describe('an address of a group', () => {
  test('is subscribed where it is not, and asked again where it has not answered', async () => {
    world.subscriptions.set('b@example.com', {});
    const warnings = await subscribe(aGroup(['a@example.com', 'b@example.com']));
    expect(warnings).toEqual([
      expect.stringContaining('a@example.com has to confirm'),
      expect.stringContaining('b@example.com has to confirm'),
    ]);
    expect([...world.subscriptions.keys()].sort()).toEqual(['a@example.com', 'b@example.com']);
  });

  test('that has its subscription is left alone, however SNS writes it', async () => {
    world.subscriptions.set('A@example.com', own('a@example.com'));
    expect(await subscribe(aGroup(['a@example.com']))).toEqual([]);
    expect([...world.subscriptions]).toEqual([['A@example.com', own('a@example.com')]]);
  });

  test.each([
    ["everybody's", {}],
    ["another one's", { readers: ['b@example.com'] }],
  ])('that gets %s messages gets its own alone from then on', async (_whose, wider) => {
    world.subscriptions.set('a@example.com', { arn: 'arn:1', ...wider });
    expect(await subscribe(aGroup(['a@example.com']))).toEqual([]);
    expect(world.subscriptions.get('a@example.com')).toEqual({ arn: 'arn:1', readers: ['a@example.com'] });
  });

  test('that SNS does not take is warned of, and keeps no other from being subscribed', async () => {
    const error = new Error('Invalid parameter: Email address');
    const { subscriptions } = world.deps;
    world.deps.subscriptions = {
      ...subscriptions,
      subscribe: (address) =>
        address.startsWith('a') ? Promise.reject(error) : subscriptions.subscribe(address),
    };
    const warnings = await subscribe(aGroup(['a@example.com', 'b@example.com']));
    expect(warnings).toEqual([
      expect.stringContaining('the subscription of a@example.com could not be changed'),
      expect.stringContaining('b@example.com has to confirm'),
    ]);
    expect(world.errors).toEqual([error]);
  });
});

describe('the subscription of an address that the group no longer names', () => {
  beforeEach(() => {
    world.subscriptions.set('gone@example.com', own('gone@example.com'));
  });

  test('is taken away', async () => {
    await subscribe(aGroup([]));
    expect(world.subscriptions.size).toBe(0);
  });

  test('stays while another group names it', async () => {
    await subscribe(aGroup([]), [aGroup(['gone@example.com'], 'day')]);
    expect(world.subscriptions.size).toBe(1);
  });

  test.each([
    ['was not confirmed', {}],
    ['is none of linkgate’s making', { arn: 'arn:2' }],
  ])('stays where it %s', async (_why, subscription) => {
    world.subscriptions.set('gone@example.com', subscription);
    await subscribe(aGroup([]));
    expect(world.subscriptions.size).toBe(1);
  });
});
