import * as v from 'valibot';
import { ServiceId } from '../../privatelink/connection.ts';
import { entity } from '../../storage/entity.ts';
import type { Key, Table } from '../../storage/table.ts';
import { principalKey } from './principal.ts';

/** The record of one principal of a service. */
export const PrincipalRecord = v.object({
  serviceId: ServiceId,
  principal: v.string(),
  /**
   * `desired`: the allowlist names the principal, or did until now, while linkgate manages the principals. `external`: EC2 listed
   * the principal and the allowlist did not, so somebody added it outside linkgate.
   */
  status: v.picklist(['desired', 'external']),
  /** ISO 8601 */
  firstSeenAt: v.string(),
  /** The author and the time of the addition, from CloudTrail. */
  addedBy: v.exactOptional(v.string()),
  addedAt: v.exactOptional(v.string()),
  /** ISO 8601: the start of the grace period after which linkgate removes an external principal. */
  notDesiredSince: v.exactOptional(v.string()),
  /** A person has approved the removal. */
  removalApproved: v.exactOptional(v.literal(true)),
  /** EC2's reason for refusing the principal. */
  refusal: v.exactOptional(v.object({ code: v.string(), message: v.string(), at: v.string() })),
  version: v.number(),
});
export type PrincipalRecord = v.InferOutput<typeof PrincipalRecord>;

export const principalEntity = entity(PrincipalRecord.entries, (record) =>
  principalRecordKey(record.serviceId, record.principal),
);
export const { read: readPrincipal, item: principalItem } = principalEntity;

export function principalsPartition(serviceId: string): string {
  return `PRINCIPALS#${serviceId}`;
}

export function principalRecordKey(serviceId: string, principal: string): Key {
  return { pk: principalsPartition(serviceId), sk: principalKey(principal) };
}

/** Reads all records of a service. Throws if one is unreadable: linkgate would mistake its own principal for an external one. */
export async function readPrincipalRecords(serviceId: string, table: Table): Promise<PrincipalRecord[]> {
  const pages = await Array.fromAsync(table.query(principalsPartition(serviceId)));
  return pages.flat().map(readPrincipal);
}
