import { describe, expect, test } from '@jest/globals';
import {
  createDefaultGroup,
  findGroup,
  listApproverGroups,
  QuorumOutOfReachError,
  setGroup,
} from '../../lib/approvers/approver-group.ts';
import { alice, noon } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const bob = { team: 'T01LOCAL', user: 'U01BOB' };
const carol = { team: 'T01LOCAL', user: 'U01CAROL' };
const settings = { quorum: 1, slackUsers: [bob], emails: [] };

describe('an approver group', () => {
  test('is created with the actor and the time', async () => {
    const { deps, table } = createTestEnv();
    const group = { name: 'ops', slackChannel: 'C01OPS', ...settings };
    const created = await setGroup('ops', { slackChannel: 'C01OPS', ...settings }, alice, deps);
    expect(created).toEqual({ ...group, changedAt: noon.toISOString(), changedBy: alice, version: 1 });
    expect(await findGroup('ops', table)).toEqual(created);
  });

  test('is replaced as a whole: omitted members are removed', async () => {
    const { deps, table } = createTestEnv();
    await setGroup('ops', { slackChannel: 'C01OPS', ...settings }, alice, deps);
    await setGroup('ops', { ...settings, slackUsers: [carol] }, alice, deps);
    const group = await findGroup('ops', table);
    expect(group).toMatchObject({ slackUsers: [carol], version: 2 });
    expect(group).not.toHaveProperty('slackChannel');
  });

  test('stores each member once', async () => {
    const twice = { quorum: 1, slackUsers: [bob, bob], emails: ['a@example.com', 'A@example.com'] };
    const { slackUsers, emails } = await setGroup('ops', twice, alice, createTestEnv().deps);
    expect([slackUsers.length, emails.length]).toEqual([1, 1]);
  });

  test('that setup created can be read and replaced', async () => {
    const { deps, table } = createTestEnv();
    await createDefaultGroup(table);
    await setGroup('default', settings, alice, deps);
    expect(await listApproverGroups(deps)).toMatchObject([
      { name: 'default', slackUsers: [bob], version: 2 },
    ]);
  });
});

describe('an approver group that could never decide is rejected', () => {
  test.each([
    { settings: { quorum: 1, slackUsers: [], emails: [] }, why: 'has no members' },
    { settings: { quorum: 2, slackUsers: [bob, bob], emails: [] }, why: 'its quorum is 2, and it has 1' },
  ])('and the error says “$why”', async ({ settings: invalidSettings, why }) => {
    const attempt = setGroup('ops', invalidSettings, alice, createTestEnv().deps);
    await expect(attempt).rejects.toThrow(QuorumOutOfReachError);
    await expect(attempt).rejects.toThrow(why);
  });
});
