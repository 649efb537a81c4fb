import * as v from 'valibot';
import { type Bus, type ConnectionEvent, toConnectionEvent } from '../connections/connection-event.ts';
import {
  type ConnectionRecord,
  isVerdictCurrent,
  lacksApprovalRequest,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { decideConnected, isReevaluationDue } from '../policy/connected/decide-connected.ts';
import { endpointQuotaKey, hasFreedQuota } from '../policy/endpoint-quota.ts';
import { isHeldBack } from '../policy/held-back.ts';
import { type PolicyInputs, policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Rule } from '../policy/rule.ts';
import { type Connection, isAnswered, isConnected } from '../privatelink/connection.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import type { Table } from '../storage/table.ts';
import { isPaused } from '../verdicts/verdict.ts';

export interface DetectDeps extends Runtime {
  readonly table: Table;
  readonly bus: Bus;
}

/** What was seen in EC2 and what was said of it, in numbers of connections. */
export const ChangeCounts = v.object({
  described: v.number(),
  /** Requests without a current verdict, handed over to be decided. */
  decided: v.number(),
  /** Connections that EC2 shows otherwise than they are remembered. */
  changed: v.number(),
  /** Requests that wait: for a person, or for what stops their service. */
  waiting: v.number(),
  /** Connections to services that are not registered. */
  unregistered: v.number(),
  /** Connections whose record cannot be read, which is reported. */
  unreadable: v.number(),
});
export type ChangeCounts = v.InferOutput<typeof ChangeCounts>;

export function noChanges(): ChangeCounts {
  return { described: 0, decided: 0, changed: 0, waiting: 0, unregistered: 0, unreadable: 0 };
}

/** Adds counts of the same names. */
export function addCounts<Counts extends Readonly<Record<string, number>>>(a: Counts, b: Counts): Counts {
  return Object.fromEntries(
    Object.entries(a).map(([name, count]) => [name, count + (b[name] ?? 0)]),
  ) as Counts;
}

interface DetectOptions {
  /** Also read what verdicts rest on, and hand over requests whose verdict rests on something else than is there now, and what lives and would be decided otherwise. */
  readonly recheckPolicy?: { readonly rules: readonly Rule[] } | undefined;
  /** Hand over what lives, whatever would become of it: its time has come. */
  readonly force?: boolean;
  /** Is shown what is remembered of each connection. */
  readonly onRecord?: (record: ConnectionRecord) => void;
}

/**
 * Compares what EC2 shows with what is remembered, and says on the bus what differs, one event a connection.
 */
export async function detectChanges(
  connections: readonly Connection[],
  deps: DetectDeps,
  { recheckPolicy, force = false, onRecord = () => {} }: DetectOptions = {},
): Promise<ChangeCounts> {
  const found = indexByKey(
    await deps.table.get([
      ...connections.map(({ endpointId }) => recordKey(endpointId)),
      ...connections.map(({ serviceId }) => serviceKey(serviceId)),
      ...(recheckPolicy ? connections.flatMap(policyInputKeys) : []),
    ]),
  );
  const counted = await countedFor(connections, found, deps);
  const observation = { ...noChanges(), described: connections.length };
  const events: ConnectionEvent[] = [];
  const now = deps.now();
  for (const connection of connections) {
    const serviceItem = found.find(serviceKey(connection.serviceId));
    if (!serviceItem) {
      observation.unregistered++;
      continue;
    }
    try {
      const item = found.find(recordKey(connection.endpointId));
      const record = item && readRecord(item);
      if (record) onRecord(record);
      const isOutdated =
        (recheckPolicy !== undefined &&
          (!record ||
            lacksApprovalRequest(record) ||
            !isVerdictCurrent(record.verdict, readPolicyInputs(connection, found).policyVersions, now))) ||
        hasFreedQuota(connection, record?.verdict, counted);
      // Who was faster than linkgate may be wrong: what linkgate would have decided is held beside it.
      const isExternallyAccepted =
        !record &&
        isAnswered(connection.state) &&
        connection.requestedAt >= readService(serviceItem).registeredAt;
      const isToDecide =
        isExternallyAccepted || needsReevaluation(connection, record, found, now, { recheckPolicy, force });
      const request = { type: 'Connection Request', connection, observedAt: now.toISOString() } as const;
      const event = isExternallyAccepted ? undefined : toConnectionEvent(connection, record, now, isOutdated);
      const news = [...(isToDecide ? [request] : []), ...(event ? [event] : [])];
      events.push(...news);
      for (const { type } of news) observation[type === 'Connection Request' ? 'decided' : 'changed']++;
      if (news.length > 0) continue;
      if (connection.state === 'pendingAcceptance' && !record?.pendingEffect) observation.waiting++;
    } catch (error) {
      // One item that this version cannot read keeps nobody else waiting.
      observation.unreadable++;
      deps.reportError(error);
    }
  }
  await deps.bus.publish(events);
  return observation;
}

/** What says whether there is room by now for requests that were held back; mostly there are none. */
async function countedFor(
  connections: readonly Connection[],
  found: ReturnType<typeof indexByKey>,
  { table }: DetectDeps,
): Promise<ReturnType<typeof indexByKey>> {
  const heldBack = connections.filter(({ endpointId, state }) => {
    const item = state === 'pendingAcceptance' ? found.find(recordKey(endpointId)) : undefined;
    // One that cannot be read is reported as it is observed.
    const record = item && parseEach([item], readRecord, () => {})[0];
    return isHeldBack(record?.verdict);
  });
  return indexByKey(
    await table.get(heldBack.flatMap((request) => [endpointQuotaKey(request), ...policyInputKeys(request)])),
  );
}

/** What lives and is known to live: whether something would become of it that its record does not say. */
function needsReevaluation(
  connection: Connection,
  record: ConnectionRecord | undefined,
  found: ReturnType<typeof indexByKey>,
  now: Date,
  {
    recheckPolicy,
    force,
  }: { readonly recheckPolicy: DetectOptions['recheckPolicy']; readonly force: boolean },
): boolean {
  if (!isConnected(connection.state) || (record && !isConnected(record.state))) return false;
  if (record && force) return true;
  if (!recheckPolicy) return false;
  const { service, entries, unreadable, ...policyInputs }: PolicyInputs = readPolicyInputs(connection, found);
  // What was never decided is left as it is until the items can be read.
  if (unreadable.length > 0) return record?.verdict !== undefined && !isPaused(record.verdict);
  if (!service) return false;
  // How many endpoints count is for the decision to find out.
  const policy = { service, entries, countedEndpointIds: [], rules: recheckPolicy.rules };
  const context = { ...policyInputs, now };
  // What was there first is only looked at, unless somebody commands that it is cut.
  if (!record) return decideConnected(connection, undefined, policy, context).revocation !== undefined;
  return isReevaluationDue(connection, record, policy, policyInputs.policyVersions, context);
}
