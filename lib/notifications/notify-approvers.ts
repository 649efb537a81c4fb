import { type ApprovalView, loadApprovalViews } from '../approvals/approval-view.ts';
import { readRecord, recordKey } from '../connections/connection-record.ts';
import { orReported } from '../runtime/runtime.ts';
import { omitUnreadable, parseEach } from '../storage/entity.ts';
import { advanceNotifiedStage } from './advance-stage.ts';
import { assignToMessageOrDigest } from './assign-messages.ts';
import { type ApprovalTarget, escalationGroup, hasApprovalRequest, isEscalated } from './awaiting-record.ts';
import {
  deduplicateTargets,
  digestWindowSeconds,
  type NotificationTarget,
  needsNotification,
} from './notification.ts';
import type { NotifyInSlackDeps } from './notify-deps.ts';
import { notifyDigest } from './notify-digest.ts';
import { notifyExpiry } from './notify-expiry.ts';
import { notifyRequest } from './notify-request.ts';
import { createSlackSession, type NotificationRun } from './slack-session.ts';

/** How many were told of, for the log, and what has to be told again. */
interface NotifyApproversResult {
  /** Of which it broke on the way to their digest: no pass leads back to one whose requests are all decided. */
  readonly failed: readonly NotificationTarget[];
  readonly requests: number;
  readonly digests: number;
  readonly warnings: number;
}

/**
 * Shows approvers what waits for them, and what became of it: in Slack, and by mail. Everything is drawn from the records as
 * they are by then, so that rings may come twice, late, and in any order. What Slack or SNS do not take is reported and left
 * to the next ring: the sweep rings each minute.
 * @param subjects as many as a queue delivers at once.
 * @throws where the table cannot be read, so that nobody could be told.
 */
export async function notifyApprovers(
  subjects: readonly NotificationTarget[],
  deps: NotifyInSlackDeps,
): Promise<NotifyApproversResult> {
  const run: NotificationRun = { ...deps, slack: createSlackSession(deps) };
  const records = await readRecordsToNotify(subjects, run);
  const inDigests = records.flatMap(({ notification }) => notification?.digestId ?? []);
  const individual = records.filter(({ notification }) => notification?.digestId === undefined);
  const digests = new Set([
    ...inDigests,
    ...subjects.flatMap((each) => ('digest' in each ? each.digest : [])),
  ]);

  const requests = await loadApprovalTargets(
    await loadApprovalViews(individual, run, { withHistory: false }),
    run,
  );
  for (const [group, theirs] of Map.groupBy(requests, (request) => request.group.name))
    await orReported(run.reportError, () => notifyGroup(group, theirs, run));
  const broken = new Set<string>();
  for (const digest of digests)
    await notifyDigest(digest, run)
      .catch(omitUnreadable(run.reportError))
      .catch((error: unknown) => {
        run.reportError(error);
        broken.add(digest);
      });
  const warnings = deduplicateTargets(subjects.filter((each) => 'expiring' in each));
  for (const { expiring } of warnings) await orReported(run.reportError, () => notifyExpiry(expiring, run));
  const told = new Map(records.map(({ endpointId, notification }) => [endpointId, notification?.digestId]));
  const digestOf = (each: NotificationTarget) =>
    'digest' in each ? each.digest : 'endpointId' in each ? told.get(each.endpointId) : undefined;
  const failed = subjects.filter((each) => broken.has(digestOf(each) ?? ''));
  return { requests: requests.length, digests: digests.size, warnings: warnings.length, failed };
}

async function readRecordsToNotify(
  subjects: readonly NotificationTarget[],
  { table, now, reportError }: NotificationRun,
) {
  const keys = subjects.flatMap((each) => ('endpointId' in each ? recordKey(each.endpointId) : []));
  const records = parseEach(await table.get(keys), readRecord, reportError);
  return records.filter((record) => needsNotification(record, now()));
}

/** Each at the stage that it has reached by now. */
async function loadApprovalTargets(
  views: readonly ApprovalView[],
  run: NotificationRun,
): Promise<ApprovalTarget[]> {
  const requests = views.map((view) =>
    orReported(run.reportError, async (): Promise<ApprovalTarget | undefined> => {
      if (!hasApprovalRequest(view.record)) return undefined;
      const behind = await escalationGroup(view.group, run);
      const record = await advanceNotifiedStage(view.record, view.service, behind, run);
      return (
        record && {
          ...view,
          record,
          escalation: isEscalated(record.approvalRequest.stage) ? behind : undefined,
        }
      );
    }),
  );
  return (await Promise.all(requests)).filter((request) => request !== undefined);
}

async function notifyGroup(
  group: string,
  requests: readonly ApprovalTarget[],
  run: NotificationRun,
): Promise<void> {
  // Of a group that nobody can be told by nothing is remembered, so that they are told once somebody can be.
  const tellable = requests.filter((request) => request.group.slackChannel ?? request.group.emails[0]);
  const newcomers = tellable.filter(({ record }) => record.notification === undefined);
  const locations =
    newcomers.length > 0 ? await assignToMessageOrDigest(group, newcomers, run) : { individual: [] };
  if (locations.digestId !== undefined)
    await run.notificationQueue.enqueueAfter(digestWindowSeconds, [{ digest: locations.digestId }]);

  const known = tellable.filter(({ record }) => record.notification !== undefined);
  for (const request of locations.individual)
    await orReported(run.reportError, () => notifyRequest(request, true, run));
  for (const request of known) await orReported(run.reportError, () => notifyRequest(request, false, run));
}
