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

/** The counts for the log, and the targets that SQS has to deliver again. */
interface NotifyApproversResult {
  /** The targets with a failed digest: no sweep enqueues a digest without open requests. */
  readonly failed: readonly NotificationTarget[];
  readonly requests: number;
  readonly digests: number;
  readonly warnings: number;
}

/**
 * Notifies approvers of open requests and of their outcome, in Slack and by email. It renders messages from the current records,
 * so queue messages may arrive twice, late and in any order. It reports errors of Slack and SNS, and a later queue message
 * retries: the sweep enqueues each minute.
 * @param targets at most one SQS batch.
 * @throws if the table is unreadable.
 */
export async function notifyApprovers(
  targets: readonly NotificationTarget[],
  deps: NotifyInSlackDeps,
): Promise<NotifyApproversResult> {
  const run: NotificationRun = { ...deps, slack: createSlackSession(deps) };
  const records = await readRecordsToNotify(targets, run);
  const inDigests = records.flatMap(({ notification }) => notification?.digestId ?? []);
  const individual = records.filter(({ notification }) => notification?.digestId === undefined);
  const digests = new Set([
    ...inDigests,
    ...targets.flatMap((each) => ('digest' in each ? each.digest : [])),
  ]);

  const requests = await loadApprovalTargets(
    await loadApprovalViews(individual, run, { withHistory: false }),
    run,
  );
  for (const [group, groupRequests] of Map.groupBy(requests, (request) => request.group.name))
    await orReported(run.reportError, 'notify approver group', () => notifyGroup(group, groupRequests, run));
  const failedDigests = new Set<string>();
  for (const digest of digests)
    await notifyDigest(digest, run)
      .catch(omitUnreadable(run.reportError))
      .catch((error: unknown) => {
        run.reportError(error, 'send digest');
        failedDigests.add(digest);
      });
  const warnings = deduplicateTargets(targets.filter((each) => 'expiring' in each));
  for (const { expiring } of warnings)
    await orReported(run.reportError, 'send expiry warning', () => notifyExpiry(expiring, run));
  const digestIdsByEndpoint = new Map(
    records.map(({ endpointId, notification }) => [endpointId, notification?.digestId]),
  );
  const findDigestId = (each: NotificationTarget) =>
    'digest' in each
      ? each.digest
      : 'endpointId' in each
        ? digestIdsByEndpoint.get(each.endpointId)
        : undefined;
  const failed = targets.filter((each) => failedDigests.has(findDigestId(each) ?? ''));
  return { requests: requests.length, digests: digests.size, warnings: warnings.length, failed };
}

async function readRecordsToNotify(
  targets: readonly NotificationTarget[],
  { table, now, reportError }: NotificationRun,
) {
  const keys = targets.flatMap((each) => ('endpointId' in each ? recordKey(each.endpointId) : []));
  const records = parseEach(await table.get(keys), readRecord, reportError);
  return records.filter((record) => needsNotification(record, now()));
}

/** Loads the approval requests, and records the current stage of each. */
async function loadApprovalTargets(
  views: readonly ApprovalView[],
  run: NotificationRun,
): Promise<ApprovalTarget[]> {
  const requests = views.map((view) =>
    orReported(run.reportError, 'advance notified stage', async (): Promise<ApprovalTarget | undefined> => {
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
  // A group without a channel and an address stores no notification state, so that linkgate sends its requests once it has one.
  const deliverableRequests = requests.filter(
    (request) => request.group.slackChannel ?? request.group.emails[0],
  );
  const newcomers = deliverableRequests.filter(({ record }) => record.notification === undefined);
  const assignment =
    newcomers.length > 0 ? await assignToMessageOrDigest(group, newcomers, run) : { individual: [] };
  if (assignment.digestId !== undefined)
    await run.notificationQueue.enqueueAfter(digestWindowSeconds, [{ digest: assignment.digestId }]);

  const assignedRequests = deliverableRequests.filter(({ record }) => record.notification !== undefined);
  for (const request of assignment.individual)
    await orReported(run.reportError, 'notify approvers', () => notifyRequest(request, true, run));
  for (const request of assignedRequests)
    await orReported(run.reportError, 'notify approvers', () => notifyRequest(request, false, run));
}
