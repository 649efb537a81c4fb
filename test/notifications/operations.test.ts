import { beforeEach, describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import {
  type OperationsNotice,
  operationsNoticeTarget,
  saveOperationsNotice,
} from '../../lib/approvers/operations-notice.ts';
import {
  type OperationsSettings,
  setOperationsRecipients,
} from '../../lib/approvers/operations-recipients.ts';
import { modeChangeItem } from '../../lib/mode/mode.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import { saveNoticesForChanges } from '../../lib/notifications/operations-changes.ts';
import { alice, aModeChange, anEntry, consumer } from '../builders.ts';
import { createCrashingDeps, forEachCallSite } from '../doubles/crash-injection.ts';
import { createNotifyTestEnv } from './fixtures.ts';

const notice: OperationsNotice = {
  id: 'probe#1',
  title: 'The probe fails',
  lines: ['<!channel> at *once*'],
  severity: 'high',
  isOver: false,
};
const target = operationsNoticeTarget(notice.id);
const observe = modeChangeItem(aModeChange({ mode: 'observe', reason: 'incident 4711' }));
const enforce = modeChangeItem(
  aModeChange({ mode: 'enforce', since: '2026-11-21T13:00:00.000Z', version: 2 }),
);

let testEnv: ReturnType<typeof createNotifyTestEnv>;
beforeEach(async () => {
  testEnv = await createEnv();
});

async function createEnv(
  settings: Partial<OperationsSettings> = { slackChannel: 'C01OPS', emails: ['night@example.com'] },
) {
  const created = createNotifyTestEnv({ records: [] });
  await setOperationsRecipients({ emails: [], ...settings }, alice, created.env.deps);
  return created;
}

/** Delivers what is enqueued. */
async function deliverQueued({ env, notify } = testEnv) {
  await notify(env.queuedNotifications.splice(0).map(({ kind, id }) => ({ kind, id })));
}

describe('an operations notice', () => {
  test('is one message in the channel and one publication, also for a repeated call', async () => {
    const { slack, post, deps } = testEnv;
    for (const _ of [1, 2]) {
      await saveOperationsNotice(notice, deps);
      await deliverQueued();
    }
    expect(slack.messages).toMatchObject([{ channel: 'C01OPS' }]);
    expect(slack.messages[0]?.text).toBe('The probe fails\n&lt;!channel&gt; at *once*\nSeverity: high');
    expect(post.published).toMatchObject([
      { subject: 'linkgate: The probe fails', addresses: ['night@example.com'] },
    ]);
  });

  test('is updated when the change is over, published again, and stays over', async () => {
    const { slack, post, deps } = testEnv;
    await saveOperationsNotice(notice, deps);
    await deliverQueued();
    testEnv.env.advanceSeconds(5);
    await saveOperationsNotice({ ...notice, isOver: true }, deps);
    await saveOperationsNotice(notice, deps);
    await deliverQueued();
    expect(slack.messages.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^Over: The probe fails\n/),
    ]);
    expect(post.published.map(({ subject }) => subject)).toEqual([
      'linkgate: The probe fails',
      'linkgate: Over: The probe fails',
    ]);
  });

  test('of a change that nobody was told of is not sent when it is over', async () => {
    await saveOperationsNotice({ ...notice, isOver: true }, testEnv.deps);
    expect(testEnv.env.queuedNotifications).toEqual([]);
  });

  test('is published without a Slack channel and an address, for other subscribers of the topic', async () => {
    const { slack, post, env, notify, deps } = await createEnv({});
    await saveOperationsNotice(notice, deps);
    await deliverQueued({ ...testEnv, env, notify });
    expect([slack.messages, post.published]).toMatchObject([[], [{ addresses: [] }]]);
  });

  test('is delivered by the schedule after a failed enqueue', async () => {
    const { slack, deps, waitMinutes, env } = testEnv;
    const notificationQueue = { ...deps.notificationQueue, enqueue: () => Promise.reject(new Error('away')) };
    await saveOperationsNotice(notice, { ...deps, notificationQueue });
    expect(env.queuedNotifications).toEqual([]);
    await waitMinutes(1);
    expect(slack.messages).toHaveLength(1);
  });

  test('is delivered whatever call a run crashes at: the message shows that it is over', async () => {
    const kills = await forEachCallSite(async (nth, moment) => {
      const { env, slack, post, deps, waitMinutes } = await createEnv();
      const killed = createCrashingDeps(nth, moment, deps);
      const run = async (isOver: boolean) => {
        await saveOperationsNotice({ ...notice, isOver }, killed.deps);
        await notifyApprovers([target], killed.deps);
      };
      await run(false).catch(() => {});
      // The caller of a failed save repeats it.
      await saveOperationsNotice(notice, deps);
      await waitMinutes(3);
      await run(true).catch(() => {});
      await saveOperationsNotice({ ...notice, isOver: true }, deps);
      await waitMinutes(3);
      const { message } = await env.notification(notice.id, 'operations-notice');
      expect(slack.messages.find(({ ts }) => ts === message?.ts)?.text).toMatch(/^Over: /);
      expect(slack.messages.length).toBeLessThanOrEqual(2);
      expect(post.published.at(-1)?.subject).toBe('linkgate: Over: The probe fails');
      return killed.hasCrashed();
    });
    expect(kills).toBeGreaterThan(20);
  });

  test('of two runs at once leaves one message', async () => {
    const { slack, deps, notify, settle } = testEnv;
    await Promise.all([saveOperationsNotice(notice, deps), saveOperationsNotice(notice, deps)]);
    await Promise.all([notify([target]), notify([target])]);
    await settle();
    expect(slack.messages).toHaveLength(1);
  });
});

