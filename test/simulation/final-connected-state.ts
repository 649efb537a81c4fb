import { type ConnectionRecord, isAwaitingApproval } from '../../lib/connections/connection-record.ts';
import { policyInputKeys, readPolicyInputs } from '../../lib/policy/policy-inputs.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { indexByKey } from '../../lib/storage/entity.ts';
import { isAllowedByEntry, readOraclePolicy } from './policy-oracle.ts';
import type { SimulationStage } from './simulate.ts';

/**
 * Checks the connected connections after all faults have ended and all work is done.
 * @param late the maximum delay of due work, in milliseconds.
 */
export function checkConnectedState(
  { aws: { privateLink, parameter }, items, watch }: SimulationStage,
  now: Date,
  late: number,
): void {
  const { assertInvariant, findRecord, isUnreadable } = watch;
  const then = now.getTime() - late;

  function checkConnectedRecord(record: ConnectionRecord): void {
    const { endpointId, verdict, revocation, revokeOrder, personDecision, grandfathered } = record;
    const policyItems = indexByKey(items.read(policyInputKeys(record)));
    const policy = readOraclePolicy(record, policyItems);
    const { enforcingSince } = readPolicyInputs(record, policyItems);
    if (!policy.service || policy.service.pausedAt !== undefined) return;
    const block = policy.entries.find(({ effect }) => effect === 'block');
    assertInvariant(
      'a blocked connection is disconnected at once',
      !block || block.changedAt < enforcingSince,
      `${endpointId}, blocked at ${block?.changedAt}`,
    );
    const isInGrace = revocation !== undefined && Date.parse(revocation.disconnectAt) > then;
    const isAwaitingDecision = isAwaitingApproval(record) && record.approvalRequest !== undefined;
    const isOlderThanRegistration = !verdict && record.requestedAt < policy.service.registeredAt;
    const isApproved = personDecision?.decision === 'approve';
    const hasEndpointLimit = policy.entries[0]?.maxEndpoints !== undefined;
    const isAllowed = !block && (isApproved || isAllowedByEntry(record, policy, then));
    if (isAllowed && !revokeOrder && !hasEndpointLimit)
      assertInvariant(
        'an allowed connection has no scheduled disconnect',
        revocation === undefined,
        `${endpointId} has a disconnect scheduled at ${revocation?.disconnectAt}`,
      );
    else
      assertInvariant(
        'a connection without permission has a scheduled disconnect or awaits approval',
        isAllowed ||
          isInGrace ||
          isAwaitingDecision ||
          isOlderThanRegistration ||
          grandfathered !== undefined,
        `${endpointId}, ${JSON.stringify({ verdict, revocation, revokeOrder, personDecision })}`,
      );
  }

  if (parameter.mode !== 'enforce') return;
  for (const { id, state, region } of Object.values(privateLink.state.endpoints)) {
    const record = isConnected(state) && !isUnreadable(id) ? findRecord(id) : undefined;
    // Some notification bodies have no consumer Region.
    if (record) checkConnectedRecord({ ...record, endpointRegion: region });
  }
}
