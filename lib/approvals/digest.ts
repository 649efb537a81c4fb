import * as v from 'valibot';
import { type EscalationStage, isLaterStage } from '../connections/approval-request.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  readRecord,
  recordItem,
  recordKey,
} from '../connections/connection-record.ts';
import {
  type Notification,
  type NotificationTarget,
  notificationKey,
  parseNotification,
} from '../outbox/notification.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, type ItemIndex, indexByKey, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { Key, Table } from '../storage/table.ts';
import { computeContentHash, hashContent } from './content-hash.ts';

/** The maximum number of requests in one digest. */
export const maxDigestSize = 500;

/** Many requests of one group in a short time, which one notification shows. */
const Digest = v.object({
  id: v.string(),
  group: v.string(),
  /** Its requests in the order in which they joined. linkgate only appends to the list. */
  endpointIds: v.array(v.string()),
  version: v.number(),
});
export type Digest = v.InferOutput<typeof Digest>;

export const digestPartition = 'DIGEST';
export const digestKey = (id: string): Key => ({ pk: digestPartition, sk: id });
export const digestEntity = entity(Digest.entries, ({ id }) => digestKey(id));

/** The target of the notification about one request. */
export function requestTarget(endpointId: string): NotificationTarget {
  return { kind: 'request', id: endpointId };
}

/** Identifies the question of an approval request: a new one starts a new message. */
export function requestGeneration({ approvalRequest }: ConnectionRecord): string {
  return String(approvalRequest?.version ?? '');
}

/** @returns the digest that shows a request instead of a message of its own. A new question or a new group leaves it. */
export function findDigestId(
  record: ConnectionRecord,
  { digestId, digestGroup, generation }: Notification,
): string | undefined {
  const isCurrent = generation === requestGeneration(record) && digestGroup === record.approvalRequest?.group;
  return isCurrent ? digestId : undefined;
}

/** Whether a request has a message of its own or a digest. A request whose message a new one replaces needs no digest. */
export function isAssigned({ record, notification }: NotifiedRecord): boolean {
  const { generation, digestId, message, outdated } = notification;
  if (message || outdated.length > 0) return true;
  return (
    generation === requestGeneration(record) &&
    (digestId === undefined || findDigestId(record, notification) !== undefined)
  );
}

/** @returns the records that are still assigned to the digest, in the order in which they joined. */
export async function readDigestMembers(
  { id: digest, endpointIds }: Digest,
  { table, reportError }: { readonly table: Table } & Pick<Runtime, 'reportError'>,
): Promise<ConnectionRecord[]> {
  const all = await readNotifiedRecords([...new Set(endpointIds)], { table, reportError });
  return all
    .filter(({ record, notification }) => findDigestId(record, notification) === digest)
    .map(({ record }) => record);
}

/** A record, and what approvers have received about it. */
export interface NotifiedRecord {
  readonly record: ConnectionRecord;
  readonly notification: Notification;
}

/** @returns the readable records with their notifications, in the order of the ids. */
export async function readNotifiedRecords(
  endpointIds: readonly string[],
  { table, reportError }: ReadDeps,
): Promise<NotifiedRecord[]> {
  const keys = endpointIds.map(recordKey);
  const items = indexByKey(await table.get([...keys, ...endpointIds.map(requestKey)]));
  return pairNotifications(parseEach(items.all(keys), readRecord, reportError), items, reportError);
}

/** Reads the notifications of records. Reports and omits a record whose notification is unreadable. */
export async function readNotifications(
  records: readonly ConnectionRecord[],
  { table, reportError }: ReadDeps,
): Promise<NotifiedRecord[]> {
  const keys = records.map(({ endpointId }) => requestKey(endpointId));
  return pairNotifications(records, indexByKey(await table.get(keys)), reportError);
}

const requestKey = (endpointId: string) => notificationKey(requestTarget(endpointId));

function pairNotifications(
  records: readonly ConnectionRecord[],
  items: ItemIndex,
  reportError: Runtime['reportError'],
): NotifiedRecord[] {
  return records.flatMap((record) => {
    const target = requestTarget(record.endpointId);
    const read = () => parseNotification(target, items.find(notificationKey(target)));
    return parseEach([recordItem(record)], read, reportError).map((notification) => ({
      record,
      notification,
    }));
  });
}

/** Hashes everything that the message of a digest shows. */
export function computeDigestHash(members: readonly ConnectionRecord[]): string {
  return hashContent(members.map(computeContentHash));
}

/** @returns the latest stage of the open members. */
export function latestStage(members: readonly ConnectionRecord[]): EscalationStage {
  return members
    .filter(isAwaitingApproval)
    .map(({ approvalRequest }) => approvalRequest?.stage ?? 'approval-requested')
    .reduce((latest, stage) => (isLaterStage(stage, latest) ? stage : latest), 'approval-requested');
}
