import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import { listEarlierConnections } from '../connections/connections-by-account.ts';
import { isConnected } from '../privatelink/connection.ts';
import type { AwaitingRecord } from './awaiting-record.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** Up to this many connections of one account at one service get messages of their own when they lose permission at once. */
const maxIndividualPerAccount = 3;
/** How many of an account's connections linkgate reads to find others that need a notification. */
const maxConnectionsRead = 20;

/**
 * Selects the connected endpoints of one account that share a digest because one policy change affects all of them, however
 * few of them this batch has.
 * @returns their endpoint ids.
 */
export async function selectAccountBatches(
  newcomers: readonly AwaitingRecord[],
  deps: Pick<NotifyDeps, 'table' | 'reportError' | 'now'>,
): Promise<ReadonlySet<string>> {
  const connectedRecords = newcomers.filter(({ state }) => isConnected(state));
  const batchedRecords: AwaitingRecord[] = [];
  for (const accountRecords of Map.groupBy(
    connectedRecords,
    ({ ownerAccountId, serviceId }) => `${ownerAccountId} ${serviceId}`,
  ).values())
    if (accountRecords.length > maxIndividualPerAccount || (await hasMorePending(accountRecords, deps)))
      batchedRecords.push(...accountRecords);
  return new Set(batchedRecords.map(({ endpointId }) => endpointId));
}

/** Whether the account has more connections without a notification than this batch shows. */
async function hasMorePending(
  [first, ...otherRecords]: readonly AwaitingRecord[],
  { table, reportError, now }: Pick<NotifyDeps, 'table' | 'reportError' | 'now'>,
): Promise<boolean> {
  if (!first) return false;
  const whole = { ...first, requestedAt: now().toISOString() };
  const all = await listEarlierConnections(whole, maxConnectionsRead, { table, reportError });
  const batchIds = new Set([first, ...otherRecords].map(({ endpointId }) => endpointId));
  const pendingRecords = all.filter(
    (record) => !batchIds.has(record.endpointId) && isPendingNotification(record),
  );
  return batchIds.size + pendingRecords.length > maxIndividualPerAccount;
}

function isPendingNotification(record: ConnectionRecord): boolean {
  return isConnected(record.state) && isAwaitingApproval(record) && record.notification === undefined;
}