describe('operations notices of', () => {
  const blocked = entryItem(anEntry({ serviceId: '*', effect: 'block', note: 'left', version: 3 }));

  async function play(...states: (typeof observe | undefined)[]) {
    for (const [index, after] of states.entries()) {
      const change = { before: states[index - 1], after };
      // The stream delivers at least once.
      for (const _ of [1, 2]) await saveNoticesForChanges([change], testEnv.deps);
      await deliverQueued();
      testEnv.env.advanceSeconds(5);
    }
    return testEnv.slack.messages.map(({ text }) => text);
  }

  test('the mode say who switched to observe, and that it is over', async () => {
    const [text, ...others] = await play(observe, enforce);
    expect(others).toEqual([]);
    for (const part of [
      'Over: The mode is observe',
      'incident 4711',
      `${alice} switched to enforce on 21 Nov 2026`,
    ])
      expect(text).toContain(part);
  });

  test('a lockdown end when the block is removed', async () => {
    expect(await play(blocked)).toEqual([expect.stringContaining(`Account ${consumer} is locked down`)]);
    expect(await play(blocked, undefined)).toEqual([
      expect.stringMatching(/^Over: Account .*\n.*left\n(.*\n)*The block was removed\./),
    ]);
  });

  test('a lockdown that is repeated are one message for each', async () => {
    const again = entryItem(anEntry({ serviceId: '*', effect: 'block', version: 4 }));
    expect(await play(blocked, again)).toEqual([
      expect.stringMatching(/^Over: (.*\n)*.*blocked it again/),
      expect.stringMatching(/^Account .* is locked down/),
    ]);
  });

  test('other changes are none', async () => {
    const allowed = entryItem(anEntry({ serviceId: '*' }));
    const atOne = entryItem(anEntry({ effect: 'block' }));
    expect(await play(allowed, undefined)).toEqual([]);
    expect(await play(atOne)).toEqual([]);
    expect(await play(enforce)).toEqual([]);
  });

  test('an unreadable item is reported, and the other changes are told', async () => {
    const broken = { ...observe, schemaVersion: '2.0' };
    const changes = [broken, blocked].map((after) => ({ before: undefined, after }));
    await saveNoticesForChanges(changes, testEnv.deps);
    expect(testEnv.env.errors).toHaveLength(1);
    expect(testEnv.env.queuedNotifications).toHaveLength(1);
  });
});
