import * as v from 'valibot';
import { AccountId, EndpointId, isLive } from '../connection/connection.ts';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connection/connection-record.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { byKey, readEach } from '../table/item.ts';
import type { Item, Table } from '../table/table.ts';
import { customersOf } from './account-pointer.ts';
import { mayBeNews, newsOf } from './news.ts';
import { readTold, toldKey } from './told.ts';

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
 * Rings for what must not go unsaid because a stream record was lost: that a connection is to be cut. Of records without a
 * revocation it reads nothing, of the others once or twice a page.
 */
export async function ringForUntold(
  records: readonly ConnectionRecord[],
  { table, consumers, report }: Ringing,
): Promise<void> {
  const toBeCut = records.filter(({ state, revocation }) => revocation !== undefined && isLive(state));
  if (toBeCut.length === 0) return;
  await orReport(report, async () => {
    const customers = await customersOf(
      toBeCut.map(({ ownerAccountId }) => ownerAccountId),
      { table, report },
    );
    const theirs = toBeCut.filter(({ ownerAccountId }) => customers.get(ownerAccountId)?.contact);
    if (theirs.length === 0) return;
    const found = byKey(await table.get(theirs.map(({ endpointId }) => toldKey(endpointId))));
    const untold = theirs.filter((record) => {
      const [told] = readEach(found.all([toldKey(record.endpointId)]), readTold, report);
      return newsOf(record, told) !== undefined;
    });
    if (untold.length > 0) await consumers.ring(untold.map(endpointOf));
  });
}

function endpointOf({ endpointId, ownerAccountId }: ConnectionRecord): Endpoint {
  return { endpointId, ownerAccountId };
}
