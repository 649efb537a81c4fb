import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type EscalationStage, escalationStages, isLaterStage } from '../connections/approval-request.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, parseEach } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { computeContentHash } from './content-hash.ts';

/** The maximum number of requests in one digest. */
export const maxDigestSize = 500;

/** Many requests of one group in a short time, with the state of their shared notifications. */
const Digest = v.object({
  id: v.string(),
  group: v.string(),
  /** Its requests in the order in which they joined. linkgate only appends to the list. */
  endpointIds: v.array(v.string()),
  /** The channel and `ts` of its Slack message. */
  channel: v.exactOptional(v.string()),
  ts: v.exactOptional(v.string()),
  /** The message in the previous channel, until it links to the new one. */
  previousSlackMessage: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** The hash of the requests that its message shows, and the time of that update (ISO 8601). */
  contentHash: v.exactOptional(v.string()),
  renderedAt: v.exactOptional(v.string()),
  /** ISO 8601: the first failure of the last update, and the time until which a queue message for a retry is pending. */
  retry: v.exactOptional(v.object({ since: v.string(), nextAt: v.string() })),
  /** The stage of the newest reminder in its thread. */
  remindedStage: v.exactOptional(v.picklist(escalationStages)),
  /** The number of its requests in the emails of this stage, and the time of the newest email (ISO 8601). */
  emailedCount: v.number(),
  emailedStage: v.exactOptional(v.picklist(escalationStages)),
  emailedAt: v.exactOptional(v.string()),
  /** ISO 8601: the end of the lease of one run. */
  leaseUntil: v.exactOptional(v.string()),
  version: v.number(),
});
export type Digest = v.InferOutput<typeof Digest>;

const digestEntity = entity(Digest.entries);
export const readDigest = digestEntity.read;

export const digestPartition = 'DIGEST';
export const digestKey = (id: string): Key => ({ pk: digestPartition, sk: id });

export function digestItem(digest: Digest): Item {
  return digestEntity.item(digestKey(digest.id), digest);
}

export async function findDigest(id: string, table: Table): Promise<Digest | undefined> {
  const [item] = await table.get([digestKey(id)]);
  return item && digestEntity.read(item);
}

/** @returns the records that are still assigned to the digest, in the order in which they joined. */
export async function readDigestMembers(
  { id: digest, endpointIds }: Digest,
  { table, reportError }: { readonly table: Table } & Pick<Runtime, 'reportError'>,
): Promise<ConnectionRecord[]> {
  const records = parseEach(await table.get(endpointIds.map(recordKey)), readRecord, reportError);
  const byId = new Map(records.map((record) => [record.endpointId, record]));
  return endpointIds
    .flatMap((id) => byId.get(id) ?? [])
    .filter(({ notification }) => notification?.digestId === digest);
}

/** Hashes everything that the message of a digest shows. */
export function computeDigestHash(members: readonly ConnectionRecord[]): string {
  return createHash('sha256').update(members.map(computeContentHash).join('\n')).digest('base64url');
}

/** @returns the latest stage of the open members. */
export function latestStage(members: readonly ConnectionRecord[]): EscalationStage {
  return members
    .filter(isAwaitingApproval)
    .map(({ approvalRequest }) => approvalRequest?.stage ?? 'approval-requested')
    .reduce((latest, stage) => (isLaterStage(stage, latest) ? stage : latest), 'approval-requested');
}
