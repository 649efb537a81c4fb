import * as v from 'valibot';
import { listAuditItems } from '../audit/audit.ts';
import { AuditHead, type ChainBreak, findBreak } from '../audit/chain.ts';
import { recordKey, recordPartitions } from '../connections/connection-record.ts';
import { listRecords, listRecordsFrom, type RecordCursor } from '../connections/list-records.ts';
import type { Item, Table } from '../storage/table.ts';

/** The attributes of a record that the verification needs; records of newer versions have them too. */
const VerifiableRecord = v.object({
  endpointId: v.string(),
  serviceId: v.string(),
  auditCount: v.number(),
  auditHead: v.exactOptional(AuditHead),
});

/** The maximum number of trails that a call reads. */
const trailsPerPage = 50;

export interface BrokenTrail extends ChainBreak {
  readonly endpointId: string;
}

export interface Verification {
  /** The number of connections with an intact trail. */
  readonly verified: number;
  readonly broken: readonly BrokenTrail[];
}

/** Verifies one page of connections, in no particular order. */
export async function verifyTrailPage(
  start: RecordCursor,
  table: Table,
  serviceId?: string,
): Promise<Verification & { readonly next?: RecordCursor }> {
  const isWanted = (record: Item) => serviceId === undefined || record.serviceId === serviceId;
  const { records, ...nextPage } = await listRecords(start, trailsPerPage, table, isWanted);
  return { ...(await verifyTrails(records, table)), ...nextPage };
}

/**
 * Verifies `count` connections, or all if there are fewer. Starts at a random position in each partition, and continues from its
 * start.
 */
export async function verifyTrailSample(
  count: number,
  random: () => number,
  table: Table,
): Promise<Verification> {
  const first = Math.floor(random() * recordPartitions.length);
  const after = `vpce-${Math.floor(random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0')}`;
  const partitions = recordPartitions.map((_, index) => (first + index) % recordPartitions.length);
  const starts: RecordCursor[] = [
    ...partitions.map((partition) => ({ partition, after })),
    ...partitions.map((partition) => ({ partition })),
  ];
  const records = new Map<string, Item>();
  for (const start of starts) {
    if (records.size >= count) break;
    for (const record of await listRecordsFrom(start, count - records.size, table))
      records.set(record.sk, record);
  }
  return verifyTrails([...records.values()], table);
}

/** @returns undefined if the connection has no record. */
export async function verifyTrail(endpointId: string, table: Table): Promise<Verification | undefined> {
  const items = await table.get([recordKey(endpointId)]);
  return items.length === 0 ? undefined : verifyTrails(items, table);
}

async function verifyTrails(records: readonly Item[], table: Table): Promise<Verification> {
  const results = await Promise.all(records.map((record) => findBrokenTrail(record, table)));
  const broken = results.filter((each) => each !== undefined);
  return { verified: results.length - broken.length, broken };
}

async function findBrokenTrail(record: Item, table: Table): Promise<BrokenTrail | undefined> {
  const parsedRecord = v.safeParse(VerifiableRecord, record);
  if (!parsedRecord.success)
    return {
      endpointId: record.sk,
      sequence: 0,
      problem: `its record is malformed: ${v.summarize(parsedRecord.issues)}`,
    };
  const trailBreak = findBreak(await listAuditItems(record.sk, table), parsedRecord.output);
  if (!trailBreak) return undefined;
  // An entry written between the two reads is no break: the record then has another version.
  const [currentItem] = await table.get([record]);
  return currentItem && currentItem.version !== record.version
    ? findBrokenTrail(currentItem, table)
    : { endpointId: record.sk, ...trailBreak };
}
