import { type Digest, digestItem, findDigest, maxDigestSize } from '../approvals/digest.ts';
import type { NotificationState } from '../connections/approval-request.ts';
import { readRecord, recordKey } from '../connections/connection-record.ts';
import { transitionWrites } from '../connections/transition.ts';
import { indexByKey, omitUnreadable, parseEach } from '../storage/entity.ts';
import { leaseEnd } from '../storage/lease.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Write } from '../storage/table.ts';
import { selectAccountBatches } from './account-batches.ts';
import { type ApprovalTarget, type AwaitingRecord, hasApprovalRequest } from './awaiting-record.ts';
import { type NotifyDeps, notificationLeaseMs } from './notify-deps.ts';
import { computeCapacity, consumeCapacity, parseThrottle, throttleKey, throttleWrite } from './throttle.ts';

/** The new requests with separate messages, whose leases this run holds, and the digest of all others. */
interface Assignment {
  readonly individual: readonly ApprovalTarget[];
  readonly digestId?: string;
}

/**
 * Assigns each new request of a group to a separate message or to a digest in one transaction, before linkgate sends any
 * notification. The throttle limits separate messages per minute. Connections of one account that lose permission at once share a
 * digest.
 * @param requests at most one SQS batch, so that they fit into a transaction.
 * @throws OptimisticLockError
 */
export async function assignToMessageOrDigest(
  group: string,
  requests: readonly ApprovalTarget[],
  deps: NotifyDeps,
): Promise<Assignment> {
  return retryOnConflict(group, async () => {
    const { item, throttle, newcomers } = await readUnassignedRequests(group, requests, deps);
    if (newcomers.length === 0) return { individual: [] };
    const now = deps.now();
    const room = computeCapacity(throttle, now);
    const batched = await selectAccountBatches(newcomers, deps);
    const unbatchedRecords = newcomers.filter(({ endpointId }) => !batched.has(endpointId));
    const individual = unbatchedRecords.slice(0, room.individual);
    const digestRecords = newcomers.filter((record) => !individual.includes(record));
    const digest = await extendOrCreateDigest(digestRecords, group, room.runningDigest, deps);

    const leasedNotifications = individual.map((record) =>
      withNotification(record, { emailedTo: [], leaseUntil: leaseEnd(now, notificationLeaseMs) }, deps),
    );
    const digestNotifications = digest
      ? digestRecords.map((record) => withNotification(record, { emailedTo: [], digestId: digest.id }, deps))
      : [];
    const isWritten = await deps.table.write([
      throttleWrite(item, consumeCapacity(throttle, newcomers.length, digest?.id, now)),
      ...(digest ? [{ put: digestItem(digest), expected: digest.version - 1 }] : []),
      ...[...leasedNotifications, ...digestNotifications].flatMap(({ writes }) => writes),
    ]);
    if (!isWritten) return conflict;
    const records = new Map(leasedNotifications.map(({ record }) => [record.endpointId, record]));
    return {
      individual: requests.flatMap((request) => {
        const record = records.get(request.record.endpointId);
        return record ? [{ ...request, record }] : [];
      }),
      ...(digest && { digestId: digest.id }),
    };
  });
}

/** Reads the group's throttle, and the requests without a message or a digest. */
async function readUnassignedRequests(
  group: string,
  requests: readonly ApprovalTarget[],
  { table, reportError }: NotifyDeps,
) {
  const keys = requests.map(({ record }) => recordKey(record.endpointId));
  const itemsByKey = indexByKey(await table.get([throttleKey(group), ...keys]));
  const item = itemsByKey.find(throttleKey(group));
  const throttle = parseThrottle(item, group, reportError);
  const records = parseEach(itemsByKey.all(keys), readRecord, reportError).filter(hasApprovalRequest);
  return { item, throttle, newcomers: records.filter(({ notification }) => notification === undefined) };
}

/** @returns the open digest with the added records, or a new digest if the open one is full or unreadable. */
async function extendOrCreateDigest(
  records: readonly AwaitingRecord[],
  group: string,
  runningDigest: string | undefined,
  { table, reportError }: NotifyDeps,
): Promise<Digest | undefined> {
  const [first] = records;
  if (!first) return undefined;
  const endpointIds = records.map(({ endpointId }) => endpointId);
  // Reports an unreadable digest, and starts a new one.
  const running =
    runningDigest === undefined
      ? undefined
      : await findDigest(runningDigest, table).catch(omitUnreadable(reportError));
  if (running && running.endpointIds.length + endpointIds.length <= maxDigestSize)
    return {
      ...running,
      endpointIds: [...running.endpointIds, ...endpointIds],
      version: running.version + 1,
    };
  // The id is unique: linkgate writes a version of a record once, and the version joins a digest once.
  return { id: `${first.endpointId}.${first.version}`, group, endpointIds, emailedCount: 0, version: 1 };
}

function withNotification(
  before: AwaitingRecord,
  notification: NotificationState,
  { requestId }: NotifyDeps,
) {
  const record = { ...before, notification };
  const writes: Write[] = transitionWrites(before, { record, auditEvents: [] }, requestId);
  return { writes, record: { ...record, version: before.version + 1 } };
}
