import { type ConnectionRecord, isAwaitingApproval } from '../../lib/connections/connection-record.ts';
import { policyInputKeys, readPolicyInputs } from '../../lib/policy/policy-inputs.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { indexByKey } from '../../lib/storage/entity.ts';
import type { Items } from '../doubles/memory-table.ts';
import type { Aws } from './aws.ts';
import type { Watch } from './invariant-checks/index.ts';
import { isAllowedByEntry, readOraclePolicy } from './policy-oracle.ts';

/**
 * Checks the connected connections after all faults have ended and all work is done.
 * @param late the maximum delay of due work, in milliseconds.
 */
export function checkConnectedState(
  { privateLink, parameter }: Aws,
  items: Items,
  { mustHold, recordOf, isUnreadable }: Watch,
  now: Date,
  late: number,
): void {
  const then = now.getTime() - late;

  function checkTenure(record: ConnectionRecord): void {
    const { endpointId, verdict, revocation, revokeOrder, approval, grandfathered } = record;
    const found = indexByKey(items.read(policyInputKeys(record)));
    const said = readOraclePolicy(record, found);
    const { enforcingSince } = readPolicyInputs(record, found);
    if (!said.service || said.service.pausedAt !== undefined) return;
    const block = said.entries.find(({ effect }) => effect === 'block');
    mustHold(
      'a blocked connection is disconnected at once',
      !block || block.changedAt < enforcingSince,
      `${endpointId}, blocked at ${block?.changedAt}`,
    );
    const isInGrace = revocation !== undefined && Date.parse(revocation.disconnectAt) > then;
    const isAsked = isAwaitingApproval(record) && record.approvalRequest !== undefined;
    const isFirst = !verdict && record.requestedAt < said.service.registeredAt;
    const isApproved = approval?.decision === 'approve';
    const isCounted = said.entries[0]?.maxEndpoints !== undefined;
    const isEndorsed = !block && (isApproved || isAllowedByEntry(record, said, then));
    if (isEndorsed && !revokeOrder && !isCounted)
      mustHold(
        'an allowed connection stays',
        revocation === undefined,
        `${endpointId} is to be cut at ${revocation?.disconnectAt}`,
      );
    else
      mustHold(
        'a connection without permission has a scheduled disconnect or awaits approval',
        isEndorsed || isInGrace || isAsked || isFirst || grandfathered !== undefined,
        `${endpointId}, ${JSON.stringify({ verdict, revocation, revokeOrder, approval })}`,
      );
  }

  if (parameter.mode !== 'enforce') return;
  for (const { id, state, region } of Object.values(privateLink.state.endpoints)) {
    const record = isConnected(state) && !isUnreadable(id) ? recordOf(id) : undefined;
    // An older version did not record the Region.
    if (record) checkTenure({ ...record, endpointRegion: region });
  }
}
