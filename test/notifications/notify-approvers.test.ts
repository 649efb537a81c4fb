import { describe, expect, test } from '@jest/globals';
import { computeContentHash } from '../../lib/approvals/content-hash.ts';
import { requestTarget } from '../../lib/approvals/digest.ts';
import { submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { readAuditTrail } from '../../lib/audit/audit.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { enqueueDueNotifications } from '../../lib/notifications/notification.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import { findThrottle, throttleKey } from '../../lib/notifications/throttle.ts';
import { notificationRetries } from '../../lib/outbox/notification.ts';
import { alice, aService, aVerdict, endpointId, noon } from '../builders.ts';
import {
  aGroup,
  aliceEmail,
  anApprovalRequest,
  anAwaitingRecord,
  channel,
  createEnvWithChangedGroup,
  createNotifyTestEnv,
  otherChannel,
} from './fixtures.ts';

const anHour = 3600;
const approveInput = { decision: 'approve', by: alice } as const;
const isDown = new SlackError('chat.postMessage', 'service_unavailable');

/** Whether the sweep would enqueue the first request. */
async function needsMore({ env, deps }: ReturnType<typeof createNotifyTestEnv>): Promise<boolean> {
  const record = await env.record(endpointId(1));
  env.queuedNotifications.length = 0;
  await enqueueDueNotifications(record ? [record] : [], deps);
  return env.queuedNotifications.length > 0;
}

describe('an open request', () => {
  test('is posted once, and an item of its own keeps the id of the message', async () => {
    const { env, slack, notify } = createNotifyTestEnv();
    await notify();
    await notify();
    expect(slack.messages).toMatchObject([{ channel, text: expect.stringContaining(endpointId(1)) }]);
    expect(slack.calls).toEqual(['post']);
    const record = await env.record(endpointId(1));
    expect(await env.notification(endpointId(1))).toEqual({
      kind: 'request',
      id: endpointId(1),
      generation: '0',
      contentHash: record && computeContentHash(record),
      renderedAt: noon.toISOString(),
      message: { channel, ts: slack.messages[0]?.ts },
      outdated: [],
      emailed: { [aliceEmail]: '0#approval-requested' },
      emailedAt: noon.toISOString(),
      attempts: 0,
      version: 2,
    });
    for await (const page of notificationRetries.list('approvers', env.deps)) expect(page).toEqual([]);
    expect(env.errors).toEqual([]);
  });

  test('is posted by one of two concurrent runs', async () => {
    const { slack, post, notify } = createNotifyTestEnv();
    await Promise.all([notify(), notify()]);
    expect(slack.calls).toEqual(['post']);
    expect(post.sent).toHaveLength(1);
  });

  test('has one message if a run takes longer than its lease and another run takes over', async () => {
    const { env, slack, notify } = createNotifyTestEnv();
    let isSlow = true;
    slack.beforeEffect = async () => {
      if (!isSlow) return;
      isSlow = false;
      env.advanceSeconds(61);
      await notify();
    };
    await notify();
    expect(slack.messages).toHaveLength(1);
    expect(slack.calls).toEqual(['post', 'post', 'remove']);
    expect((await env.notification(endpointId(1))).message?.ts).toBe(slack.messages[0]?.ts);
  });

  test('has its message updated if it is decided during the Slack call', async () => {
    const testEnv = createNotifyTestEnv();
    const { env, slack, notify, settle } = testEnv;
    slack.beforeEffect = async (method) => {
      if (method !== 'post') return;
      await submitStoredDecision(endpointId(1), approveInput, env.deps);
      // The stream enqueues the changed record while the first run holds the lease.
      await notify();
    };
    await notify();
    await settle();
    expect(slack.calls).toEqual(['post', 'update']);
    expect(slack.messages[0]?.text).toContain('Being accepted');
    expect(await needsMore(testEnv)).toBe(false);
  });

  test('shows the newest state in whatever order its messages arrive', async () => {
    const { env, slack, notify } = createNotifyTestEnv();
    await notify();
    await submitStoredDecision(endpointId(1), approveInput, env.deps);
    await Promise.all([notify(), notify(), notify()]);
    await notify();
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      expect.stringContaining('Being accepted'),
    ]);
    expect(slack.calls).toEqual(['post', 'update']);
  });

  test('is not posted and has no notification state if the group has no channel and no address', async () => {
    const { slackChannel: _slackChannel, ...withoutChannel } = aGroup({ emails: [] });
    const { env, notify } = createNotifyTestEnv({ groups: [withoutChannel] });
    await notify();
    expect(await env.record(endpointId(1))).toEqual(anAwaitingRecord());
  });

  test('is only emailed while Slack is not connected, and posted once it is', async () => {
    const { slack, post, notify, subjects, deps } = createNotifyTestEnv();
    const { slack: _slack, ...unconnected } = deps;
    await notifyApprovers(subjects, unconnected);
    expect(post.sent).toHaveLength(1);
    await notify();
    expect(slack.messages).toHaveLength(1);
    expect(post.sent).toHaveLength(1);
  });

  test('is not posted again if it is decided and a person deleted its message', async () => {
    const { env, slack, notify } = createNotifyTestEnv();
    await notify();
    slack.deleteMessage(slack.messages[0]?.ts ?? '');
    await submitStoredDecision(endpointId(1), approveInput, env.deps);
    await notify();
    await notify();
    expect(slack.calls).toEqual(['post', 'update']);
    expect(slack.messages).toEqual([]);
  });
});

