import { beforeEach, describe, expect, test } from '@jest/globals';
import { type AllowlistEntry, entryItem } from '../../lib/allowlist/entry.ts';
import type { ExpiryWarning } from '../../lib/approvals/expiry-warning-text.ts';
import { warningEmail } from '../../lib/channels/email/warning-email.ts';
import { slackLimits } from '../../lib/channels/slack/mrkdwn.ts';
import { warningMessage } from '../../lib/channels/slack/warning-message.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import { enqueueForChanges } from '../../lib/notifications/notification.ts';
import { readBlocks } from '../../sandbox/slack/read-blocks.ts';
import { anEntry, aRecord, aService, aVerdict, endpointId } from '../builders.ts';
import { aGroup, aliceEmail, createNotifyTestEnv } from './fixtures.ts';

const until = '2026-11-28T12:00:00.000Z';
const account = (number: number) => String(222_222_220_000 + number);
const target = { kind: 'expiry-warnings', id: '2026-11-21#default' } as const;

function anExpiringEntry(number = 1, entry: Partial<AllowlistEntry> = {}): AllowlistEntry {
  return anEntry({ accountId: account(number), expiresAt: until, ...entry });
}

/** A connection that the entry of its account allows until its expiry. */
function aWarnedRecord(
  number = 1,
  { daysBefore = 7, ...record }: Partial<ConnectionRecord> & { daysBefore?: number } = {},
) {
  return aRecord({
    endpointId: endpointId(number),
    ownerAccountId: account(number),
    state: 'available',
    verdict: aVerdict('accept', { until }),
    expiryWarning: { until, daysBefore },
    ...record,
  });
}

function createEnvWithExpiring(contents: Parameters<typeof createNotifyTestEnv>[0] = {}) {
  const testEnv = createNotifyTestEnv({
    records: [1, 2, 3].map((number) => aWarnedRecord(number)),
    entries: [1, 2, 3].map((number) => anExpiringEntry(number)),
    ...contents,
  });
  const { env, notify } = testEnv;
  return {
    ...testEnv,
    /** Handles the change of records that got a warning. */
    async warn(...records: readonly ConnectionRecord[]) {
      await enqueueForChanges(
        records.map((record) => {
          const { expiryWarning: _expiryWarning, ...before } = record;
          return { before: recordItem(before), after: recordItem(record) };
        }),
        env.deps,
      );
    },
    deliver: (changed = {}) => notify(env.queuedNotifications.splice(0), changed),
  };
}

