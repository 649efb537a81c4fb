import * as v from 'valibot';
import type { Invocation } from '../invocation.ts';
import { itemKind, readEach } from '../table/item.ts';
import type { Table, Write } from '../table/table.ts';
import { EndpointId } from './connection.ts';
import { type ConnectionRecord, readRecord, recordKey } from './connection-record.ts';

const kind = itemKind({ endpointId: EndpointId, version: v.number() });

/** The connections of an account are one partition of pointers to records, by the time they were asked for. */
const connectionsOf = (accountId: string) => `ACCOUNT#${accountId}`;

/** The pointer beside a record that is new. */
export function accountWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  if (before) return [];
  const { endpointId, ownerAccountId, requestedAt } = after;
  const key = { pk: connectionsOf(ownerAccountId), sk: `${requestedAt}#${endpointId}` };
  return [{ put: kind.item(key, { endpointId, version: 1 }) }];
}

/** What is remembered of an account's connections, the newest first. */
export async function recordsOf(
  accountId: string,
  limit: number,
  { table, report }: { readonly table: Table } & Pick<Invocation, 'report'>,
): Promise<ConnectionRecord[]> {
  for await (const page of table.query(connectionsOf(accountId), { limit, newestFirst: true })) {
    const keys = readEach(page, kind.read, report).map(({ endpointId }) => recordKey(endpointId));
    const records = readEach(await table.get(keys), readRecord, report);
    return records.sort((a, b) => b.requestedAt.localeCompare(a.requestedAt));
  }
  return [];
}
