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

/** What people are to be shown anew: a request by its endpoint, or a digest of many; or told once: that somebody's access ends. */
export const NotificationTarget = v.union([
  v.object({ endpointId: EndpointId }),
  v.object({ digest: v.string() }),
  v.object({ expiring: ExpiringAccess }),
]);
export type NotificationTarget = Readonly<v.InferOutput<typeof NotificationTarget>>;

/** Has people told; a ring too many finds that all is shown already. */
export interface NotificationQueue {
  enqueue(subjects: readonly NotificationTarget[]): Promise<void>;
  /** Later: while a digest grows, or when Slack said how long to wait. At most 900 seconds. */
  enqueueAfter(seconds: number, subjects: readonly NotificationTarget[]): Promise<void>;
}

/** How long a digest is let grow before it is drawn anew, in seconds. */
export const digestWindowSeconds = 5;

/** Whether people have yet to be shown what a record says, or to be reminded. A digest knows itself what it shows. */
export function needsNotification(record: ConnectionRecord, now: Date): boolean {
  const { approvalRequest, notification } = record;
  if (!approvalRequest) return false;
  if (notification?.digestId !== undefined) return isAwaitingApproval(record);
  return (
    notification?.contentHash !== computeContentHash(record) ||
    (isRemindable(record) && currentStage(approvalRequest, now) !== approvalRequest.stage)
  );
}

/** Whether people are reminded of it: not while something keeps it, whatever they say. */
export function isRemindable(record: ConnectionRecord): boolean {
  return isAwaitingApproval(record) && !(record.verdict && isPaused(record.verdict));
}

export function buildNotificationTarget({ endpointId, notification }: ConnectionRecord): NotificationTarget {
  return notification?.digestId === undefined ? { endpointId } : { digest: notification.digestId };
}

/** Has people told of requests that they were asked about and that changed. */
export async function enqueueForChanges(
  changes: readonly TableChange[],
  {
    notificationQueue,
    now,
    reportError,
  }: { readonly notificationQueue: NotificationQueue } & Pick<Runtime, 'now' | 'reportError'>,
): Promise<void> {
  const told = await Promise.all(
    changes.map((change) => orReported(reportError, () => selectChangedTargets(change, now()))),
  );
  const rings = told.flatMap((each) => each ?? []);
  const subjects = (isLater: boolean) =>
    deduplicateTargets(rings.filter((enqueue) => enqueue.isDelayed === isLater).map(({ target }) => target));
  await notificationQueue.enqueue(subjects(false));
  await notificationQueue.enqueueAfter(digestWindowSeconds, subjects(true));
}

interface QueuedTarget {
  readonly target: NotificationTarget;
  /** What comes with many others is told of once those have come too. */
  readonly isDelayed: boolean;
}

function selectChangedTargets({ before: old, after: item }: TableChange, now: Date): QueuedTarget[] {
  if (!item || !recordPartitions.includes(item.pk)) return [];
  const after = readRecord(item);
  const before = old && readRecord(old);
  return [...selectConnectionTargets(before, after, now), ...selectExpiryTargets(before, after)];
}

/**
 * What is to be told of, where a change of a record is one that people are to be told of. Stages and notices are written by
 * those who tell of them, and need no ring.
 */
function selectConnectionTargets(
  before: ConnectionRecord | undefined,
  after: ConnectionRecord,
  now: Date,
): QueuedTarget[] {
  if (!after.approvalRequest || hasSameContent(before, after)) return [];
  const { notification, state } = after;
  const left = before?.notification?.digestId;
  const isInDigest = notification?.digestId !== undefined;
  // One change of the policy brings all connections of an account into question.
  const isDelayed = isInDigest || (notification === undefined && isConnected(state));
  return [
    ...(isInDigest || needsNotification(after, now)
      ? [{ target: buildNotificationTarget(after), isDelayed }]
      : []),
    ...(left !== undefined && left !== notification?.digestId
      ? [{ target: { digest: left }, isDelayed: true }]
      : []),
  ];
}

/** The same warning comes with every connection of the account. */
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

export function deduplicateTargets<Each extends NotificationTarget>(subjects: readonly Each[]): Each[] {
  return [...new Map(subjects.map((target) => [JSON.stringify(target), target])).values()];
}
