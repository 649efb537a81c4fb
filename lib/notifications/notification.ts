import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { computeContentHash } from '../approvals/content-hash.ts';
import { currentStage } from '../connections/approval-request.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  readRecord,
  recordPartitions,
} from '../connections/connection-record.ts';
import { EndpointId, isConnected } from '../privatelink/connection.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import type { TableChange } from '../storage/table.ts';
import { isPaused } from '../verdicts/verdict.ts';
import { ExpiringAccess } from './expiry-warning-state.ts';

/** The target of a notification: a request by its endpoint, a digest of many requests, or a warning before access ends. */
export const NotificationTarget = v.union([
  v.object({ endpointId: EndpointId }),
  v.object({ digest: v.string() }),
  v.object({ expiring: ExpiringAccess }),
]);
export type NotificationTarget = Readonly<v.InferOutput<typeof NotificationTarget>>;

/** The queue of notify-approvers. A duplicate message is harmless: the run finds no change. */
export interface NotificationQueue {
  enqueue(targets: readonly NotificationTarget[]): Promise<void>;
  /** Enqueues with a delay of at most 900 seconds, for an open digest or after a Retry-After of Slack. */
  enqueueAfter(seconds: number, targets: readonly NotificationTarget[]): Promise<void>;
}

/** The time for which a digest collects changes before an update, in seconds. */
export const digestWindowSeconds = 5;

/** Whether a record changed since its last notification, or a reminder is due. A digest has a separate content hash. */
export function needsNotification(record: ConnectionRecord, now: Date): boolean {
  const { approvalRequest, notification } = record;
  if (!approvalRequest) return false;
  if (notification?.digestId !== undefined) return isAwaitingApproval(record);
  return (
    notification?.contentHash !== computeContentHash(record) ||
    (isRemindable(record) && currentStage(approvalRequest, now) !== approvalRequest.stage)
  );
}

/** Whether reminders are due for a record. A closed request and a paused service need none. */
export function isRemindable(record: ConnectionRecord): boolean {
  return isAwaitingApproval(record) && !(record.verdict && isPaused(record.verdict));
}

export function buildNotificationTarget({ endpointId, notification }: ConnectionRecord): NotificationTarget {
  return notification?.digestId === undefined ? { endpointId } : { digest: notification.digestId };
}

export interface EnqueueDueDeps extends Pick<Runtime, 'now'> {
  readonly notificationQueue: NotificationQueue;
}

/** Enqueues the notifications that approvers have not received about these records. */
export async function enqueueDueNotifications(
  records: readonly ConnectionRecord[],
  { notificationQueue, now }: EnqueueDueDeps,
): Promise<void> {
  const time = now();
  const due = records.filter((record) => needsNotification(record, time));
  await notificationQueue.enqueue(deduplicateTargets(due.map(buildNotificationTarget)));
}

/** Enqueues a notification for each approval request that a table change affects. */
export async function enqueueForChanges(
  changes: readonly TableChange[],
  {
    notificationQueue,
    now,
    reportError,
  }: { readonly notificationQueue: NotificationQueue } & Pick<Runtime, 'now' | 'reportError'>,
): Promise<void> {
  const selected = await Promise.all(
    changes.map((change) => orReported(reportError, 'read item', () => selectChangedTargets(change, now()))),
  );
  const queuedTargets = selected.flatMap((each) => each ?? []);
  const selectTargets = (isDelayed: boolean) =>
    deduplicateTargets(
      queuedTargets.filter((each) => each.isDelayed === isDelayed).map(({ target }) => target),
    );
  await notificationQueue.enqueue(selectTargets(false));
  await notificationQueue.enqueueAfter(digestWindowSeconds, selectTargets(true));
}

interface QueuedTarget {
  readonly target: NotificationTarget;
  /** The delay of the queue lets other changes of the same batch arrive first. */
  readonly isDelayed: boolean;
}

function selectChangedTargets({ before: old, after: item }: TableChange, now: Date): QueuedTarget[] {
  if (!item || !recordPartitions.includes(item.pk)) return [];
  const after = readRecord(item);
  const before = old && readRecord(old);
  return [...selectConnectionTargets(before, after, now), ...selectExpiryTargets(before, after)];
}

/**
 * Selects the targets of a changed record. Changes of the stage and of the notification state need none, because notify-approvers
 * itself writes them.
 */
function selectConnectionTargets(
  before: ConnectionRecord | undefined,
  after: ConnectionRecord,
  now: Date,
): QueuedTarget[] {
  if (!after.approvalRequest || hasSameContent(before, after)) return [];
  const { notification, state } = after;
  const previousDigestId = before?.notification?.digestId;
  const isInDigest = notification?.digestId !== undefined;
  // One policy change affects all connections of an account, so their changes arrive at the same time.
  const isDelayed = isInDigest || (notification === undefined && isConnected(state));
  return [
    ...(isInDigest || needsNotification(after, now)
      ? [{ target: buildNotificationTarget(after), isDelayed }]
      : []),
    ...(previousDigestId !== undefined && previousDigestId !== notification?.digestId
      ? [{ target: { digest: previousDigestId }, isDelayed: true }]
      : []),
  ];
}

/** Selects one target, because all connections of the account share a warning. */
function selectExpiryTargets(before: ConnectionRecord | undefined, after: ConnectionRecord): QueuedTarget[] {
  const { expiryWarning, serviceId, ownerAccountId: accountId } = after;
  if (!expiryWarning || isDeepStrictEqual(expiryWarning, before?.expiryWarning)) return [];
  return [{ target: { expiring: { serviceId, accountId, ...expiryWarning } }, isDelayed: true }];
}

function hasSameContent(before: ConnectionRecord | undefined, after: ConnectionRecord): boolean {
  if (!before?.approvalRequest || !after.approvalRequest) return false;
  const { stage } = after.approvalRequest;
  return (
    computeContentHash({ ...before, approvalRequest: { ...before.approvalRequest, stage } }) ===
    computeContentHash(after)
  );
}

export function deduplicateTargets<Each extends NotificationTarget>(targets: readonly Each[]): Each[] {
  return [...new Map(targets.map((target) => [JSON.stringify(target), target])).values()];
}
