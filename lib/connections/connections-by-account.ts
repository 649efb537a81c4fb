import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, parseEach } from '../storage/entity.ts';
import type { Table, Write } from '../storage/table.ts';
import { type ConnectionRecord, readRecord, recordKey } from './connection-record.ts';

const connectionByAccountEntity = entity({ endpointId: EndpointId, version: v.number() });
export const readByAccount = connectionByAccountEntity.read;

type AccountAtService = Pick<ConnectionRecord, 'ownerAccountId' | 'serviceId'>;
type RequestTime = Pick<ConnectionRecord, 'requestedAt' | 'endpointId'>;

/** Returns the partition of the pointers to an account's records at a service, sorted by the time of the request. */
const byAccountPartition = ({ ownerAccountId, serviceId }: AccountAtService) =>
  `BY_ACCOUNT#${ownerAccountId}#${serviceId}`;
const byAccountSortKey = ({ requestedAt, endpointId }: RequestTime) => `${requestedAt}#${endpointId}`;

/** Writes the pointer with a new record. */
export function byAccountWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  if (before) return [];
  const key = { pk: byAccountPartition(after), sk: byAccountSortKey(after) };
  return [{ put: connectionByAccountEntity.item(key, { endpointId: after.endpointId, version: 1 }) }];
}

/** Lists the account's records at a service that are older than the given record, newest first. */
export async function listEarlierConnections(
  record: AccountAtService & RequestTime,
  limit: number,
  { table, reportError }: { readonly table: Table } & Pick<Runtime, 'reportError'>,
): Promise<ConnectionRecord[]> {
  const earlier = { limit, newestFirst: true, after: byAccountSortKey(record) };
  for await (const page of table.query(byAccountPartition(record), earlier)) {
    const keys = parseEach(page, connectionByAccountEntity.read, reportError).map(({ endpointId }) =>
      recordKey(endpointId),
    );
    const records = parseEach(await table.get(keys), readRecord, reportError);
    return records.sort((a, b) => b.requestedAt.localeCompare(a.requestedAt));
  }
  return [];
}
