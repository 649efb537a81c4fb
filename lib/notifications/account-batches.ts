import { isAssigned, type NotifiedRecord, readNotifications } from '../approvals/digest.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import { listEarlierConnections } from '../connections/indexes.ts';
import { isConnected } from '../privatelink/connection.ts';
import type { ReadDeps } from '../storage/entity.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** The maximum number of connections of one account at one service with separate messages when they lose permission at once. */
const maxIndividualPerAccount = 3;
/** The number of an account's connections that linkgate reads to find others that need a notification. */
const maxConnectionsRead = 20;

/**
 * Selects the connected endpoints of one account that share a digest because one policy change affects all of them, even if this
 * batch contains few of them.
 * @returns their endpoint ids.
 */
export async function selectAccountBatches(
  newcomers: readonly NotifiedRecord[],
  deps: ReadDeps & Pick<NotifyDeps, 'now'>,
): Promise<ReadonlySet<string>> {
  const connectedRecords = newcomers
    .map(({ record }) => record)
    .filter(({ state, approvalRequest }) => isConnected(state) && approvalRequest !== undefined);
  const batchedRecords: ConnectionRecord[] = [];
  for (const accountRecords of Map.groupBy(
    connectedRecords,
    ({ ownerAccountId, serviceId }) => `${ownerAccountId} ${serviceId}`,
  ).values())
    if (accountRecords.length > maxIndividualPerAccount || (await hasMorePending(accountRecords, deps)))
      batchedRecords.push(...accountRecords);
  return new Set(batchedRecords.map(({ endpointId }) => endpointId));
}

/** Whether the account has more connections without a notification than this batch. */
async function hasMorePending(
  [first, ...otherRecords]: readonly ConnectionRecord[],
  { table, reportError, now }: ReadDeps & Pick<NotifyDeps, 'now'>,
): Promise<boolean> {
  if (!first) return false;
  const whole = { ...first, requestedAt: now().toISOString() };
  const all = await listEarlierConnections(whole, maxConnectionsRead, { table, reportError });
  const batchIds = new Set([first, ...otherRecords].map(({ endpointId }) => endpointId));
  const others = all.filter(
    (record) => !batchIds.has(record.endpointId) && isConnected(record.state) && isAwaitingApproval(record),
  );
  const pending = (await readNotifications(others, { table, reportError })).filter(
    (each) => !isAssigned(each),
  );
  return batchIds.size + pending.length > maxIndividualPerAccount;
}