describe('a message that Slack no longer lets linkgate update', () => {
  test.each([
    ['a person deleted it', 'deleteMessage'],
    ['it is too old', 'closeEditWindow'],
  ] as const)(
    'because %s is posted again at the next escalation stage of its open request',
    async (_, become) => {
      const { env, slack, notify } = createNotifyTestEnv();
      await notify();
      const [{ ts } = { ts: '' }] = slack.messages;
      slack[become](ts);
      env.advanceSeconds(anHour);
      await notify();
      await notify();
      const anew = slack.messages.at(-1);
      expect(anew?.ts).not.toBe(ts);
      expect((await env.notification(endpointId(1))).message?.ts).toBe(anew?.ts);
      await submitStoredDecision(endpointId(1), approveInput, env.deps);
      await notify();
      expect(slack.messages.at(-1)?.text).toContain('Being accepted');
      expect(slack.calls).toEqual(['post', 'update', 'post', 'update']);
    },
  );

  test('has one reply with the outcome once its request is decided', async () => {
    const { env, slack, notify } = createNotifyTestEnv();
    await notify();
    slack.closeEditWindow(slack.messages[0]?.ts ?? '');
    await submitStoredDecision(endpointId(1), approveInput, env.deps);
    await notify();
    await notify();
    expect(slack.replies).toMatchObject([
      { threadTs: slack.messages[0]?.ts, text: expect.stringContaining('Being accepted') },
    ]);
    expect(env.errors).toEqual([]);
  });
});

describe('a request whose approver group has a new Slack channel', () => {
  test('is posted in the new channel and emailed to the new approvers, and its old message offers no actions', async () => {
    const { env, slack, post, notify } = await createEnvWithChangedGroup();
    await notify();
    await notify();
    expect(slack.messages.map((message) => message.channel)).toEqual([channel, otherChannel]);
    const [before, after] = slack.messages;
    expect(before?.text).toContain(`see <#${otherChannel}>`);
    expect(JSON.stringify(before?.blocks)).not.toContain('action_id');
    expect(await env.notification(endpointId(1))).toMatchObject({
      message: { channel: otherChannel, ts: after?.ts },
      outdated: [],
    });
    expect(post.sent.map(({ to }) => to)).toEqual([aliceEmail, 'bob@example.com']);
  });

  test('has its old message updated later if Slack fails during the move', async () => {
    const testEnv = await createEnvWithChangedGroup();
    const { slack, notify, waitMinutes } = testEnv;
    slack.beforeEffect = async (method) => {
      if (method === 'update') throw new SlackError('chat.update', 'timeout');
    };
    await notify();
    expect(slack.messages[0]?.text).not.toContain('see <#');
    slack.beforeEffect = async () => {};
    await waitMinutes(1);
    expect(slack.messages.map(({ text }) => text.includes(`see <#${otherChannel}>`))).toEqual([true, false]);
    expect(await needsMore(testEnv)).toBe(false);
  });

  test('keeps its old message unchanged if the old channel refuses the update', async () => {
    const testEnv = await createEnvWithChangedGroup();
    const { slack, notify } = testEnv;
    slack.beforeEffect = async (method) => {
      if (method === 'update') throw new SlackError('chat.update', 'is_archived');
    };
    await notify();
    expect(slack.messages).toMatchObject([{ channel }, { channel: otherChannel }]);
    expect(await needsMore(testEnv)).toBe(false);
  });

  test('stays in the old channel once it is decided', async () => {
    const { env, slack, notify } = await createEnvWithChangedGroup();
    env.put(
      recordItem({
        ...anAwaitingRecord(1, (await env.record(endpointId(1))) ?? {}),
        verdict: aVerdict('reject'),
      }),
    );
    await notify();
    expect(slack.messages).toMatchObject([{ channel, text: expect.stringContaining('Being rejected') }]);
  });
});