describe('expiry warnings', () => {
  let testEnv: ReturnType<typeof createEnvWithExpiring>;
  beforeEach(() => {
    testEnv = createEnvWithExpiring();
  });

  test('of one group and day share one message and one e-mail, the soonest expiry first', async () => {
    const other = aWarnedRecord(4, { ownerAccountId: account(1) });
    const records = [1, 2, 3].map((number) => aWarnedRecord(number));
    const { env, slack, post, warn, deliver } = createEnvWithExpiring({ records: [...records, other] });
    const soon = '2026-11-22T09:00:00.000Z';
    env.put(entryItem(anExpiringEntry(3, { expiresAt: soon, serviceId: '*', customer: 'initech' })));
    await warn(aWarnedRecord(1), other);
    await warn(aWarnedRecord(2), aWarnedRecord(3, { expiryWarning: { until: soon, daysBefore: 1 } }));
    expect(new Set(env.queuedNotifications.map(({ id }) => id))).toEqual(new Set([target.id]));
    await deliver();
    expect(slack.messages).toHaveLength(1);
    expect(post.sent).toMatchObject([
      { to: aliceEmail, subject: '3 allowlist entries with connections expire within 7 days' },
    ]);
    const lines = post.sent[0]?.text.split('\n').filter((line) => line.startsWith('Account'));
    expect(lines).toEqual([
      `Account ${account(3)} (initech) at orders: expires on 22 Nov 2026, 09:00 UTC, 0 connected endpoints.`,
      `Account ${account(1)} at orders: expires on 28 Nov 2026, 12:00 UTC, 2 connected endpoints.`,
      `Account ${account(2)} at orders: expires on 28 Nov 2026, 12:00 UTC, 1 connected endpoint.`,
    ]);
  });

  test('are sent once, however often and concurrently linkgate handles them', async () => {
    const { env, slack, post, notify, warn, deliver } = testEnv;
    await warn(aWarnedRecord());
    await warn(aWarnedRecord());
    await Promise.all([notify([target]), notify([target])]);
    await deliver();
    await enqueueForChanges(
      [{ before: recordItem(aWarnedRecord()), after: recordItem(aWarnedRecord()) }],
      env.deps,
    );
    expect(env.queuedNotifications).toEqual([]);
    expect(slack.calls).toEqual(['post']);
    expect(post.sent).toHaveLength(1);
  });

  test('that become due later on the day join the message, with a reply and an e-mail about them alone', async () => {
    const { env, slack, post, warn, deliver, waitMinutes } = testEnv;
    await warn(aWarnedRecord(1));
    await deliver();
    await warn(aWarnedRecord(2), aWarnedRecord(3));
    env.advanceSeconds(60);
    await deliver();
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      '3 allowlist entries with connections expire within 7 days',
    ]);
    expect(slack.replies.map(({ text }) => text)).toEqual(['2 more entries of this message expire soon.']);
    expect(post.sent).toHaveLength(1);
    await waitMinutes(60);
    expect(post.sent).toHaveLength(2);
    expect(post.sent[1]?.text).not.toContain(account(1));
    expect(slack.replies).toHaveLength(1);
  });

  test('of another day are another message', async () => {
    const { slack, warn, deliver } = testEnv;
    await warn(aWarnedRecord(1), aWarnedRecord(1, { daysBefore: 1 }));
    await deliver();
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      `Access of account ${account(1)} to orders ends in 7 days`,
      `Access of account ${account(1)} to orders ends in 1 day`,
    ]);
  });

  test('disappear from the messages of all days when the entry is renewed or removed', async () => {
    const { env, slack, post, warn, deliver, settle } = testEnv;
    await warn(aWarnedRecord(1), aWarnedRecord(2), aWarnedRecord(1, { daysBefore: 14 }));
    await deliver();
    await settle();
    env.advanceSeconds(86_400);
    env.put(entryItem(anExpiringEntry(1, { expiresAt: '2027-01-01T00:00:00.000Z' })));
    const { expiryWarning: _expiryWarning, ...renewed } = aWarnedRecord(1);
    await enqueueForChanges([{ before: recordItem(aWarnedRecord(1)), after: recordItem(renewed) }], env.deps);
    await deliver();
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      `Access of account ${account(2)} to orders ends in 7 days`,
      'The expiring access was renewed or removed',
    ]);
    expect(slack.messages[0]?.text).toContain('1 other entry was renewed or removed since.');
    expect(slack.replies).toEqual([]);
    expect(post.sent).toHaveLength(2);
  });

  test('whose entry was renewed before the delivery are not sent', async () => {
    const { env, slack, post, warn, deliver } = testEnv;
    await warn(aWarnedRecord(1));
    env.put(entryItem(anExpiringEntry(1, { expiresAt: '2027-01-01T00:00:00.000Z' })));
    await deliver();
    expect([slack.calls, post.sent]).toEqual([[], []]);
  });

  test('that failed in one channel are retried there alone', async () => {
    const { slack, post, warn, deliver, waitMinutes } = testEnv;
    await warn(aWarnedRecord());
    slack.error = new SlackError('chat.postMessage', 'timeout');
    await deliver();
    slack.error = undefined;
    post.error = new Error('SNS is away');
    await warn(aWarnedRecord(2));
    await waitMinutes(2);
    post.error = undefined;
    await waitMinutes(61);
    expect(slack.messages).toHaveLength(1);
    expect(post.sent.map(({ subject }) => subject)).toEqual(
      [1, 2].map((number) => `Access of account ${account(number)} to orders ends in 7 days`),
    );
  });

  test('survive a crash at each write: the repeated event and the next attempt send them', async () => {
    for (const crashAt of [1, 2, 3]) {
      const { env, slack, post, notify, warn, waitMinutes } = createEnvWithExpiring();
      let writes = 0;
      const write: typeof env.table.write = async (...args) => {
        if (++writes === crashAt) throw new Error('killed');
        return env.table.write(...args);
      };
      const table = { ...env.table, write };
      const change = { before: undefined, after: recordItem(aWarnedRecord()) };
      await enqueueForChanges([change], { ...env.deps, table }).catch(() => warn(aWarnedRecord()));
      await notify([target], { table });
      await waitMinutes(3);
      expect(slack.messages.length).toBeGreaterThan(0);
      expect(post.sent.length).toBeGreaterThan(0);
    }
  });

  test('go by e-mail to a group without a channel, and nowhere for a group without any target', async () => {
    const { slackChannel: _channel, ...byMail } = aGroup();
    for (const [emails, count] of [
      [[aliceEmail], 1],
      [[], 0],
    ] as const) {
      const { env, post, warn, deliver } = createEnvWithExpiring({
        groups: [{ ...byMail, emails: [...emails] }],
      });
      await warn(aWarnedRecord());
      await deliver();
      expect(post.sent).toHaveLength(count);
      expect(env.queuedNotifications).toEqual([]);
    }
  });
});

