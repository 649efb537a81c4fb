import { describe, expect, test } from '@jest/globals';
import { submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { needsUpdate } from '../../lib/notifications/notification.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import { alice, endpointId } from '../builders.ts';
import { crashAt, forEachCallSite } from '../doubles/crash-injection.ts';
import {
  anAskedRecord,
  aWorldThatTells,
  aWorldWhoseServiceAsksOthers,
  channel,
  otherChannel,
} from './fixtures.ts';

const approves = { decision: 'approve', by: alice } as const;
const storm = Array.from({ length: 11 }, (_, index) => anAskedRecord(index + 1));

const callsUntilPlacesAreClaimed = 12;

describe('a run that is killed at any call', () => {
  test('is made good by the next: the request has its message, and shows what is recorded', async () => {
    let leftBehind = 0;
    const kills = await forEachCallSite(async (nth, moment) => {
      const { world, slack, post, deps, subjects, tell } = aWorldThatTells();
      const killed = crashAt(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      world.wait(61);
      await tell();

      const ts = (await world.record(endpointId(1)))?.notice?.slack?.ts;
      expect(slack.messages.map((message) => message.ts)).toContain(ts);
      leftBehind += slack.messages.length - 1;
      expect(post.sent.length).toBeLessThanOrEqual(2);

      await submitStoredDecision(endpointId(1), approves, world.deps);
      const killedAgain = crashAt(nth, moment, deps);
      await notifyApprovers(subjects, killedAgain.deps).catch(() => {});
      world.wait(61);
      await tell();
      expect(slack.messages.find((message) => message.ts === ts)?.text).toContain('Being accepted');
      const record = await world.record(endpointId(1));
      expect(record && needsUpdate(record, world.time)).toBe(false);
      return killed.isKilled();
    });
    expect(kills).toBeGreaterThan(20);
    // Killed after Slack took the message and before that was written down. No button of it decides anything.
    expect(leftBehind).toBe(2);
  });

  test('is made good where a request goes to others: their message is the one that counts', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { world, slack, deps, subjects, tell } = await aWorldWhoseServiceAsksOthers();
      const killed = crashAt(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      world.wait(61);
      await tell();
      const notice = (await world.record(endpointId(1)))?.notice;
      expect(notice).toMatchObject({ slack: { channel: otherChannel } });
      expect(notice).not.toHaveProperty('previousSlackMessage');
      expect(slack.messages.find((message) => message.channel === channel)?.text).toContain('asked in');
      return killed.isKilled();
    });
  });

  test('leaves nothing shown that is no longer so, also where what was so before comes back', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { world, slack, deps, subjects, tell } = aWorldThatTells();
      await tell();
      const open = await world.record(endpointId(1));
      await submitStoredDecision(endpointId(1), approves, world.deps);
      const killed = crashAt(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      const { notice, version = 0 } = (await world.record(endpointId(1))) ?? {};
      if (open && notice) world.put(recordItem({ ...open, notice, version }));
      world.wait(61);
      await tell();
      expect(slack.messages[0]?.text).toContain('Waiting for approval');
      return killed.isKilled();
    });
  });

  test('reminds once or, where it was killed after the reply, once more', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { world, slack, deps, subjects, tell } = aWorldThatTells();
      await tell();
      world.wait(3600);
      const killed = crashAt(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      world.wait(61);
      await tell();
      await tell();
      expect([1, 2]).toContain(slack.replies.length);
      expect(await world.actions(endpointId(1))).toEqual(['reminded']);
      return killed.isKilled();
    });
  });

  test('leaves each request of a storm one place', async () => {
    await forEachCallSite(async (nth, moment) => {
      const { world, deps, subjects, tell } = aWorldThatTells({ records: storm });
      const killed = crashAt(nth, moment, deps);
      await notifyApprovers(subjects, killed.deps).catch(() => {});
      world.wait(61);
      await tell();
      const records = await Promise.all(storm.map((each) => world.record(each.endpointId)));
      const locations = records.map(({ notice } = anAskedRecord()) => notice?.slack?.ts ?? notice?.digest);
      expect(new Set(locations).size).toBe(11);
      expect(records.filter((record) => record?.notice?.digest !== undefined)).toHaveLength(1);
      return killed.isKilled() && nth < callsUntilPlacesAreClaimed;
    });
  });
});
