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
import type { Change } from '../storage/table.ts';
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
export function needsUpdate(record: ConnectionRecord, now: Date): boolean {
  const { approvalRequest, notice } = record;
  if (!approvalRequest) return false;
  if (notice?.digest !== undefined) return isAwaitingApproval(record);
  return (
    notice?.contentHash !== computeContentHash(record) ||
    (isRemindable(record) && currentStage(approvalRequest, now) !== approvalRequest.stage)
  );
}

/** Whether people are reminded of it: not while something keeps it, whatever they say. */
export function isRemindable(record: ConnectionRecord): boolean {
  return isAwaitingApproval(record) && !(record.verdict && isPaused(record.verdict));
}

export function targetOf({ endpointId, notice }: ConnectionRecord): NotificationTarget {
  return notice?.digest === undefined ? { endpointId } : { digest: notice.digest };
}

/** Has people told of requests that they were asked about and that changed. */
export async function enqueueForChanges(
  changes: readonly Change[],
  {
    notices,
    now,
    reportError,
  }: { readonly notices: NotificationQueue } & Pick<Runtime, 'now' | 'reportError'>,
): Promise<void> {
  const told = await Promise.all(
    changes.map((change) => orReported(reportError, () => targetsForChange(change, now()))),
  );
  const rings = told.flatMap((each) => each ?? []);
  const subjects = (isLater: boolean) =>
    uniqueTargets(rings.filter((enqueue) => enqueue.isLater === isLater).map(({ subject }) => subject));
  await notices.enqueue(subjects(false));
  await notices.enqueueAfter(digestWindowSeconds, subjects(true));
}

interface QueuedTarget {
  readonly subject: NotificationTarget;
  /** What comes with many others is told of once those have come too. */
  readonly isLater: boolean;
}

function targetsForChange({ before: old, after: item }: Change, now: Date): QueuedTarget[] {
  if (!item || !recordPartitions.includes(item.pk)) return [];
  const after = readRecord(item);
  const before = old && readRecord(old);
  return [...targetsFor(before, after, now), ...expiryTargetsFor(before, after)];
}

/**
 * What is to be told of, where a change of a record is one that people are to be told of. Stages and notices are written by
 * those who tell of them, and need no ring.
 */
function targetsFor(
  before: ConnectionRecord | undefined,
  after: ConnectionRecord,
  now: Date,
): QueuedTarget[] {
  if (!after.approvalRequest || rendersSame(before, after)) return [];
  const { notice, state } = after;
  const left = before?.notice?.digest;
  const isInDigest = notice?.digest !== undefined;
  // One change of the policy brings all connections of an account into question.
  const isLater = isInDigest || (notice === undefined && isConnected(state));
  return [
    ...(isInDigest || needsUpdate(after, now) ? [{ subject: targetOf(after), isLater }] : []),
    ...(left !== undefined && left !== notice?.digest ? [{ subject: { digest: left }, isLater: true }] : []),
  ];
}

/** The same warning comes with every connection of the account. */
function expiryTargetsFor(before: ConnectionRecord | undefined, after: ConnectionRecord): QueuedTarget[] {
  const { expiryWarning, serviceId, ownerAccountId: accountId } = after;
  if (!expiryWarning || isDeepStrictEqual(expiryWarning, before?.expiryWarning)) return [];
  return [{ subject: { expiring: { serviceId, accountId, ...expiryWarning } }, isLater: true }];
}

function rendersSame(before: ConnectionRecord | undefined, after: ConnectionRecord): boolean {
  if (!before?.approvalRequest || !after.approvalRequest) return false;
  const { stage } = after.approvalRequest;
  return (
    computeContentHash({ ...before, approvalRequest: { ...before.approvalRequest, stage } }) ===
    computeContentHash(after)
  );
}

export function uniqueTargets<Each extends NotificationTarget>(subjects: readonly Each[]): Each[] {
  return [...new Map(subjects.map((subject) => [JSON.stringify(subject), subject])).values()];
}
