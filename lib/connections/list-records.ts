import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import type { Item, Table } from '../storage/table.ts';
import { recordPartitions } from './connection-record.ts';

/** The position in a list of all records: the partition, and the last record of the previous page. */
export const RecordCursor = v.object({
  partition: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(recordPartitions.length - 1)),
  after: v.exactOptional(EndpointId),
});
export type RecordCursor = v.InferOutput<typeof RecordCursor>;

/** The maximum number of queries for a page. */
const queriesPerPage = 2 * recordPartitions.length;

/** Returns one page of the records that match the filter, in no particular order, and the next position. */
export async function listRecords(
  start: RecordCursor,
  limit: number,
  table: Table,
  isWanted: (record: Item) => boolean,
): Promise<{ readonly records: readonly Item[]; readonly next?: RecordCursor }> {
  const records: Item[] = [];
  let next: RecordCursor | undefined = start;
  for (let queries = 0; next && queries < queriesPerPage && records.length < limit; queries++) {
    const page: Item[] = await listRecordsFrom(next, limit - records.length, table);
    records.push(...page.filter(isWanted));
    next = nextCursor(next, page);
  }
  return { records, ...(next && { next }) };
}

/** @returns an empty page at the end of the partition. */
export async function listRecordsFrom(
  { partition, after }: RecordCursor,
  limit: number,
  table: Table,
): Promise<Item[]> {
  const pk = recordPartitions[partition];
  if (pk === undefined) return [];
  for await (const page of table.query(pk, { limit, ...(after !== undefined && { after }) })) return page;
  return [];
}

/** Only an empty page ends a partition: DynamoDB limits a page to 1 MB, so another page may follow a short one. */
function nextCursor({ partition }: RecordCursor, page: readonly Item[]): RecordCursor | undefined {
  const last = page.at(-1);
  if (last) return { partition, after: last.sk };
  return partition + 1 < recordPartitions.length ? { partition: partition + 1 } : undefined;
}
