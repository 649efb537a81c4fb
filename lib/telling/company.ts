import { recordsBefore } from '../connection/account-history.ts';
import { isLive } from '../connection/connection.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import type { AskedRecord } from './asked-request.ts';
import type { Telling } from './telling.ts';

/** As many connections of an account at a service that come into question at once are told of one by one. */
const aloneAtMost = 3;
/** How many of an account's connections are looked at to find those that come with one. */
const lookedAt = 20;

/**
 * Those of new subjects that are told of together, however few came before them: connections of one account that live, and came
 * into question at once, since one change of the policy did that to all of them.
 */
export async function inCompany(
  newcomers: readonly AskedRecord[],
  deps: Pick<Telling, 'table' | 'report' | 'now'>,
): Promise<ReadonlySet<string>> {
  const live = newcomers.filter(({ state }) => isLive(state));
  const together: AskedRecord[] = [];
  for (const theirs of Map.groupBy(
    live,
    ({ ownerAccountId, serviceId }) => `${ownerAccountId} ${serviceId}`,
  ).values())
    if (theirs.length > aloneAtMost || (await hasMore(theirs, deps))) together.push(...theirs);
  return new Set(together.map(({ endpointId }) => endpointId));
}

/** Whether others are on their way that nobody was told of yet. */
async function hasMore(
  [first, ...others]: readonly AskedRecord[],
  { table, report, now }: Pick<Telling, 'table' | 'report' | 'now'>,
): Promise<boolean> {
  if (!first) return false;
  const whole = { ...first, requestedAt: now().toISOString() };
  const all = await recordsBefore(whole, lookedAt, { table, report });
  const known = new Set([first, ...others].map(({ endpointId }) => endpointId));
  const coming = all.filter((record) => !known.has(record.endpointId) && isComing(record));
  return known.size + coming.length > aloneAtMost;
}

function isComing(record: ConnectionRecord): boolean {
  return isLive(record.state) && isOpen(record) && record.notice === undefined;
}
