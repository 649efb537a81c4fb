import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestEntity, digestKey } from '../../lib/approvals/digest.ts';
import { submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import type { NotifyInSlackDeps } from '../../lib/notifications/notify-deps.ts';
import { alice, endpointId } from '../builders.ts';
import { anAwaitingRecord, createNotifyTestEnv } from './fixtures.ts';

const approveInput = { decision: 'approve', by: alice } as const;

/** Delays each call to a dependency by the scheduler, before its effect and after it. */
function scheduleCalls(deps: NotifyInSlackDeps, scheduler: fc.Scheduler): NotifyInSlackDeps {
  const slowly =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await scheduler.schedule(Promise.resolve());
      const result = await call(...args);
      await scheduler.schedule(Promise.resolve());
      return result;
    };
  const { table, slack, emailSender } = deps;
  return {
    ...deps,
    table: { ...table, get: slowly(table.get), write: slowly(table.write) },
    emailSender: { send: slowly(emailSender.send) },
    ...(slack && {
      slack: { post: slowly(slack.post), update: slowly(slack.update), remove: slowly(slack.remove) },
    }),
  };
}

describe('runs of notify-approvers that interleave with decisions', () => {
  test('leave one Slack message that shows the record, and email each approver once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { env, slack, post, deps, subjects, notify, settle } = createNotifyTestEnv();
        const slow = scheduleCalls(deps, scheduler);
        const decision = scheduler
          .schedule(Promise.resolve())
          .then(() => submitStoredDecision(endpointId(1), approveInput, { ...env.deps, table: slow.table }))
          // The stream enqueues the changed records.
          .then(() => notifyApprovers(subjects, slow));
        const runs = [notifyApprovers(subjects, slow), notifyApprovers(subjects, slow), decision];
        await scheduler.waitFor(Promise.all(runs));
        await settle();

        expect(slack.messages).toHaveLength(1);
        expect(slack.messages[0]?.text).toContain('Being accepted');
        expect(post.sent.length).toBeLessThanOrEqual(1);
        await notify();
        expect(slack.calls.length).toBeLessThanOrEqual(2);
        expect(env.errors).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('assign each request of a burst to one message or one digest', async () => {
    const records = Array.from({ length: 14 }, (_, index) => anAwaitingRecord(index + 1));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { env, slack, deps, subjects, settle } = createNotifyTestEnv({ records });
        const slow = scheduleCalls(deps, scheduler);
        const batches = [subjects.slice(0, 8), subjects.slice(8), subjects.slice(4, 12)];
        await scheduler.waitFor(Promise.all(batches.map((batch) => notifyApprovers(batch, slow))));

        await settle();
        const received = await Promise.all(records.map((record) => env.notification(record.endpointId)));
        const alone = received.flatMap(({ message }) => message?.ts ?? []);
        const digests = new Set(received.flatMap(({ digestId }) => digestId ?? []));
        expect(new Set(alone).size).toBe(10);
        expect(slack.messages.map(({ ts }) => ts)).toEqual(expect.arrayContaining(alone));
        expect(digests.size).toBe(1);
        const digest = await digestEntity.find(digestKey([...digests][0] ?? ''), env.table);
        expect(new Set(digest?.endpointIds).size).toBe(4);
        expect(digest?.endpointIds).toHaveLength(4);
      }),
      { numRuns: 30 },
    );
  });
});
