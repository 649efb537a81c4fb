import { effectiveEntry } from '../../allowlist/effective-entry.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import { type Connection, isConnected } from '../../privatelink/connection.ts';
import type { Policy } from '../rule.ts';
import { type ConnectedContext, decideConnected } from './decide-connected.ts';

/** A connected endpoint of the same account and service. */
export interface OtherEndpoint {
  readonly connection: Connection;
  readonly record: ConnectionRecord | undefined;
}

/**
 * Omits the endpoints that policy disconnects for another reason than the limit, so that they cause no disconnect of an endpoint
 * that the entry allows. For a new request they count until their disconnect.
 * @param policy its `countedEndpointIds` has the endpoints in their order.
 */
export function omitDisconnecting(
  policy: Policy,
  others: readonly OtherEndpoint[],
  context: ConnectedContext,
): readonly string[] {
  if (effectiveEntry(policy)?.maxEndpoints === undefined) return policy.countedEndpointIds;
  const uncounted = { ...policy, countedEndpointIds: [] };
  const disconnecting = new Set(
    others
      .filter(({ connection }) => isConnected(connection.state))
      .filter(
        ({ connection, record }) =>
          decideConnected(connection, record, uncounted, context).verdict.outcome === 'reject',
      )
      .map(({ connection }) => connection.endpointId),
  );
  return policy.countedEndpointIds.filter((endpointId) => !disconnecting.has(endpointId));
}
