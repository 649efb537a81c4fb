import * as v from 'valibot';
import { AccountId, EndpointId, isLive } from '../connection/connection.ts';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connection/connection-record.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { byKey, readEach } from '../table/item.ts';
import type { Item, Table } from '../table/table.ts';
import { customersOf } from './account-pointer.ts';
import { isReader } from './customer.ts';
import { mayBeNews, newsOf } from './news.ts';
import { knownTo, readTold, toldKey } from './told.ts';

/** An endpoint of which its owner may have to be told something. */
export const Endpoint = v.object({ endpointId: EndpointId, ownerAccountId: AccountId });
export type Endpoint = Readonly<v.InferOutput<typeof Endpoint>>;

/** Has consumers told; a ring too many finds that they know it already. */
export interface ConsumerNotices {
  ring(endpoints: readonly Endpoint[]): Promise<void>;
}

/** The endpoint of which a change of the table may be news. */
export function endpointToTellOf(before: Item | undefined, after: Item | undefined): Endpoint | undefined {
  if (!after || !recordPartitions.includes(after.pk)) return undefined;
  const record = readRecord(after);
  return mayBeNews(before && readRecord(before), record) ? endpointOf(record) : undefined;
}

interface Ringing extends Pick<Invocation, 'report'> {
  readonly table: Table;
  readonly consumers: ConsumerNotices;
}

/**
 * Rings for what must not go unsaid because a stream record was lost or the contact became another: that a connection is to be cut,
 * or its permission ends. Of other records it reads nothing, of those once or twice a page.
 */
export async function ringForUntold(
  records: readonly ConnectionRecord[],
  { table, consumers, report }: Ringing,
): Promise<void> {
  const ending = records.filter(
    ({ state, revocation, warned }) => (revocation ?? warned) !== undefined && isLive(state),
  );
  if (ending.length === 0) return;
  await orReport(report, async () => {
    const customers = await customersOf(
      ending.map(({ ownerAccountId }) => ownerAccountId),
      { table, report },
    );
    const theirs = ending.flatMap((record) => {
      const customer = customers.get(record.ownerAccountId);
      return isReader(customer) ? [{ record, customer }] : [];
    });
    if (theirs.length === 0) return;
    const found = byKey(await table.get(theirs.map(({ record }) => toldKey(record.endpointId))));
    const untold = theirs.filter(({ record, customer }) => {
      const items = found.all([toldKey(record.endpointId)]);
      const told = readEach(items, readTold, report);
      // What cannot be read may say that they know it.
      return told.length === items.length && newsOf(record, knownTo(customer, told[0])) !== undefined;
    });
    if (untold.length > 0) await consumers.ring(untold.map(({ record }) => endpointOf(record)));
  });
}

function endpointOf({ endpointId, ownerAccountId }: ConnectionRecord): Endpoint {
  return { endpointId, ownerAccountId };
}