describe('the text of expiry warnings', () => {
  const aWarning = (number: number, entry: Partial<AllowlistEntry> = {}): ExpiryWarning => ({
    entry: { ...anExpiringEntry(number, entry), expiresAt: until },
    service: aService({ graceSeconds: number * 3600 }),
    daysBefore: 7,
    connections: 500,
  });
  const view = (warnings: readonly ExpiryWarning[]) => ({ group: 'default', warnings, renewedCount: 0 });

  test('names the consequence, and the command or the policy file that renews the entry', () => {
    const text = warningEmail(
      view([aWarning(1, { maxEndpoints: 200 }), aWarning(2, { managedBy: 'file' })]),
    ).text;
    expect(text).toContain(
      `, 500 or more connected endpoints.\nTo renew it: \`linkgate allow ${account(1)} --service orders --max-endpoints 200 --expires 90d\``,
    );
    expect(text).toContain('A policy file manages this entry: change its expiry there, and apply the file.');
    expect(text).not.toContain(`linkgate allow ${account(2)}`);
    expect(text).toContain('disconnects the endpoints after a grace period of 1 to 2 hours');
  });

  test('of 400 entries keeps the limits of Slack, and all are in the e-mail', () => {
    const many = view(Array.from({ length: 400 }, (_, index) => aWarning(index, { note: '<&"'.repeat(20) })));
    const { blocks, text } = warningMessage(many);
    const listed = text.split('To renew it').length - 1;
    expect(readBlocks(blocks)).toHaveLength(blocks.length);
    expect(JSON.stringify(blocks).length).toBeLessThan(slackLimits.blocks);
    expect(listed).toBeGreaterThan(5);
    expect(JSON.stringify(blocks)).toMatch(
      /And \d+ more. To see the expiry of each entry: `linkgate allowlist list`/,
    );
    expect(warningEmail(many).text.split('To renew it')).toHaveLength(401);
    const tooMany = warningEmail(view(Array.from({ length: 2_000 }, (_, index) => aWarning(index))));
    expect(Buffer.byteLength(tooMany.text)).toBeLessThan(256_000);
    expect(tooMany.text).toMatch(/And \d+ more\./);
  });
});
