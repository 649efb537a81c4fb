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

/** How many requests go into one digest. */
export const maxDigestSize = 500;

/** Many requests for a group that came at once, and what people were told of them. */
const Digest = v.object({
  id: v.string(),
  group: v.string(),
  /** Its members in the order in which they joined: only ever added to. */
  endpointIds: v.array(v.string()),
  /** Its message. */
  channel: v.exactOptional(v.string()),
  ts: v.exactOptional(v.string()),
  /** The message before that, as long as Slack has not taken it that they are asked elsewhere. */
  previousSlackMessage: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** What its message shows, and since when (ISO 8601). */
  contentHash: v.exactOptional(v.string()),
  renderedAt: v.exactOptional(v.string()),
  /** ISO 8601: since when Slack has not taken what it should show, and until when a ring for that is on its way. */
  retry: v.exactOptional(v.object({ since: v.string(), nextAt: v.string() })),
  /** The stage of the newest reply below its message. */
  remindedStage: v.exactOptional(v.picklist(escalationStages)),
  /** How many of its members the mails of this stage have told of, and when the newest was sent (ISO 8601). */
  emailedCount: v.number(),
  emailedStage: v.exactOptional(v.picklist(escalationStages)),
  emailedAt: v.exactOptional(v.string()),
  /** ISO 8601: until then somebody is telling of it. */
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

/** The records of those whose place is still in the digest, in the order in which they joined. */
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

/** All of its members that people are shown: its message is drawn anew when this changes. */
export function computeDigestHash(members: readonly ConnectionRecord[]): string {
  return createHash('sha256').update(members.map(computeContentHash).join('\n')).digest('base64url');
}

/** The latest stage that members have come to and are open. */
export function latestStage(members: readonly ConnectionRecord[]): EscalationStage {
  return members
    .filter(isAwaitingApproval)
    .map(({ approvalRequest }) => approvalRequest?.stage ?? 'approval-requested')
    .reduce((latest, stage) => (isLaterStage(stage, latest) ? stage : latest), 'approval-requested');
}
