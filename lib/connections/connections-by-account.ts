import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, parseEach } from '../storage/entity.ts';
import type { Table, Write } from '../storage/table.ts';
import { type ConnectionRecord, readRecord, recordKey } from './connection-record.ts';

const connectionByAccountEntity = entity({ endpointId: EndpointId, version: v.number() });
export const readByAccount = connectionByAccountEntity.read;

type Whose = Pick<ConnectionRecord, 'ownerAccountId' | 'serviceId'>;
type When = Pick<ConnectionRecord, 'requestedAt' | 'endpointId'>;

/** The connections of an account at a service are one partition of pointers to records, by the time they were asked for. */
const connectionsOf = ({ ownerAccountId, serviceId }: Whose) => `BY_ACCOUNT#${ownerAccountId}#${serviceId}`;
const placeOf = ({ requestedAt, endpointId }: When) => `${requestedAt}#${endpointId}`;

/** The pointer beside a record that is new; also once people are asked, since records of older versions have none. */
export function byAccountWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const begins = after.approvalRequest !== undefined && before?.approvalRequest === undefined;
  if (before && !begins) return [];
  const key = { pk: connectionsOf(after), sk: placeOf(after) };
  return [{ put: connectionByAccountEntity.item(key, { endpointId: after.endpointId, version: 1 }) }];
}

/** What is remembered of an account's connections at a service from before one of them, the newest first. */
export async function listEarlierConnections(
  record: Whose & When,
  limit: number,
  { table, reportError }: { readonly table: Table } & Pick<Runtime, 'reportError'>,
): Promise<ConnectionRecord[]> {
  const earlier = { limit, newestFirst: true, after: placeOf(record) };
  for await (const page of table.query(connectionsOf(record), earlier)) {
    const keys = parseEach(page, connectionByAccountEntity.read, reportError).map(({ endpointId }) =>
      recordKey(endpointId),
    );
    const records = parseEach(await table.get(keys), readRecord, reportError);
    return records.sort((a, b) => b.requestedAt.localeCompare(a.requestedAt));
  }
  return [];
}
