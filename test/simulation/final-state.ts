import { findBreak } from '../../lib/audit/chain.ts';
import {
  type ConnectionRecord,
  isVerdictCurrent,
  readRecord,
  recordPartitions,
} from '../../lib/connections/connection-record.ts';
import { quotaPartition, readEndpointQuota } from '../../lib/policy/endpoint-quota.ts';
import { isHeldBack } from '../../lib/policy/held-back.ts';
import { policyInputKeys, readPolicyInputs } from '../../lib/policy/policy-inputs.ts';
import { isConnected, isEnded } from '../../lib/privatelink/connection.ts';
import { readService, serviceKey } from '../../lib/services/service.ts';
import { indexByKey } from '../../lib/storage/entity.ts';
import type { Item } from '../../lib/storage/table.ts';
import type { Endpoint } from '../../sandbox/privatelink/model.ts';
import { isNewerMajor } from './mixed-versions.ts';
import {
  expectedAction,
  isRejectedOnExpiry,
  listAccountEndpoints,
  readOraclePolicy,
} from './policy-oracle.ts';
import type { SimulationStage } from './simulate.ts';

/** The reason with which a deregistration drops a pending effect. */
const deregisteredReason = 'the service is no longer registered';

/**
 * Checks the final state after all faults have ended and all work is done.
 * @param late the maximum delay of due work, in milliseconds.
 */
