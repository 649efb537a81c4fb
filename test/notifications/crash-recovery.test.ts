import { describe, expect, test } from '@jest/globals';
import { submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import { alice, endpointId } from '../builders.ts';
import { createCrashingDeps, forEachCallSite } from '../doubles/crash-injection.ts';
import {
  anAwaitingRecord,
  channel,
  createEnvWithChangedGroup,
  createNotifyTestEnv,
  otherChannel,
} from './fixtures.ts';

const approveInput = { decision: 'approve', by: alice } as const;
const storm = Array.from({ length: 11 }, (_, index) => anAwaitingRecord(index + 1));

const callsUntilPlacesAreClaimed = 12;

describe('a run of notify-approvers that crashes at any call', () => {
  test('is completed by the next run: the request has one message, which shows the record', async () => {
    let orphanedMessages = 0;
    const kills = await forEachCallSite(async (nth, moment) => {
      const { env, slack, post, deps, subjects, notify } = createNotifyTestEnv();
      const killed = createCrashingDeps(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      env.advanceSeconds(61);
      await notify();

      const ts = (await env.notification(endpointId(1))).message?.ts;
      expect(slack.messages.map((message) => message.ts)).toContain(ts);
      orphanedMessages += slack.messages.length - 1;
      expect(post.sent.length).toBeLessThanOrEqual(2);

      await submitStoredDecision(endpointId(1), approveInput, env.deps);
      const killedAgain = createCrashingDeps(nth, moment, deps);
      await notifyApprovers(subjects, killedAgain.deps).catch(() => {});
      env.advanceSeconds(61);
      await notify();
      expect(slack.messages.find((message) => message.ts === ts)?.text).toContain('Being accepted');
      expect(await env.notification(endpointId(1))).not.toHaveProperty('nextAttemptAt');
      return killed.hasCrashed();
    });
    expect(kills).toBeGreaterThan(20);
    // The run crashed between chat.postMessage and the write of the message id.
    expect(orphanedMessages).toBe(2);
  });

  test('is completed by the next run if the request moved to another group: only the message to that group offers actions', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { env, slack, deps, subjects, notify } = await createEnvWithChangedGroup();
      const killed = createCrashingDeps(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      env.advanceSeconds(61);
      await notify();
      const notification = await env.notification(endpointId(1));
      expect(notification).toMatchObject({ message: { channel: otherChannel }, outdated: [] });
      expect(slack.messages.find((message) => message.channel === channel)?.text).toContain('see <#');
      return killed.hasCrashed();
    });
  });

  test('leaves no outdated message, even if the record returns to an earlier status', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { env, slack, deps, subjects, notify } = createNotifyTestEnv();
      await notify();
      const open = await env.record(endpointId(1));
      await submitStoredDecision(endpointId(1), approveInput, env.deps);
      const killed = createCrashingDeps(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      const { version = 0 } = (await env.record(endpointId(1))) ?? {};
      if (open) env.put(recordItem({ ...open, version }));
      env.advanceSeconds(61);
      await notify();
      expect(slack.messages[0]?.text).toContain('Waiting for approval');
      return killed.hasCrashed();
    });
  });

  test('leads to one reminder, or to two if it crashed after Slack accepted the reply', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { env, slack, deps, subjects, notify } = createNotifyTestEnv();
      await notify();
      env.advanceSeconds(3600);
      const killed = createCrashingDeps(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      env.advanceSeconds(61);
      await notify();
      await notify();
      expect([1, 2]).toContain(slack.replies.length);
      expect(await env.actions(endpointId(1))).toEqual(['reminded']);
      return killed.hasCrashed();
    });
  });

  test('leaves each request of a burst in one message or one digest', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { env, deps, subjects, notify } = createNotifyTestEnv({ records: storm });
      const killed = createCrashingDeps(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      env.advanceSeconds(61);
      await notify();
      const notifications = await Promise.all(storm.map((each) => env.notification(each.endpointId)));
      expect(new Set(notifications.map(({ message, digestId }) => message?.ts ?? digestId)).size).toBe(11);
      expect(notifications.filter(({ digestId }) => digestId !== undefined)).toHaveLength(1);
      return killed.hasCrashed() && nth < callsUntilPlacesAreClaimed;
    });
  });
});
