import { isDeepStrictEqual } from 'node:util';
import { readRecord, readRecordsById, recordKey } from '../../connections/connection-record.ts';
import {
  countsTowardQuota,
  type EndpointQuota,
  quotaPartition,
  quotaWrite,
  readEndpointQuota,
} from '../../policy/endpoint-quota.ts';
import { type HeldBackRequest, isHeldBack, updateWaitingLine } from '../../policy/held-back.ts';
import { type Connection, isConnected } from '../../privatelink/connection.ts';
import { type DetectDeps, detectChanges } from '../../reconcile/detect-changes.ts';
import { parseEach } from '../../storage/entity.ts';
import type { Sweep, SweepStep } from '../sweep.ts';

/**
 * Repairs the endpoint quotas of a location: the endpoints that count, and the requests that the limit holds back. Re-evaluates
 * the requests of an account with a changed quota.
 */
export function createQuotasStep({ location, startedAt }: Sweep, deps: DetectDeps): SweepStep {
  /** The connections of each account at a service that has an endpoint quota. */
  const connectionsByQuota = new Map<string, Connection[]>();

  async function* listQuotas(): AsyncGenerator<EndpointQuota> {
    for await (const page of deps.table.query(quotaPartition(location)))
      yield* parseEach(page, readEndpointQuota, deps.reportError);
  }

  /** @returns whether the stored quota was wrong. */
  async function repairQuota(
    storedQuota: EndpointQuota,
    accountConnections: readonly Connection[],
  ): Promise<boolean> {
    const endpointIds = await recomputeQuotaEndpoints(accountConnections, storedQuota, startedAt, deps);
    const heldBack = await recomputeHeldBack(accountConnections, storedQuota, startedAt, deps);
    if (!endpointIds && !heldBack) return false;
    const corrected = { ...storedQuota, ...(endpointIds && { endpointIds }), ...(heldBack && { heldBack }) };
    return deps.table.write([quotaWrite(storedQuota, corrected)]);
  }

  return {
    async start() {
      for await (const { serviceId, ownerAccountId } of listQuotas())
        connectionsByQuota.set(`${serviceId} ${ownerAccountId}`, []);
      return undefined;
    },
    async onPage({ connections }) {
      for (const connection of connections)
        connectionsByQuota.get(`${connection.serviceId} ${connection.ownerAccountId}`)?.push(connection);
      return undefined;
    },
    async finish() {
      const counts = { quotasRepaired: 0, decided: 0 };
      for await (const storedQuota of listQuotas()) {
        const { serviceId, ownerAccountId } = storedQuota;
        const accountConnections = connectionsByQuota.get(`${serviceId} ${ownerAccountId}`);
        if (!accountConnections || !(await repairQuota(storedQuota, accountConnections))) continue;
        counts.quotasRepaired++;
        const pendingRequests = accountConnections.filter(({ state }) => state === 'pendingAcceptance');
        counts.decided += (await detectChanges(pendingRequests, deps)).decided;
      }
      return counts;
    },
  };
}

/**
 * Recomputes the requests that the limit holds back: EC2 lists them as pending acceptance, and their verdict names the limit.
 * @returns undefined when the stored list is correct.
 */
async function recomputeHeldBack(
  accountConnections: readonly Connection[],
  { heldBack = [] }: EndpointQuota,
  startedAt: string,
  { table, reportError }: DetectDeps,
): Promise<HeldBackRequest[] | undefined> {
  const pendingRequests = accountConnections.filter(({ state }) => state === 'pendingAcceptance');
  const keys = [...pendingRequests, ...heldBack].map(({ endpointId }) => recordKey(endpointId));
  const records = parseEach(await table.get(keys), readRecord, reportError).filter(({ verdict }) =>
    isHeldBack(verdict),
  );
  const heldBackIds = new Set(records.map(({ endpointId }) => endpointId));
  const isListed = (id: string) => pendingRequests.some(({ endpointId }) => endpointId === id);
  const corrected = [
    ...pendingRequests,
    ...heldBack.filter(({ endpointId, requestedAt }) => !isListed(endpointId) && requestedAt >= startedAt),
  ]
    .filter(({ endpointId }) => heldBackIds.has(endpointId))
    .reduce<HeldBackRequest[]>((line, each) => updateWaitingLine(line, each, true), []);
  return isDeepStrictEqual(corrected, heldBack) ? undefined : corrected;
}

/**
 * Recomputes the endpoints that count. If the quota differs from EC2's list, the record decides, because decisions continue
 * during the sweep.
 * @returns undefined if the stored list is correct.
 */
async function recomputeQuotaEndpoints(
  accountConnections: readonly Connection[],
  storedQuota: EndpointQuota,
  startedAt: string,
  { table, now, reportError }: DetectDeps,
): Promise<string[] | undefined> {
  const listedStates = new Map(accountConnections.map(({ endpointId, state }) => [endpointId, state]));
  const connectedIds = accountConnections
    .filter(({ state }) => isConnected(state))
    .map(({ endpointId }) => endpointId);
  const doubtful = storedQuota.endpointIds.filter((id) => !connectedIds.includes(id));
  const lacking = connectedIds.filter((id) => !storedQuota.endpointIds.includes(id));
  const items = await table.get([...doubtful, ...lacking].map(recordKey));
  const records = readRecordsById(items, reportError);
  const recordedIds = new Set(items.map(({ sk }) => sk));
  const time = now();
  const doesCount = (id: string) => {
    const record = records.get(id);
    // A record that linkgate observed after the sweep began is newer than EC2's list.
    const state = (record?.observedAt ?? '') >= startedAt ? record?.state : listedStates.get(id);
    return countsTowardQuota(state, record ?? (recordedIds.has(id) ? 'unreadable' : undefined), time);
  };
  const isRecent = (id: string) => (records.get(id)?.requestedAt ?? '') >= startedAt;
  const remove = doubtful.filter((id) => !isRecent(id) && !doesCount(id));
  const add = lacking.filter(doesCount);
  if (remove.length === 0 && add.length === 0) return undefined;
  return [...storedQuota.endpointIds.filter((id) => !remove.includes(id)), ...add];
}