export function checkFinalState(
  { aws: { privateLink, provider, parameter }, items, watch }: SimulationStage,
  now: Date,
  late: number,
): void {
  const { assertInvariant, isUnreadable } = watch;
  const { endpoints } = privateLink.state;
  const isActing = parameter.mode === 'enforce';

  function findService(serviceId: string) {
    const [item] = items.read([serviceKey(serviceId)]);
    return item && readService(item);
  }

  const readPolicyItems = (record: Parameters<typeof policyInputKeys>[0]) =>
    indexByKey(items.read(policyInputKeys(record)));

  function checkTrail(item: Item): void {
    const { endpointId, auditCount, auditHead } = readRecord(item);
    const entries = items.page(`AUDIT#${endpointId}`, {}).items;
    const chainBreak = findBreak(entries, { endpointId, auditCount, auditHead });
    assertInvariant(
      'every audit trail is complete',
      !chainBreak,
      `${endpointId} ${chainBreak?.sequence}: ${chainBreak?.problem}`,
    );
  }

  function checkRecord({ endpointId, serviceId, state, pendingEffect, endedAt }: ConnectionRecord): void {
    const service = findService(serviceId);
    const isHeldBack = pendingEffect?.action === 'reject' && service?.pausedAt !== undefined;
    if (isActing)
      assertInvariant(
        'no effect stays pending',
        !pendingEffect || isHeldBack,
        `${pendingEffect?.action} of ${endpointId}`,
      );
    if (!service) return;
    const describedState = endpoints[endpointId]?.state ?? 'deleted';
    assertInvariant(
      'every record has the state that EC2 shows',
      describedState === 'deleted' ? endedAt !== undefined && isEnded(state) : state === describedState,
      `${endpointId} as ${describedState}, not ${state}`,
    );
  }

  function checkEndpoint({ id, state, serviceId }: Endpoint): void {
    if (state === 'deleted' || isUnreadable(id)) return;
    const record = watch.findRecord(id);
    assertInvariant(
      'every record has the state that EC2 shows',
      record !== undefined,
      `${id}, which is ${state}`,
    );
    const registeredAt = findService(serviceId)?.registeredAt;
    if (!record || registeredAt === undefined) return;
    const { verdict, requestedAt } = record;
    assertInvariant(
      'every connection newer than its registration has a verdict',
      verdict !== undefined || requestedAt < registeredAt,
      `${id}, which is ${state}`,
    );
    if (state === 'pendingAcceptance') {
      checkPending(record);
      checkHeldBack(record);
    }
    checkLate(record);
    assertInvariant(
      'a connection that contradicts its verdict has a scheduled disconnect',
      !isConnected(state) || verdict?.outcome !== 'reject' || isInGracePeriod(record) || !isActing,
      `${id}, which is ${state}`,
    );
  }

  /** Whether a scheduled disconnect is in its grace period. */
  function isInGracePeriod({ verdict, revocation }: ConnectionRecord): boolean {
    const then = new Date(now.getTime() - late).toISOString();
    return (
      revocation !== undefined && verdict?.until === revocation.disconnectAt && revocation.disconnectAt > then
    );
  }

  /** Checks that linkgate disconnects a connection that EC2 accepts late, against a pending reject. */
  function checkLate(record: ConnectionRecord): void {
    const { endpointId, serviceId, state } = record;
    const history = watch.findHistory(endpointId);
    const isAcceptRequested = history.some(
      ({ action, outcome, time }) =>
        outcome === 'accept' &&
        (action === 'applying' || action === 'refused') &&
        Date.parse(time) >= watch.replacedAt(),
    );
    const isSettled = history.some(
      ({ action, outcome, reason }) =>
        (action === 'applied' && outcome === 'reject') || reason === deregisteredReason,
    );
    const last = history.findLastIndex(
      ({ findings, action }) =>
        findings &&
        action !== 'disconnect-scheduled' &&
        !findings.some(({ rule }) => rule === 'service-is-paused'),
    );
    // A connection accepted before that decision, or with a scheduled disconnect, has a grace period.
    const wasConnected = history
      .slice(0, last)
      .some(
        ({ action, outcome }) =>
          action === 'disconnect-scheduled' || (action === 'applied' && outcome === 'accept'),
      );
    const isHeldBack = !isActing || findService(serviceId)?.pausedAt !== undefined;
    assertInvariant(
      'a late accept against the verdict is corrected',
      !isConnected(state) ||
        !isAcceptRequested ||
        isSettled ||
        isHeldBack ||
        wasConnected ||
        history[last]?.outcome !== 'reject',
      `${endpointId}, which is ${state}`,
    );
  }

  function checkPending(record: ConnectionRecord): void {
    const { endpointId, verdict, personDecision } = record;
    const policyItems = readPolicyItems(record);
    assertInvariant(
      'every pending connection has a current verdict',
      isVerdictCurrent(verdict, readPolicyInputs(record, policyItems).policyVersions, now),
      endpointId,
    );
    const policy = readOraclePolicy(record, policyItems);
    const expected = expectedAction(record, policy, personDecision, now.getTime());
    const isWaiting = verdict?.outcome === 'ask' || verdict?.outcome === 'hold';
    const isBeyondCount = expected === 'accept' && policy.entries[0]?.maxEndpoints !== undefined;
    const isRejectedLate =
      isBeyondCount && verdict?.outcome === 'reject' && isRejectedOnExpiry(record, policy, now.getTime());
    assertInvariant(
      'a pending connection waits only by policy',
      isWaiting
        ? expected === 'nothing' || isBeyondCount
        : !isActing && (expected === verdict?.outcome || isRejectedLate),
      `${endpointId} is to ${verdict?.outcome}, where policy says ${expected}`,
    );
    if (policy.service?.pausedAt !== undefined)
      assertInvariant(
        'a pending connection waits only by policy',
        verdict?.outcome === 'hold',
        `${endpointId}, as its service is paused`,
      );
  }

  /** Counts the endpoints of an entry; in the mode `observe`, would-be accepts count too. */
  function checkHeldBack(record: ConnectionRecord): void {
    const { endpointId, verdict } = record;
    if (verdict?.outcome !== 'ask' || !isHeldBack(verdict)) return;
    const maxEndpoints = readOraclePolicy(record, readPolicyItems(record)).entries[0]?.maxEndpoints;
    const accountEndpoints = listAccountEndpoints(privateLink.state, record);
    const count = accountEndpoints.filter((each) => isUnreadable(each.id) || isCounted(each)).length;
    assertInvariant(
      'no request waits for its endpoint limit while endpoints are free',
      maxEndpoints !== undefined && count >= maxEndpoints,
      `${endpointId}, of whose account ${count} count, and ${maxEndpoints} may`,
    );
  }

  function checkEndpointQuotas(): void {
    for (const quota of items.page(quotaPartition(provider), {}).items.map(readEndpointQuota)) {
      const { serviceId, ownerAccountId, endpointIds, entryVersion } = quota;
      const requestIdentity = { serviceId, ownerAccountId, endpointId: '' };
      const policy = readOraclePolicy(requestIdentity, readPolicyItems(requestIdentity));
      if (!policy.service || policy.entries[0]?.version !== entryVersion) continue;
      const accountEndpoints = listAccountEndpoints(privateLink.state, quota);
      if (accountEndpoints.some(({ id }) => isUnreadable(id))) continue;
      const countedIds = accountEndpoints.filter(isCounted).map(({ id }) => id);
      const [quotaIds, connectedIds] = [endpointIds, countedIds].map((ids) => [...ids].sort().join(', '));
      assertInvariant(
        'the counted endpoints are the connected ones',
        quotaIds === connectedIds,
        `of ${ownerAccountId} at ${serviceId} ${connectedIds || 'none'}, not ${quotaIds || 'none'}`,
      );
    }
  }

  /** In the mode `observe`, would-be accepts count too. */
  function isCounted({ id, state }: Endpoint): boolean {
    return (
      isConnected(state) ||
      (state === 'pendingAcceptance' && watch.findRecord(id)?.verdict?.outcome === 'accept')
    );
  }

  for (const item of recordPartitions.flatMap((partition) => items.page(partition, {}).items))
    if (isNewerMajor(item))
      assertInvariant('unreadable items are reported', watch.wasReportedUnreadable(item.sk), item.sk);
    else {
      checkTrail(item);
      checkRecord(readRecord(item));
    }
  Object.values(endpoints)
    .filter(({ serviceId }) => findService(serviceId))
    .forEach(checkEndpoint);
  checkEndpointQuotas();
}
