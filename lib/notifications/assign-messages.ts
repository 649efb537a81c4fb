import { type Digest, digestItem, findDigest, maxDigestSize } from '../approvals/digest.ts';
import type { NotificationState } from '../connections/approval-request.ts';
import { readRecord, recordKey } from '../connections/connection-record.ts';
import { transitionWrites } from '../connections/transition.ts';
import { indexByKey, leftOut, parseEach } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Write } from '../storage/table.ts';
import { type ApprovalTarget, type AwaitingRecord, hasApprovalRequest } from './awaiting-record.ts';
import { batchedByAccount } from './batch.ts';
import { leaseUntil, type NotifyDeps } from './notify-deps.ts';
import { consumeCapacity, throttleCapacity, throttleFrom, throttleKey, throttleWrite } from './throttle.ts';

/** Where new requests are told of: alone, and then this run has them to itself; or in a digest. */
interface Assignment {
  readonly alone: readonly ApprovalTarget[];
  readonly digest?: string;
}

/**
 * Gives each new request of a group its place before anybody is told of it, in one transaction: those first within a minute
 * are told of alone, and when more come, these together; so are the connections of one account that come into question at once.
 * @param requests as many as a queue delivers at once, so that they fit into a transaction.
 * @throws OptimisticLockError
 */
export async function assignToMessageOrDigest(
  group: string,
  requests: readonly ApprovalTarget[],
  deps: NotifyDeps,
): Promise<Assignment> {
  return retryOnConflict(group, async () => {
    const { item, throttle, newcomers } = await readAll(group, requests, deps);
    if (newcomers.length === 0) return { alone: [] };
    const now = deps.now();
    const room = throttleCapacity(throttle, now);
    const batched = await batchedByAccount(newcomers, deps);
    const each = newcomers.filter(({ endpointId }) => !batched.has(endpointId));
    const alone = each.slice(0, room.alone);
    const together = newcomers.filter((record) => !alone.includes(record));
    const digest = await digestWith(together, group, room.runningDigest, deps);

    const held = alone.map((record) =>
      withNotification(record, { emailedTo: [], leaseUntil: leaseUntil(now) }, deps),
    );
    const joined = digest
      ? together.map((record) => withNotification(record, { emailedTo: [], digest: digest.id }, deps))
      : [];
    const isWritten = await deps.table.write([
      throttleWrite(item, consumeCapacity(throttle, newcomers.length, digest?.id, now)),
      ...(digest ? [{ put: digestItem(digest), expected: digest.version - 1 }] : []),
      ...[...held, ...joined].flatMap(({ writes }) => writes),
    ]);
    if (!isWritten) return conflict;
    const records = new Map(held.map(({ record }) => [record.endpointId, record]));
    return {
      alone: requests.flatMap((request) => {
        const record = records.get(request.record.endpointId);
        return record ? [{ ...request, record }] : [];
      }),
      ...(digest && { digest: digest.id }),
    };
  });
}

/** The group's board, and those of the requests that have no place yet. */
async function readAll(
  group: string,
  requests: readonly ApprovalTarget[],
  { table, reportError }: NotifyDeps,
) {
  const keys = requests.map(({ record }) => recordKey(record.endpointId));
  const found = indexByKey(await table.get([throttleKey(group), ...keys]));
  const item = found.find(throttleKey(group));
  const throttle = throttleFrom(item, group, reportError);
  const records = parseEach(found.all(keys), readRecord, reportError).filter(hasApprovalRequest);
  return { item, throttle, newcomers: records.filter(({ notice }) => notice === undefined) };
}

/** The digest that goes on, while it has room for them, or a new one. */
async function digestWith(
  records: readonly AwaitingRecord[],
  group: string,
  runningDigest: string | undefined,
  { table, reportError }: NotifyDeps,
): Promise<Digest | undefined> {
  const [first] = records;
  if (!first) return undefined;
  const endpointIds = records.map(({ endpointId }) => endpointId);
  // Where the digest that goes on cannot be read, another one begins.
  const running =
    runningDigest === undefined
      ? undefined
      : await findDigest(runningDigest, table).catch(leftOut(reportError));
  if (running && running.endpointIds.length + endpointIds.length <= maxDigestSize)
    return {
      ...running,
      endpointIds: [...running.endpointIds, ...endpointIds],
      version: running.version + 1,
    };
  // Each version of a record is written once, and this one before it gets its place.
  return { id: `${first.endpointId}.${first.version}`, group, endpointIds, emailedCount: 0, version: 1 };
}

function withNotification(before: AwaitingRecord, notice: NotificationState, { requestId }: NotifyDeps) {
  const record = { ...before, notice };
  const writes: Write[] = transitionWrites(before, { record, auditEvents: [] }, requestId);
  return { writes, record: { ...record, version: before.version + 1 } };
}
