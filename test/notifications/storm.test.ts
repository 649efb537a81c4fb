import { describe, expect, test } from '@jest/globals';
import { digestEntity, digestKey, requestTarget } from '../../lib/approvals/digest.ts';
import { submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { groupItem } from '../../lib/approvers/approver-group.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import type { NotificationTarget } from '../../lib/outbox/notification.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { chunks } from '../../lib/values/chunks.ts';
import { alice, aService, endpointId } from '../builders.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { aGroup, anApprovalRequest, anAwaitingRecord, createNotifyTestEnv } from './fixtures.ts';

const approveInput = { decision: 'approve', by: alice } as const;

function createAwaitingRecords(count: number, from = 1) {
  return Array.from({ length: count }, (_, index) => anAwaitingRecord(from + index));
}

/** Moves the approval request of a record to another group. */
async function moveToGroup(group: string, number: number, env: TestEnv): Promise<ConnectionRecord> {
  const record = anAwaitingRecord(number, await env.record(endpointId(number)));
  const moved = { ...record, approvalRequest: anApprovalRequest({ group }) };
  env.put(recordItem(moved));
  return moved;
}

/** Notifies of a burst by two concurrent runs in batches of ten; then one run handles the queued digests. */
async function createEnvAfterBurst(count: number, group = aGroup()) {
  const testEnv = createNotifyTestEnv({ records: createAwaitingRecords(count), groups: [group] });
  const { env, notify, subjects, settle } = testEnv;
  for (const [one = [], other = []] of chunks(chunks(subjects, 10), 2))
    await Promise.all([notify(one), notify(other)]);
  const digests = [
    ...new Set(env.queuedNotifications.flatMap(({ kind, id }) => (kind === 'digest' ? id : []))),
  ];
  await settle();
  return { ...testEnv, digests, all: digests.map((id): NotificationTarget => ({ kind: 'digest', id })) };
}

describe('a burst', () => {
  test('of 200 requests becomes ten Slack messages and e-mails, and one digest with the other 190', async () => {
    const { env, slack, post, digests } = await createEnvAfterBurst(200);
    expect(slack.messages).toHaveLength(11);
    expect(slack.messages.at(-1)?.text).toContain('190 requests wait');
    expect(digests).toHaveLength(1);
    const digest = await digestEntity.find(digestKey(digests[0] ?? ''), env.table);
    expect(digest?.endpointIds.length).toBe(190);
    expect(new Set(digest?.endpointIds).size).toBe(190);
    expect(env.errors).toEqual([]);
    // The e-mail of the digest has links to its first twenty requests.
    expect(post.sent).toHaveLength(11);
    expect(post.sent.at(-1)?.text.match(/https:/g)).toHaveLength(40);
  });

  test('that goes on adds its requests to the digest, which is emailed at most once a minute', async () => {
    const { env, slack, post, notify, settle, all } = await createEnvAfterBurst(20);
    env.put(...createAwaitingRecords(5, 21).map(recordItem));
    await notify(createAwaitingRecords(5, 21).map((record) => requestTarget(record.endpointId)));
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.messages).toHaveLength(11);
    expect(slack.messages.at(-1)?.text).toContain('15 requests wait');
    expect(post.sent).toHaveLength(11);
    await settle();
    expect(post.sent).toHaveLength(12);
    expect(post.sent.at(-1)?.subject).toContain('5 requests');
  });
});

test('a request that a concurrent run put into a digest gets no message of its own', async () => {
  const { env, slack, deps, subjects, notify } = createNotifyTestEnv({ records: createAwaitingRecords(11) });
  // Each request has a reminder due by then, and the run stores the stage first.
  env.advanceSeconds(3601);
  await notify(subjects.slice(0, 10));
  const late = subjects.slice(10);
  let isOvertaken = false;
  const write: typeof deps.table.write = async (writes) => {
    if (!isOvertaken) {
      isOvertaken = true;
      await notify(late);
    }
    return deps.table.write(writes);
  };
  await notify(late, { table: { ...deps.table, write } });
  expect(isOvertaken).toBe(true);
  expect((await env.notification(endpointId(11))).digestId).toBeDefined();
  expect(slack.messages).toHaveLength(10);
});

