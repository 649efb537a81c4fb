import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import { expiringAccessTarget } from '../../lib/notifications/expiry-warning-state.ts';
import { digestWindowSeconds, enqueueForChanges } from '../../lib/notifications/notification.ts';
import { anEntry, aRecord, aVerdict, consumer, endpointId, serviceId } from '../builders.ts';
import { aGroup, aliceEmail, createNotifyTestEnv } from './fixtures.ts';

const until = '2026-11-28T12:00:00.000Z';
const expiring = { serviceId: serviceId(1), accountId: consumer, until, daysBefore: 7 };
const target = expiringAccessTarget(expiring);
const entry = anEntry({ expiresAt: until, maxEndpoints: 200 });

/** Connections that are allowed by an entry that expires in a week. */
function expiryWarning(count: number): ConnectionRecord[] {
  return Array.from({ length: count }, (_, index) =>
    aRecord({
      endpointId: endpointId(index + 1),
      state: 'available',
      verdict: aVerdict('accept', { until }),
      expiryWarning: { until, daysBefore: 7 },
    }),
  );
}

function createEnvWithExpiring(count = 3, contents: Parameters<typeof createNotifyTestEnv>[0] = {}) {
  const testEnv = createNotifyTestEnv({ records: expiryWarning(count), ...contents });
  testEnv.env.put(entryItem(entry));
  return { ...testEnv, warn: () => testEnv.notify([target]) };
}

describe('the warning before an allowlist entry expires', () => {
  test('is enqueued once for all connections of the account', async () => {
    const { env } = createEnvWithExpiring();
    const changes = expiryWarning(100).map((record) => {
      const { expiryWarning: _warned, ...before } = record;
      return { before: recordItem(before), after: recordItem(record) };
    });
    await enqueueForChanges(changes, env.deps);
    expect(env.queuedNotifications).toEqual([{ ...target, afterSeconds: digestWindowSeconds }]);
    await enqueueForChanges(
      changes.map(({ after }) => ({ before: after, after })),
      env.deps,
    );
    expect(env.queuedNotifications).toHaveLength(1);
  });

  test('names the account, the time, the number of connections, the consequence and the command that renews the entry', async () => {
    const { slack, post, warn } = createEnvWithExpiring(100);
    await warn();
    expect(slack.messages).toHaveLength(1);
    expect(post.sent).toMatchObject([
      { to: aliceEmail, subject: `Access of account ${consumer} to orders ends in 7 days` },
    ]);
    for (const text of [slack.messages[0]?.text, post.sent[0]?.text])
      for (const part of [
        `Access of account ${consumer} to orders ends in 7 days`,
        'allow, at most 200 endpoints, until 28 Nov 2026, 12:00 UTC. 100 connections rely on it.',
        'disconnects them after a grace period of 72 hours',
        `linkgate allow ${consumer} --service orders --max-endpoints 200 --expires 90d`,
      ])
        expect(text).toContain(part);
  });

  test('names the policy file instead of a command if the file manages the entry', async () => {
    const { env, slack, post, warn } = createEnvWithExpiring();
    env.put(entryItem(anEntry({ expiresAt: until, managedBy: 'file' })));
    await warn();
    for (const text of [slack.messages[0]?.text, post.sent[0]?.text]) {
      expect(text).toContain('A policy file manages this entry. To renew it, change its expiry in the file');
      expect(text).not.toContain('linkgate allow');
    }
  });

  test('is sent once, however often it is enqueued', async () => {
    const { slack, post, warn } = createEnvWithExpiring();
    await Promise.all([warn(), warn()]);
    await warn();
    expect(slack.messages).toHaveLength(1);
    expect(post.sent).toHaveLength(1);
  });

  test('is sent again when the next warning is due', async () => {
    const { slack, notify, warn } = createEnvWithExpiring();
    await warn();
    await notify([expiringAccessTarget({ ...expiring, daysBefore: 1 })]);
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      `Access of account ${consumer} to orders ends in 7 days`,
      `Access of account ${consumer} to orders ends in 1 day`,
    ]);
  });

  test('is not sent if the entry was renewed or removed in the meantime', async () => {
    const { env, slack, warn } = createEnvWithExpiring();
    env.put(entryItem(anEntry({ expiresAt: '2027-01-01T00:00:00.000Z' })));
    await warn();
    expect(slack.calls).toEqual([]);
  });

  test('is retried in Slack after a failure, and emailed once', async () => {
    const { env, slack, post, warn } = createEnvWithExpiring();
    slack.error = new SlackError('chat.postMessage', 'timeout');
    await warn();
    expect(env.queuedNotifications).toEqual([{ ...target, afterSeconds: 300 }]);
    slack.error = undefined;
    await warn();
    expect(slack.messages).toHaveLength(1);
    expect(post.sent).toHaveLength(1);
    env.queuedNotifications.length = 0;
    await warn();
    expect(env.queuedNotifications).toEqual([]);
  });

  test('is retried for one day', async () => {
    const { env, slack, warn } = createEnvWithExpiring();
    slack.error = new SlackError('chat.postMessage', 'timeout');
    await warn();
    env.queuedNotifications.length = 0;
    env.advanceSeconds(25 * 3600);
    await warn();
    expect(env.queuedNotifications).toEqual([]);
  });

  test('is emailed again to the addresses that SNS failed to publish to', async () => {
    const { env, post, slack, warn } = createEnvWithExpiring();
    post.error = new Error('SNS is away');
    await warn();
    expect(slack.messages).toHaveLength(1);
    post.error = undefined;
    env.advanceSeconds(300);
    await warn();
    expect(post.sent).toHaveLength(1);
    expect(slack.messages).toHaveLength(1);
  });

  test('is sent again if a run crashed before it recorded the delivery', async () => {
    const { env, slack, notify, warn } = createEnvWithExpiring();
    let writes = 0;
    const table = {
      ...env.table,
      write: async (...args: Parameters<typeof env.table.write>) => {
        if (++writes > 1) throw new Error('killed');
        return env.table.write(...args);
      },
    };
    await notify([target], { table });
    await warn();
    expect(slack.messages).toHaveLength(1);
    env.advanceSeconds(61);
    await warn();
    expect(slack.messages).toHaveLength(2);
  });

  test('is emailed to a group without a Slack channel, and skipped for a group without any target', async () => {
    const { slackChannel: _channel, ...byMail } = aGroup();
    const emailedTo = createEnvWithExpiring(1, { groups: [byMail] });
    await emailedTo.warn();
    expect(emailedTo.post.sent).toHaveLength(1);
    expect(emailedTo.env.queuedNotifications).toEqual([]);
    const silent = createEnvWithExpiring(1, { groups: [{ ...byMail, emails: [] }] });
    await silent.warn();
    expect(silent.env.queuedNotifications).toEqual([]);
  });

  test('says that a policy file manages the entry', async () => {
    const { env, slack, warn } = createEnvWithExpiring();
    env.put(entryItem({ ...entry, managedBy: 'file' }));
    await warn();
    expect(slack.messages[0]?.text).toContain('A policy file manages this entry');
  });
});