describe('the escalation of an open request', () => {
  test('sends a reminder after a quarter of the time, notifies the next group after three quarters, and leaves the request open at the deadline', async () => {
    const boss = { team: 'T01LOCAL', user: 'U01BOSS' };
    const groups = [
      aGroup({ escalateTo: 'bosses' }),
      aGroup({ name: 'bosses', slackUsers: [boss], slackChannel: 'C01BOSSES', emails: ['boss@example.com'] }),
    ];
    const { env, slack, post, notify } = createNotifyTestEnv({ groups });
    await notify();
    for (const stage of ['reminded', 'escalated', 'expired']) {
      env.advanceSeconds((stage === 'reminded' ? 1 : stage === 'escalated' ? 2 : 1) * anHour);
      await notify();
      await notify();
      expect((await env.record(endpointId(1)))?.approvalRequest?.stage).toBe(stage);
    }
    const history = await readAuditTrail(endpointId(1), env.table);
    expect(history.map(({ action, reason }) => [action, reason])).toEqual([
      ['reminded', 'the approver group default, until 2026-11-21T16:00:00.000Z'],
      ['escalated', 'the approver group bosses, until 2026-11-21T16:00:00.000Z'],
      [
        'expired',
        'nobody decided before 2026-11-21T16:00:00.000Z; it stays open while EC2 shows it pending acceptance',
      ],
    ]);
    expect(slack.replies.map(({ text }) => text.includes('U01BOSS'))).toEqual([false, true, true]);
    expect(slack.messages.map((message) => message.channel)).toEqual([channel, 'C01BOSSES', 'C01BOSSES']);
    expect(post.sent.map(({ to, subject }) => [to, subject.startsWith('Reminder')])).toEqual([
      [aliceEmail, false],
      [aliceEmail, true],
      ['boss@example.com', true],
      [aliceEmail, true],
      ['boss@example.com', true],
    ]);
    expect(post.sent[2]?.text).not.toContain('https://');
  });

  test('skips to the last stage reached, with one reminder', async () => {
    const { env, slack, notify } = createNotifyTestEnv();
    await notify();
    env.advanceSeconds(5 * anHour);
    await notify();
    expect(await env.actions(endpointId(1))).toEqual(['expired']);
    expect(slack.replies).toHaveLength(1);
  });

  test('reminds the same approvers after three quarters if their group escalates to no other', async () => {
    const { env, notify } = createNotifyTestEnv();
    env.advanceSeconds(3 * anHour);
    await notify();
    expect(await env.actions(endpointId(1))).toEqual(['reminded']);
  });

  test('sends no reminder while the service is paused, and sends it afterwards', async () => {
    const findings = [{ rule: 'service-is-paused', outcome: 'hold', reason: 'paused' }] as const;
    const onHold = anAwaitingRecord(1, { verdict: aVerdict('hold', { findings: [...findings] }) });
    const { env, slack, notify } = createNotifyTestEnv({ records: [onHold] });
    await notify();
    env.advanceSeconds(anHour);
    await notify();
    expect(slack.replies).toEqual([]);
    expect(await env.actions(endpointId(1))).toEqual([]);
    const record = await env.record(endpointId(1));
    env.put(recordItem({ ...anAwaitingRecord(1, record), verdict: aVerdict('ask') }));
    await notify();
    expect(slack.replies).toHaveLength(1);
    expect(await env.actions(endpointId(1))).toEqual(['reminded']);
  });

  test('records no expiry if the service rejects expired requests, because policy does', async () => {
    const { env, notify } = createNotifyTestEnv({ services: [aService({ onExpiry: 'reject' })] });
    await notify();
    env.advanceSeconds(5 * anHour);
    await notify();
    expect(await env.actions(endpointId(1))).toEqual([]);
  });
});