describe('a digest', () => {
  test('that cannot be read fails only its own queue messages, which SQS delivers again', async () => {
    const { env, slack, deps, notify, all } = await createEnvAfterBurst(12);
    await submitStoredDecision(endpointId(1), approveInput, env.deps);
    await submitStoredDecision(endpointId(11), approveInput, env.deps);
    env.advanceSeconds(5);
    const get: typeof deps.table.get = async (keys) =>
      keys.some(({ pk }) => pk === 'DIGEST') ? Promise.reject(new Error('away')) : deps.table.get(keys);
    const targets = [...all, requestTarget(endpointId(1))];
    const { failed } = await notify(targets, { table: { ...deps.table, get } });
    expect(failed).not.toEqual([]);
    expect(failed).not.toContainEqual(requestTarget(endpointId(1)));
    expect(env.errors).toMatchObject([{ message: 'away' }]);
    expect(slack.messages[0]?.text).toContain('Being accepted');
    await notify(all);
    expect(slack.messages.at(-1)?.text).toContain('1 of 2 requests wait');
  });

  test('is updated when its requests are decided, and says when all are decided', async () => {
    const { env, slack, notify, all } = await createEnvAfterBurst(12);
    await submitStoredDecision(endpointId(11), approveInput, env.deps);
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.messages.at(-1)?.text).toContain('1 of 2 requests');
    await submitStoredDecision(endpointId(12), approveInput, env.deps);
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.messages.at(-1)?.text).toContain('All 2 requests are decided');
    await notify(all);
    expect(slack.calls.filter((call) => call === 'update')).toHaveLength(2);
  });

  test('whose last update fails is tried again each minute', async () => {
    const { env, slack, notify, waitMinutes, all, digests } = await createEnvAfterBurst(12);
    for (const each of [11, 12]) await submitStoredDecision(endpointId(each), approveInput, env.deps);
    env.advanceSeconds(5);
    slack.error = new SlackError('chat.update', 'service_unavailable');
    slack.calls.length = 0;
    await notify(all);
    await waitMinutes(30);
    expect(slack.calls).toHaveLength(31);
    slack.error = undefined;
    await waitMinutes(5);
    expect(slack.messages.at(-1)?.text).toContain('All 2 requests are decided');
    expect(await env.notification(digests[0] ?? '', 'digest')).not.toHaveProperty('nextAttemptAt');
  });

  test('whose last update is due while Slack refuses the channel is updated later', async () => {
    const { env, slack, notify, waitMinutes, all } = await createEnvAfterBurst(12);
    slack.error = new SlackError('chat.update', 'is_archived');
    await submitStoredDecision(endpointId(11), approveInput, env.deps);
    env.advanceSeconds(5);
    await notify(all);
    await submitStoredDecision(endpointId(12), approveInput, env.deps);
    slack.error = undefined;
    await waitMinutes(17);
    expect(slack.messages.at(-1)?.text).toContain('All 2 requests are decided');
  });

  test('whose last update fails for a week is no longer retried', async () => {
    const { env, slack, notify, all, digests } = await createEnvAfterBurst(12);
    for (const each of [11, 12]) await submitStoredDecision(endpointId(each), approveInput, env.deps);
    env.advanceSeconds(5);
    slack.error = new SlackError('chat.update', 'timeout');
    await notify(all);
    env.advanceSeconds(7 * 86_400 + 1);
    await notify(all);
    expect(await env.notification(digests[0] ?? '', 'digest')).not.toHaveProperty('nextAttemptAt');
  });

  test('that a person deleted is posted again at the next escalation stage while requests are open', async () => {
    const { env, slack, notify, all } = await createEnvAfterBurst(12);
    slack.deleteMessage(slack.messages.at(-1)?.ts ?? '');
    env.advanceSeconds(3600);
    await notify(all);
    await notify(all);
    expect(slack.messages.at(-1)?.text).toContain('2 requests wait');
    expect(slack.messages).toHaveLength(11);
    expect(slack.replies).toEqual([]);
  });

  test('that Slack no longer lets linkgate update has one reply when all requests are decided', async () => {
    const { env, slack, notify, all } = await createEnvAfterBurst(12);
    slack.closeEditWindow(slack.messages.at(-1)?.ts ?? '');
    for (const each of [11, 12]) await submitStoredDecision(endpointId(each), approveInput, env.deps);
    env.advanceSeconds(5);
    await notify(all);
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.replies.map(({ text }) => text)).toEqual([expect.stringContaining('All 2 requests')]);
  });

  test('is posted in the new Slack channel of its group while one of its requests is open', async () => {
    const { env, slack, notify, all } = await createEnvAfterBurst(12);
    env.put(groupItem(aGroup({ slackChannel: 'C01NETWORK' })));
    await submitStoredDecision(endpointId(11), approveInput, env.deps);
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.messages.slice(-2)).toMatchObject([
      { text: expect.stringContaining('see <#C01NETWORK>') },
      { channel: 'C01NETWORK', text: expect.stringContaining('1 of 2 requests') },
    ]);
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.messages).toHaveLength(12);
    expect(slack.calls.filter((call) => call === 'update')).toHaveLength(1);
  });

  test('loses a request that moved to another group, and a digest of that group may contain it', async () => {
    const { env, notify, digests } = await createEnvAfterBurst(12);
    const removed = await moveToGroup('network', 11, env);
    const otherRequests = createAwaitingRecords(10, 21).map((record) => ({
      ...record,
      approvalRequest: anApprovalRequest({ group: 'network' }),
    }));
    env.put(
      serviceItem(aService({ approvers: 'network' })),
      groupItem(aGroup({ name: 'network' })),
      ...otherRequests.map(recordItem),
    );
    await notify([...otherRequests, removed].map((record) => requestTarget(record.endpointId)));
    const { digestId: digest } = await env.notification(endpointId(11));
    expect(digest).not.toBe(digests[0]);
    expect((await digestEntity.find(digestKey(digest ?? ''), env.table))?.endpointIds).toEqual([
      endpointId(11),
    ]);
    expect(env.errors).toEqual([]);
  });

  test('shows only the requests that it contains, and says when none is left', async () => {
    const { env, slack, notify, all } = await createEnvAfterBurst(12);
    await moveToGroup('network', 11, env);
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.messages.at(-1)?.text).toContain('1 request waits');
    await moveToGroup('network', 12, env);
    env.advanceSeconds(5);
    await notify(all);
    expect(slack.messages.at(-1)?.text).toContain('other approvers decide it now');
  });

  test('is updated at most once in five seconds', async () => {
    const { env, slack, notify, all } = await createEnvAfterBurst(12);
    await submitStoredDecision(endpointId(11), approveInput, env.deps);
    await notify(all);
    await submitStoredDecision(endpointId(12), approveInput, env.deps);
    await notify(all);
    expect(slack.calls.filter((call) => call === 'update')).toHaveLength(1);
    expect(env.queuedNotifications).toEqual([{ ...all[0], afterSeconds: 5 }]);
  });

  test('has one reminder at each escalation stage, whatever the number of its requests', async () => {
    const { env, slack, post, notify, settle, all } = await createEnvAfterBurst(15);
    for (const hours of [1, 2, 1]) {
      env.advanceSeconds(hours * 3600);
      await notify(all);
      await notify(all);
      await settle();
    }
    expect(slack.replies).toHaveLength(3);
    expect(post.sent.map(({ subject }) => subject).slice(10)).toEqual(
      Array(3).fill(expect.stringContaining('5 requests')),
    );
    expect(await env.actions(endpointId(15))).toEqual(['reminded', 'reminded', 'expired']);
  });

  test('is updated by one run at a time', async () => {
    const { env, slack, notify, all } = await createEnvAfterBurst(12);
    await submitStoredDecision(endpointId(11), approveInput, env.deps);
    env.advanceSeconds(5);
    await Promise.all([notify(all), notify(all)]);
    expect(slack.calls.filter((call) => call === 'update')).toHaveLength(1);
  });

  test('is posted once after Slack answered with a Retry-After', async () => {
    const { slack, notify, settle } = createNotifyTestEnv({ records: createAwaitingRecords(12) });
    slack.error = new SlackError('chat.postMessage', 'ratelimited', 3);
    await notify();
    slack.error = undefined;
    await settle();
    expect(slack.messages).toHaveLength(11);
  });
});
