import * as v from 'valibot';
import { ServiceId } from '../../privatelink/connection.ts';
import { entity } from '../../storage/entity.ts';
import type { Item, Key, Table } from '../../storage/table.ts';
import { principalKey } from './principal.ts';

/** What is remembered of one principal of a service. */
export const PrincipalRecord = v.object({
  serviceId: ServiceId,
  principal: v.string(),
  /**
   * `implied`: the allowlist implies it, or did until now, while linkgate keeps the service's principals. `found`: it was in EC2 and
   * nothing implied it, so that somebody added it by hand.
   */
  status: v.picklist(['implied', 'found']),
  /** ISO 8601 */
  firstSeenAt: v.string(),
  /** Who added it and when, where CloudTrail has told. */
  addedBy: v.exactOptional(v.string()),
  addedAt: v.exactOptional(v.string()),
  /** ISO 8601: of one that was found, since when linkgate is to take it away; its grace period counts from then. */
  notDesiredSince: v.exactOptional(v.string()),
  /** A person has seen that it goes. */
  agreed: v.exactOptional(v.literal(true)),
  /** Why EC2 does not take it. */
  refusal: v.exactOptional(v.object({ code: v.string(), message: v.string(), at: v.string() })),
  version: v.number(),
});
export type PrincipalRecord = v.InferOutput<typeof PrincipalRecord>;

const principalEntity = entity(PrincipalRecord.entries);

export function principalsPartition(serviceId: string): string {
  return `PRINCIPALS#${serviceId}`;
}

export function principalRecordKey(serviceId: string, principal: string): Key {
  return { pk: principalsPartition(serviceId), sk: principalKey(principal) };
}

export function readPrincipal(item: Item): PrincipalRecord {
  return principalEntity.read(item);
}

export function principalItem(record: PrincipalRecord): Item {
  return principalEntity.item(principalRecordKey(record.serviceId, record.principal), record);
}

/** All of a service's. Throws where one cannot be read: what linkgate itself added would pass for somebody else's. */
export async function readPrincipalRecords(serviceId: string, table: Table): Promise<PrincipalRecord[]> {
  const records: PrincipalRecord[] = [];
  for await (const page of table.query(principalsPartition(serviceId)))
    records.push(...page.map(readPrincipal));
  return records;
}
