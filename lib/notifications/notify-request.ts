import { loadApprovalViews } from '../approvals/approval-view.ts';
import { computeContentHash } from '../approvals/content-hash.ts';
import type { NotificationState } from '../connections/approval-request.ts';
import { type ConnectionRecord, findRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import { transitionWrites } from '../connections/transition.ts';
import { isConnected } from '../privatelink/connection.ts';
import { isLeased, leaseEnd } from '../storage/lease.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { type ApprovalTarget, hasApprovalRequest } from './awaiting-record.ts';
import { notificationLeaseMs } from './notify-deps.ts';
import {
  canPostRequest,
  deleteDuplicateMessage,
  postOrUpdateRequest,
  type RequestRenderResult,
} from './render-request.ts';
import { messageRetry } from './retry-delays.ts';
import { dueEmails, sendRequestEmails } from './send-request-emails.ts';
import type { NotificationRun } from './slack-session.ts';

/**
 * Emails the remaining addresses, and posts or updates the Slack message. A failed step stays due.
 * @param isLeaseHeld whether this run already holds the lease.
 */
export async function notifyRequest(
  request: ApprovalTarget,
  isLeaseHeld: boolean,
  run: NotificationRun,
): Promise<void> {
  const leasedRequest = isLeaseHeld ? request : await acquireNotificationLease(request, run);
  const loadedRequest = leasedRequest && (await loadRequestHistory(leasedRequest, run));
  if (!loadedRequest) return;
  const due = dueEmails(loadedRequest);
  const emailedRequest =
    due.length === 0
      ? loadedRequest
      : await saveNotificationState(loadedRequest, await sendRequestEmails(loadedRequest, due, run), run);
  if (!emailedRequest) return;
  const renderedRecord = await renderAndSave(emailedRequest, run);
  if (renderedRecord && needsNotificationRetry(renderedRecord, run))
    await run.notificationQueue.enqueueAfter(messageRetry.delaySeconds, [
      { endpointId: renderedRecord.endpointId },
    ]);
}

function needsNotificationRetry(record: ConnectionRecord, { now }: NotificationRun): boolean {
  const decidedAt = record.verdict?.decidedAt;
  const isSweptSoon = isAwaitingApproval(record) && !isConnected(record.state);
  if (
    isSweptSoon ||
    decidedAt === undefined ||
    record.notification?.contentHash === computeContentHash(record)
  )
    return false;
  return now().getTime() - new Date(decidedAt).getTime() < messageRetry.windowMs;
}

/** Loads the earlier connections, but only for a request that this run sends. */
async function loadRequestHistory(
  request: ApprovalTarget,
  run: NotificationRun,
): Promise<ApprovalTarget | undefined> {
  const [view] = await loadApprovalViews([request.record], run);
  return view && { ...request, ...view, record: request.record };
}

/** @returns undefined if another run holds the lease, or the group cannot receive messages now. */
async function acquireNotificationLease(
  request: ApprovalTarget,
  run: NotificationRun,
): Promise<ApprovalTarget | undefined> {
  return updateNotification(request, run, async (newest) => {
    const now = run.now();
    const { notification } = newest.record;
    // Another run may have assigned it to a digest.
    if (
      notification?.digestId !== undefined ||
      notification?.contentHash === computeContentHash(newest.record) ||
      isLeased(notification, now)
    )
      return undefined;
    const isDeliverable = dueEmails(newest).length > 0 || (await canPostRequest(newest, run));
    if (!isDeliverable) return undefined;
    // The content hash is unknown until this run saves it: the run may update the message and crash.
    const { contentHash: _, ...stateWithoutHash } = notification ?? { emailedTo: [] };
    return { ...stateWithoutHash, leaseUntil: leaseEnd(now, notificationLeaseMs) };
  });
}

async function saveNotificationState(
  request: ApprovalTarget,
  changes: Partial<NotificationState>,
  run: NotificationRun,
): Promise<ApprovalTarget | undefined> {
  return updateNotification(request, run, async ({ record: { notification } }) =>
    ownsLease(request, notification) ? { ...notification, ...changes } : undefined,
  );
}

/**
 * Renders until the message shows the current record, and releases the lease.
 * @returns the saved record, undefined if the run lost the lease.
 */
async function renderAndSave(
  request: ApprovalTarget,
  run: NotificationRun,
): Promise<ConnectionRecord | undefined> {
  let renderResult: RequestRenderResult | undefined;
  const after = await updateNotification(request, run, async (newest) => {
    const { notification } = newest.record;
    if (!ownsLease(request, notification)) {
      await deleteDuplicateMessage(newest, renderResult, run);
      return undefined;
    }
    if (renderResult?.contentHash !== computeContentHash(newest.record))
      renderResult = await postOrUpdateRequest(newest, renderResult, run);
    const {
      leaseUntil: _leaseUntil,
      previousSlackMessage: _previousSlackMessage,
      ...stateWithoutLease
    } = notification;
    const { contentHash, isComplete, message, previousSlackMessage, remindedStage } = renderResult;
    return {
      ...stateWithoutLease,
      ...(message && { slackMessage: message }),
      ...(previousSlackMessage && { previousSlackMessage }),
      ...(remindedStage && { remindedStage }),
      ...(isComplete && dueEmails(newest).length === 0 && { contentHash }),
    };
  });
  return after?.record;
}

/** Whether this run still holds the lease. */
function ownsLease(
  { record }: ApprovalTarget,
  notification: NotificationState | undefined,
): notification is NotificationState {
  return (
    notification?.leaseUntil !== undefined && notification.leaseUntil === record.notification?.leaseUntil
  );
}

/** Saves the computed notification state into the current record, with retries on a conflict. */
async function updateNotification(
  request: ApprovalTarget,
  run: NotificationRun,
  computeNotificationState: (newest: ApprovalTarget) => Promise<NotificationState | undefined>,
): Promise<ApprovalTarget | undefined> {
  const { endpointId } = request.record;
  return retryOnConflict(endpointId, async (isFirst) => {
    const before = isFirst ? request.record : await findRecord(endpointId, run.table);
    if (!hasApprovalRequest(before)) return undefined;
    const notification = await computeNotificationState({ ...request, record: before });
    if (!notification) return undefined;
    const record = { ...before, notification };
    const writes = transitionWrites(before, { record, auditEvents: [] }, run.requestId);
    if (!(await run.table.write(writes))) return conflict;
    return { ...request, record: { ...record, version: before.version + 1 } };
  });
}
