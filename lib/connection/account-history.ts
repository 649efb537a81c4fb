import * as v from 'valibot';
import type { Invocation } from '../invocation.ts';
import { itemKind, readEach } from '../table/item.ts';
import type { Table, Write } from '../table/table.ts';
import { EndpointId } from './connection.ts';
import { type ConnectionRecord, readRecord, recordKey } from './connection-record.ts';

const kind = itemKind({ endpointId: EndpointId, version: v.number() });
export const readOfAccount = kind.read;

type Whose = Pick<ConnectionRecord, 'ownerAccountId' | 'serviceId'>;
type When = Pick<ConnectionRecord, 'requestedAt' | 'endpointId'>;

/** The connections of an account at a service are one partition of pointers to records, by the time they were asked for. */
const connectionsOf = ({ ownerAccountId, serviceId }: Whose) => `ACCOUNT#${ownerAccountId}#${serviceId}`;
const placeOf = ({ requestedAt, endpointId }: When) => `${requestedAt}#${endpointId}`;

/** The pointer beside a record that is new; also once people are asked, since records of older versions have none. */
export function accountWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const begins = after.asking !== undefined && before?.asking === undefined;
  if (before && !begins) return [];
  const key = { pk: connectionsOf(after), sk: placeOf(after) };
  return [{ put: kind.item(key, { endpointId: after.endpointId, version: 1 }) }];
}

/** What is remembered of an account's connections at a service from before one of them, the newest first. */
export async function recordsBefore(
  record: Whose & When,
  limit: number,
  { table, report }: { readonly table: Table } & Pick<Invocation, 'report'>,
): Promise<ConnectionRecord[]> {
  const earlier = { limit, newestFirst: true, after: placeOf(record) };
  for await (const page of table.query(connectionsOf(record), earlier)) {
    const keys = readEach(page, kind.read, report).map(({ endpointId }) => recordKey(endpointId));
    const records = readEach(await table.get(keys), readRecord, report);
    return records.sort((a, b) => b.requestedAt.localeCompare(a.requestedAt));
  }
  return [];
}
