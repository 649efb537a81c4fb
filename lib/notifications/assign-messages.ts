import {
  type Digest,
  digestEntity,
  digestKey,
  isAssigned,
  maxDigestSize,
  type NotifiedRecord,
  readNotifiedRecords,
  requestGeneration,
} from '../approvals/digest.ts';
import { beginAttempt } from '../outbox/deliver.ts';
import { type Notification, notificationWrites } from '../outbox/notification.ts';
import { startGeneration } from '../outbox/plan-delivery.ts';
import { omitUnreadable } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { selectAccountBatches } from './account-batches.ts';
import { hasApprovalRequest } from './awaiting-record.ts';
import type { NotifyDeps } from './notify-deps.ts';
import { computeCapacity, consumeCapacity, parseThrottle, throttleKey, throttleWrite } from './throttle.ts';

/** The notifications of new requests with separate messages, whose leases this run holds, and the digest of all others. */
interface Assignment {
  readonly individual: readonly Notification[];
  readonly digestId?: string;
}

/**
 * Assigns each new request of a group to a separate message or to a digest in one transaction, before linkgate sends any
 * notification. The throttle limits separate messages per minute. Connections of one account that lose permission at once share a
 * digest.
 * @param endpointIds at most one SQS batch, so that they fit into a transaction.
 * @throws OptimisticLockError
 */
export async function assignToMessageOrDigest(
  group: string,
  endpointIds: readonly string[],
  deps: NotifyDeps,
): Promise<Assignment> {
  return retryOnConflict(group, async () => {
    const [throttleStored] = await deps.table.get([throttleKey(group)]);
    const throttle = parseThrottle(throttleStored, group, deps.reportError);
    const newcomers = (await readNotifiedRecords(endpointIds, deps)).filter(
      (each) => hasApprovalRequest(each.record) && !isAssigned(each),
    );
    if (newcomers.length === 0) return { individual: [] };
    const now = deps.now();
    const room = computeCapacity(throttle, now);
    const batched = await selectAccountBatches(newcomers, deps);
    const individual = newcomers
      .filter(({ record }) => !batched.has(record.endpointId))
      .slice(0, room.individual);
    const digestMembers = newcomers.filter((each) => !individual.includes(each));
    const digest = await extendOrCreateDigest(digestMembers, group, room.runningDigest, deps);
    const leased = individual.map(({ record, notification: before }) => ({
      before,
      after: beginAttempt(startGeneration(before, requestGeneration(record)), true, now),
    }));
    const isWritten = await deps.table.write([
      throttleWrite(throttleStored, consumeCapacity(throttle, newcomers.length, digest?.id, now)),
      ...(digest ? [digestEntity.put(digest, { version: digest.version - 1 })] : []),
      ...leased.flatMap(({ before, after }) => notificationWrites(before, after)),
      ...(digest ? digestMembers.flatMap((each) => joinDigestWrites(each, digest)) : []),
    ]);
    if (!isWritten) return conflict;
    return {
      individual: leased.map(({ before, after }) => ({ ...after, version: before.version + 1 })),
      ...(digest && { digestId: digest.id }),
    };
  });
}

function joinDigestWrites({ record, notification: before }: NotifiedRecord, { id }: Digest) {
  const digestGroup = record.approvalRequest?.group;
  const after = startGeneration(before, requestGeneration(record));
  return notificationWrites(before, {
    ...after,
    digestId: id,
    ...(digestGroup !== undefined && { digestGroup }),
  });
}

/** @returns the open digest with the added records, or a new digest if the open one is full or unreadable. */
async function extendOrCreateDigest(
  members: readonly NotifiedRecord[],
  group: string,
  runningDigest: string | undefined,
  { table, reportError }: NotifyDeps,
): Promise<Digest | undefined> {
  const [first] = members;
  if (!first) return undefined;
  const endpointIds = members.map(({ record }) => record.endpointId);
  // Reports an unreadable digest, and starts a new one.
  const running =
    runningDigest === undefined
      ? undefined
      : await digestEntity.find(digestKey(runningDigest), table).catch(omitUnreadable(reportError));
  if (running && running.endpointIds.length + endpointIds.length <= maxDigestSize)
    return {
      ...running,
      endpointIds: [...running.endpointIds, ...endpointIds],
      version: running.version + 1,
    };
  // The id is unique: linkgate writes a version of a notification once, and the version joins a digest once.
  const id = `${first.record.endpointId}.${requestGeneration(first.record)}.${first.notification.version}`;
  return { id, group, endpointIds, version: 1 };
}
