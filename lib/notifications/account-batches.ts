import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import { listEarlierConnections } from '../connections/connections-by-account.ts';
import { isConnected } from '../privatelink/connection.ts';
import type { AwaitingRecord } from './awaiting-record.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** As many connections of an account at a service that come into question at once are told of one by one. */
const maxIndividualPerAccount = 3;
/** How many of an account's connections are looked at to find those that come with one. */
const maxConnectionsRead = 20;

/**
 * Those of new subjects that are told of together, however few came before them: connections of one account that live, and came
 * into question at once, since one change of the policy did that to all of them.
 */
export async function selectAccountBatches(
  newcomers: readonly AwaitingRecord[],
  deps: Pick<NotifyDeps, 'table' | 'reportError' | 'now'>,
): Promise<ReadonlySet<string>> {
  const live = newcomers.filter(({ state }) => isConnected(state));
  const together: AwaitingRecord[] = [];
  for (const theirs of Map.groupBy(
    live,
    ({ ownerAccountId, serviceId }) => `${ownerAccountId} ${serviceId}`,
  ).values())
    if (theirs.length > maxIndividualPerAccount || (await hasMorePending(theirs, deps)))
      together.push(...theirs);
  return new Set(together.map(({ endpointId }) => endpointId));
}

/** Whether others are on their way that nobody was told of yet. */
async function hasMorePending(
  [first, ...others]: readonly AwaitingRecord[],
  { table, reportError, now }: Pick<NotifyDeps, 'table' | 'reportError' | 'now'>,
): Promise<boolean> {
  if (!first) return false;
  const whole = { ...first, requestedAt: now().toISOString() };
  const all = await listEarlierConnections(whole, maxConnectionsRead, { table, reportError });
  const known = new Set([first, ...others].map(({ endpointId }) => endpointId));
  const coming = all.filter((record) => !known.has(record.endpointId) && isPendingNotification(record));
  return known.size + coming.length > maxIndividualPerAccount;
}

function isPendingNotification(record: ConnectionRecord): boolean {
  return isConnected(record.state) && isAwaitingApproval(record) && record.notification === undefined;
}
