import { loadApprovalViews } from '../approvals/approval-view.ts';
import { computeContentHash } from '../approvals/content-hash.ts';
import type { NotificationState } from '../connections/approval-request.ts';
import { type ConnectionRecord, findRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import { transitionWrites } from '../connections/transition.ts';
import { isConnected } from '../privatelink/connection.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { type ApprovalTarget, hasApprovalRequest } from './awaiting-record.ts';
import { isLeased, newLeaseEnd } from './notify-deps.ts';
import {
  canPostRequest,
  deleteDuplicateMessage,
  postOrUpdateRequest,
  type RequestRenderResult,
} from './render-request.ts';
import { dueEmails, sendRequestEmails } from './send-request-emails.ts';
import type { NotificationRun } from './slack-session.ts';

/**
 * Mails those who were not mailed yet, and brings the message in Slack up to the record. What does not succeed is still due
 * afterwards.
 * @param isHeld whether this run has it to itself already.
 */
export async function notifyRequest(
  request: ApprovalTarget,
  isHeld: boolean,
  run: NotificationRun,
): Promise<void> {
  const taken = isHeld ? request : await acquireNotificationLease(request, run);
  const held = taken && (await loadRequestHistory(taken, run));
  if (!held) return;
  const due = dueEmails(held);
  const emailedTo =
    due.length === 0 ? held : await saveNotificationState(held, await sendRequestEmails(held, due, run), run);
  if (!emailedTo) return;
  const shown = await renderAndSave(emailedTo, run);
  if (shown && needsNotificationRetry(shown, run))
    await run.notificationQueue.enqueueAfter(requestRetryDelaySeconds, [{ endpointId: shown.endpointId }]);
}

/** Seconds after which what Slack did not take is tried again: the sweep of each minute sees open requests alone. */
const requestRetryDelaySeconds = 300;
/** How long that goes on, in milliseconds; the full pass finds it all the same. */
const requestRetryWindowMs = 24 * 3_600_000;

function needsNotificationRetry(record: ConnectionRecord, { now }: NotificationRun): boolean {
  const decidedAt = record.verdict?.decidedAt;
  const isSweptSoon = isAwaitingApproval(record) && !isConnected(record.state);
  if (
    isSweptSoon ||
    decidedAt === undefined ||
    record.notification?.contentHash === computeContentHash(record)
  )
    return false;
  return now().getTime() - new Date(decidedAt).getTime() < requestRetryWindowMs;
}

/** Read only for what is told now. */
async function loadRequestHistory(
  request: ApprovalTarget,
  run: NotificationRun,
): Promise<ApprovalTarget | undefined> {
  const [view] = await loadApprovalViews([request.record], run);
  return view && { ...request, ...view, record: request.record };
}

/** @returns nothing where somebody else is at it, or nothing can be told now. */
async function acquireNotificationLease(
  request: ApprovalTarget,
  run: NotificationRun,
): Promise<ApprovalTarget | undefined> {
  return updateNotification(request, run, async (newest) => {
    const now = run.now();
    const { notification } = newest.record;
    // Another run may have put it into a digest meanwhile.
    if (
      notification?.digestId !== undefined ||
      notification?.contentHash === computeContentHash(newest.record) ||
      isLeased(notification, now)
    )
      return undefined;
    const isTellable = dueEmails(newest).length > 0 || (await canPostRequest(newest, run));
    if (!isTellable) return undefined;
    // What is shown is not known again before this run says so: it may change the message and die.
    const { contentHash: _, ...known } = notification ?? { emailedTo: [] };
    return { ...known, leaseUntil: newLeaseEnd(now) };
  });
}

async function saveNotificationState(
  request: ApprovalTarget,
  told: Partial<NotificationState>,
  run: NotificationRun,
): Promise<ApprovalTarget | undefined> {
  return updateNotification(request, run, async ({ record: { notification } }) =>
    ownsLease(request, notification) ? { ...notification, ...told } : undefined,
  );
}

/**
 * Draws until what is shown is what is recorded, and lets go.
 * @returns the record as it is then, where it was still this run's.
 */
async function renderAndSave(
  request: ApprovalTarget,
  run: NotificationRun,
): Promise<ConnectionRecord | undefined> {
  let shown: RequestRenderResult | undefined;
  const after = await updateNotification(request, run, async (newest) => {
    const { notification } = newest.record;
    if (!ownsLease(request, notification)) {
      await deleteDuplicateMessage(newest, shown, run);
      return undefined;
    }
    if (shown?.contentHash !== computeContentHash(newest.record))
      shown = await postOrUpdateRequest(newest, shown, run);
    const { leaseUntil: _heldUntil, previousSlackMessage: _formerly, ...known } = notification;
    const { contentHash, isComplete, message, previousSlackMessage, remindedStage } = shown;
    return {
      ...known,
      ...(message && { slackMessage: message }),
      ...(previousSlackMessage && { previousSlackMessage }),
      ...(remindedStage && { remindedStage }),
      ...(isComplete && dueEmails(newest).length === 0 && { contentHash }),
    };
  });
  return after?.record;
}

/** Whether this run still has it to itself. */
function ownsLease(
  { record }: ApprovalTarget,
  notification: NotificationState | undefined,
): notification is NotificationState {
  return (
    notification?.leaseUntil !== undefined && notification.leaseUntil === record.notification?.leaseUntil
  );
}

/** Writes what is remembered of telling onto the record as it is by then; nothing, where there is nothing to write. */
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
