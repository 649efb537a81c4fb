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
import type { Items } from '../doubles/memory-table.ts';
import type { Aws } from './aws.ts';
import type { Watch } from './invariant-checks/index.ts';
import { isNewerMajor } from './mixed-versions.ts';
import { expectedAction, isRejectedOnExpiry, readOraclePolicy } from './policy-oracle.ts';

/** The reason with which a deregistration drops a pending effect. */
const deregisteredReason = 'the service is no longer registered';

/**
 * Checks the final state after all faults have ended and all work is done.
 * @param late the maximum delay of due work, in milliseconds.
 */
export function checkFinalState(
  { privateLink, provider, parameter }: Aws,
  items: Items,
  watch: Watch,
  now: Date,
  late: number,
): void {
  const { mustHold, isUnreadable } = watch;
  const { endpoints } = privateLink.state;
  const isActing = parameter.mode === 'enforce';

  function serviceOf(serviceId: string) {
    const [item] = items.read([serviceKey(serviceId)]);
    return item && readService(item);
  }

  const policyOf = (record: Parameters<typeof policyInputKeys>[0]) =>
    indexByKey(items.read(policyInputKeys(record)));

  function checkTrail(item: Item): void {
    const { endpointId, auditCount, auditHead } = readRecord(item);
    const entries = items.page(`AUDIT#${endpointId}`, {}).items;
    const found = findBreak(entries, { endpointId, auditCount, auditHead });
    mustHold('every audit trail is complete', !found, `${endpointId} ${found?.sequence}: ${found?.problem}`);
  }

  function checkRecord({ endpointId, serviceId, state, pendingEffect, endedAt }: ConnectionRecord): void {
    const service = serviceOf(serviceId);
    const isHeldBack = pendingEffect?.action === 'reject' && service?.pausedAt !== undefined;
    if (isActing)
      mustHold(
        'no effect stays pending',
        !pendingEffect || isHeldBack,
        `${pendingEffect?.action} of ${endpointId}`,
      );
    if (!service) return;
    const shown = endpoints[endpointId]?.state ?? 'deleted';
    mustHold(
      'every record has the state that EC2 shows',
      shown === 'deleted' ? endedAt !== undefined && isEnded(state) : state === shown,
      `${endpointId} as ${shown}, not ${state}`,
    );
  }

  function checkEndpoint({ id, state, serviceId }: Endpoint): void {
    if (state === 'deleted' || isUnreadable(id)) return;
    const record = watch.recordOf(id);
    mustHold('every record has the state that EC2 shows', record !== undefined, `${id}, which is ${state}`);
    const registeredAt = serviceOf(serviceId)?.registeredAt;
    if (!record || registeredAt === undefined) return;
    const { verdict, requestedAt } = record;
    mustHold(
      'every connection newer than its registration has a verdict',
      verdict !== undefined || requestedAt < registeredAt,
      `${id}, which is ${state}`,
    );
    if (state === 'pendingAcceptance') {
      checkPending(record);
      checkHeldBack(record);
    }
    checkLate(record);
    mustHold(
      'no connection contradicts its verdict unnoticed',
      !isConnected(state) || verdict?.outcome !== 'reject' || isToBeCut(record) || !isActing,
      `${id}, which is ${state}`,
    );
  }

  /** Whether a scheduled disconnect is in its grace period. */
  function isToBeCut({ verdict, revocation }: ConnectionRecord): boolean {
    const then = new Date(now.getTime() - late).toISOString();
    return (
      revocation !== undefined && verdict?.until === revocation.disconnectAt && revocation.disconnectAt > then
    );
  }

  /** A late accept by EC2 against a pending reject has to be disconnected. */
  function checkLate(record: ConnectionRecord): void {
    const { endpointId, serviceId, state } = record;
    const history = watch.historyOf(endpointId);
    const isAsked = history.some(
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
    const hasLived = history
      .slice(0, last)
      .some(
        ({ action, outcome }) =>
          action === 'disconnect-scheduled' || (action === 'applied' && outcome === 'accept'),
      );
    const isHeldBack = !isActing || serviceOf(serviceId)?.pausedAt !== undefined;
    mustHold(
      'a late accept against the verdict is corrected',
      !isConnected(state) ||
        !isAsked ||
        isSettled ||
        isHeldBack ||
        hasLived ||
        history[last]?.outcome !== 'reject',
      `${endpointId}, which is ${state}`,
    );
  }

  function checkPending(record: ConnectionRecord): void {
    const { endpointId, verdict, approval } = record;
    const found = policyOf(record);
    mustHold(
      'every pending connection has a current verdict',
      isVerdictCurrent(verdict, readPolicyInputs(record, found).policyVersions, now),
      endpointId,
    );
    const said = readOraclePolicy(record, found);
    const may = expectedAction(record, said, approval, now.getTime());
    const isWaiting = verdict?.outcome === 'ask' || verdict?.outcome === 'hold';
    const isBeyondCount = may === 'accept' && said.entries[0]?.maxEndpoints !== undefined;
    const isRejectedLate =
      isBeyondCount && verdict?.outcome === 'reject' && isRejectedOnExpiry(record, said, now.getTime());
    mustHold(
      'a pending connection waits only by policy',
      isWaiting
        ? may === 'nothing' || isBeyondCount
        : !isActing && (may === verdict?.outcome || isRejectedLate),
      `${endpointId} is to ${verdict?.outcome}, where policy says ${may}`,
    );
    if (said.service?.pausedAt !== undefined)
      mustHold(
        'a pending connection waits only by policy',
        verdict?.outcome === 'hold',
        `${endpointId}, as its service is paused`,
      );
  }

  /** Counts the endpoints of an entry; in the mode `observe`, would-be accepts count too. */
  function checkHeldBack({ endpointId, serviceId, ownerAccountId, verdict }: ConnectionRecord): void {
    if (verdict?.outcome !== 'ask' || !isHeldBack(verdict)) return;
    const whose = { serviceId, ownerAccountId, endpointId };
    const most = readOraclePolicy(whose, policyOf(whose)).entries[0]?.maxEndpoints;
    const theirs = Object.values(endpoints).filter(
      (each) => each.serviceId === serviceId && each.accountId === ownerAccountId,
    );
    const counted = theirs.filter((each) => isUnreadable(each.id) || counts(each)).length;
    mustHold(
      'no request waits for its count while endpoints are free',
      most !== undefined && counted >= most,
      `${endpointId}, of whose account ${counted} count, and ${most} may`,
    );
  }

  function checkCounted(): void {
    for (const { serviceId, accountId, endpointIds, entryVersion } of items
      .page(quotaPartition(provider), {})
      .items.map(readEndpointQuota)) {
      const whose = { serviceId, ownerAccountId: accountId, endpointId: '' };
      const said = readOraclePolicy(whose, policyOf(whose));
      if (!said.service || said.entries[0]?.version !== entryVersion) continue;
      const theirs = Object.values(endpoints).filter(
        (each) => each.serviceId === serviceId && each.accountId === accountId,
      );
      if (theirs.some(({ id }) => isUnreadable(id))) continue;
      const [counted, living] = [endpointIds, theirs.filter(counts).map(({ id }) => id)].map((ids) =>
        [...ids].sort().join(', '),
      );
      mustHold(
        'the counted endpoints are the connected ones',
        counted === living,
        `of ${accountId} at ${serviceId} ${living || 'none'}, not ${counted || 'none'}`,
      );
    }
  }

  /** In the mode `observe`, would-be accepts count too. */
  function counts({ id, state }: Endpoint): boolean {
    return (
      isConnected(state) ||
      (state === 'pendingAcceptance' && watch.recordOf(id)?.verdict?.outcome === 'accept')
    );
  }

  for (const item of recordPartitions.flatMap((partition) => items.page(partition, {}).items))
    if (isNewerMajor(item))
      mustHold('unreadable items are reported', watch.wasReportedUnreadable(item.sk), item.sk);
    else {
      checkTrail(item);
      checkRecord(readRecord(item));
    }
  Object.values(endpoints)
    .filter(({ serviceId }) => serviceOf(serviceId))
    .forEach(checkEndpoint);
  checkCounted();
}