describe('an outage', () => {
  test('of Slack for an hour delays each post, which then comes once, and does not delay emails', async () => {
    const records = [1, 2, 3].map((number) => anAwaitingRecord(number));
    const { slack, post, notify, settle, waitMinutes } = createNotifyTestEnv({ records });
    slack.error = isDown;
    await notify();
    await settle();
    expect(post.sent).toHaveLength(3);
    await waitMinutes(60);
    // About one call a minute, whatever the number of requests.
    expect(slack.calls.length).toBeLessThanOrEqual(70);
    slack.error = undefined;
    await waitMinutes(6);
    await notify();
    expect(slack.messages).toHaveLength(3);
    expect(post.sent).toHaveLength(3);
  });

  test('of Slack during a decision delays the update of the message', async () => {
    const { env, slack, notify, waitMinutes } = createNotifyTestEnv();
    await notify();
    await submitStoredDecision(endpointId(1), { decision: 'approve', by: alice }, env.deps);
    slack.error = isDown;
    await notify();
    slack.error = undefined;
    await waitMinutes(1);
    expect(slack.messages[0]?.text).toContain('Being accepted');
    await waitMinutes(10);
    expect(slack.calls).toEqual(['post', 'update', 'update']);
  });

  test('of Slack with a Retry-After stops further calls, and the requests are enqueued for that time', async () => {
    const records = [1, 2].map((number) => anAwaitingRecord(number));
    const groups = [aGroup({ emails: [] })];
    const { env, slack, notify } = createNotifyTestEnv({ records, groups });
    slack.error = new SlackError('chat.postMessage', 'ratelimited', 30);
    await notify();
    expect(slack.calls).toEqual(['post']);
    expect(env.queuedNotifications).toEqual(
      [1, 2].map((each) => ({ ...requestTarget(endpointId(each)), afterSeconds: 30 })),
    );
    slack.error = undefined;
    env.advanceSeconds(30);
    await notify();
    expect(slack.messages).toHaveLength(2);
    expect(env.errors).toEqual([]);
  });

  test('of one Slack channel is retried after 15 minutes, and its error is stored until a call succeeds', async () => {
    const { env, slack, notify } = createNotifyTestEnv();
    slack.error = new SlackError('chat.postMessage', 'not_in_channel');
    await notify();
    env.advanceSeconds(14 * 60);
    await notify();
    expect(slack.calls).toEqual(['post']);
    expect((await findThrottle('default', env.deps)).channelError).toMatchObject({
      error: 'not_in_channel',
      channel,
    });
    slack.error = undefined;
    env.advanceSeconds(60);
    await notify();
    expect(slack.messages).toHaveLength(1);
    expect((await findThrottle('default', env.deps)).channelError).toBeUndefined();
  });

  test('of SNS does not delay Slack, and the emails are sent once SNS works', async () => {
    const { env, slack, post, notify, waitMinutes } = createNotifyTestEnv();
    post.error = new Error('SNS is away');
    await notify();
    expect(slack.messages).toHaveLength(1);
    expect(env.errors).toEqual([post.error]);
    post.error = undefined;
    await waitMinutes(1);
    expect(post.sent).toHaveLength(1);
    expect(slack.messages).toHaveLength(1);
  });
});

test('an email to a group that decides by API only has no links', async () => {
  const { post, notify } = createNotifyTestEnv({ groups: [aGroup({ decisionChannels: 'api' })] });
  await notify();
  expect(post.sent[0]?.text).not.toContain('https://');
  expect(post.sent[0]?.text).toContain(`linkgate approve ${endpointId(1)}`);
});

test('an approval link is for one approver, one endpoint and one approval request', async () => {
  const records = [anAwaitingRecord(1, { approvalRequest: anApprovalRequest({ version: 7 }) })];
  const { post, notify } = createNotifyTestEnv({ records });
  await notify();
  const links = post.sent[0]?.text.match(/https:\S+/g);
  expect(links).toEqual(
    ['approve', 'deny'].map(
      (purpose) => `https://links.example/approval?token=${purpose}-${endpointId(1)}-7-${aliceEmail}`,
    ),
  );
});

test('a request that was decided before its first notification is posted with its outcome and not emailed', async () => {
  const records = [anAwaitingRecord(1, { verdict: aVerdict('reject') })];
  const { slack, post, notify } = createNotifyTestEnv({ records });
  await notify();
  expect(slack.messages[0]?.text).toContain('Being rejected');
  expect(post.sent).toEqual([]);
});

test('an unreadable record is reported and does not block other notifications', async () => {
  const { env, slack, notify } = createNotifyTestEnv();
  env.put({ ...throttleKey('other'), version: 1 }, { pk: 'DIGEST', sk: 'broken', version: 1 });
  await notify([
    { kind: 'digest', id: 'broken' },
    requestTarget(endpointId(1)),
    { kind: 'digest', id: 'unknown' },
  ]);
  expect(slack.messages).toHaveLength(1);
  expect(env.errors).toHaveLength(1);
});
