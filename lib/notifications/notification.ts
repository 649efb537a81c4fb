import { computeContentHash } from '../approvals/content-hash.ts';
import {
  findDigestId,
  isAssigned,
  type NotifiedRecord,
  readNotifications,
  requestGeneration,
  requestTarget,
} from '../approvals/digest.ts';
import { currentStage } from '../connections/approval-request.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  readRecord,
  recordPartitions,
} from '../connections/connection-record.ts';
import type { NotificationQueue, NotificationTarget } from '../outbox/notification.ts';
import { isConnected } from '../privatelink/connection.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { parseEach, type ReadDeps } from '../storage/entity.ts';
import type { TableChange } from '../storage/table.ts';
import { ttlInDays } from '../storage/ttl.ts';
import { isPaused } from '../verdicts/verdict.ts';
import { enqueueExpiryWarnings, type RecordChange } from './expiry-warnings.ts';

/** The time for which a digest collects changes before an update, in seconds. */
export const digestWindowSeconds = 5;

/** Whether a record changed since its last notification, or a reminder is due. A digest has a separate content hash. */
export function needsNotification({ record, notification }: NotifiedRecord, now: Date): boolean {
  const { approvalRequest, endedAt } = record;
  // TTL deletes the item of an ended endpoint.
  if (!approvalRequest || (endedAt !== undefined && notificationExpiry(endedAt) < now)) return false;
  if (findDigestId(record, notification) !== undefined) return isAwaitingApproval(record);
  return (
    notification.generation !== requestGeneration(record) ||
    notification.contentHash !== computeContentHash(record) ||
    (isRemindable(record) && currentStage(approvalRequest, now) !== approvalRequest.stage)
  );
}

function notificationExpiry(endedAt: string): Date {
  return new Date(ttlInDays(new Date(endedAt), 1) * 1000);
}

/** Whether reminders are due for a record. A closed request and a paused service need none. */
export function isRemindable(record: ConnectionRecord): boolean {
  return isAwaitingApproval(record) && !(record.verdict && isPaused(record.verdict));
}

/** @returns the target that shows a request: itself, or its digest. */
export function findShowingTarget({ record, notification }: NotifiedRecord): NotificationTarget {
  const digestId = findDigestId(record, notification);
  return digestId === undefined ? requestTarget(record.endpointId) : { kind: 'digest', id: digestId };
}

export interface EnqueueDueDeps extends ReadDeps, Pick<Runtime, 'now'> {
  readonly notificationQueue: NotificationQueue;
}

/** Enqueues the notifications that approvers have not received about these records. */
export async function enqueueDueNotifications(
  records: readonly ConnectionRecord[],
  deps: EnqueueDueDeps,
): Promise<void> {
  const requested = records.filter(({ approvalRequest }) => approvalRequest !== undefined);
  if (requested.length === 0) return;
  const time = deps.now();
  const due = (await readNotifications(requested, deps)).filter((each) => needsNotification(each, time));
  await deps.notificationQueue.enqueue(deduplicateTargets(due.map(findShowingTarget)));
}

/** Enqueues a notification for each approval request that a table change affects. */
export async function enqueueForChanges(
  changes: readonly TableChange[],
  deps: EnqueueDueDeps,
): Promise<void> {
  const { reportError } = deps;
  const records = parseEach(changes, readChange, reportError).flat();
  const requests = records.filter(
    ({ before, after }) => after.approvalRequest !== undefined && !hasSameContent(before, after),
  );
  const queuedTargets = await selectRequestTargets(
    requests.map(({ after }) => after),
    deps,
  );
  const selectTargets = (isDelayed: boolean) =>
    deduplicateTargets(
      queuedTargets.filter((each) => each.isDelayed === isDelayed).map(({ target }) => target),
    );
  await deps.notificationQueue.enqueue(selectTargets(false));
  await deps.notificationQueue.enqueueAfter(digestWindowSeconds, selectTargets(true));
  await enqueueExpiryWarnings(records, deps);
}

interface QueuedTarget {
  readonly target: NotificationTarget;
  /** The delay of the queue lets other changes of the same batch arrive first. */
  readonly isDelayed: boolean;
}

function readChange({ before, after }: TableChange): RecordChange[] {
  if (!after || !recordPartitions.includes(after.pk)) return [];
  return [{ before: before && readRecord(before), after: readRecord(after) }];
}

/** Selects the targets of changed records. A change of the stage needs none, because notify-approvers itself writes it. */
async function selectRequestTargets(
  records: readonly ConnectionRecord[],
  deps: EnqueueDueDeps,
): Promise<QueuedTarget[]> {
  if (records.length === 0) return [];
  return (await readNotifications(records, deps)).flatMap((each): QueuedTarget[] => {
    const { record, notification } = each;
    const target = findShowingTarget(each);
    const { digestId } = notification;
    // One policy change affects all connections of an account, so their changes arrive at the same time.
    const isDelayed = target.kind === 'digest' || (!isAssigned(each) && isConnected(record.state));
    return [
      { target, isDelayed },
      ...(digestId !== undefined && digestId !== target.id
        ? [{ target: { kind: 'digest', id: digestId } as const, isDelayed: true }]
        : []),
    ];
  });
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
