import * as v from 'valibot';
import { type Bus, type ConnectionEvent, toConnectionEvent } from '../connections/connection-event.ts';
import {
  type ConnectionRecord,
  isVerdictCurrent,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { decideConnected, isReevaluationDue } from '../policy/connected/decide-connected.ts';
import { endpointQuotaKey, hasFreedQuota } from '../policy/endpoint-quota.ts';
import { isHeldBack } from '../policy/held-back.ts';
import { type PolicyInputs, policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Rule } from '../policy/rule.ts';
import { type Connection, isAnswered, isConnected } from '../privatelink/connection.ts';
import { readService, serviceKey } from '../services/service.ts';
import { type ItemIndex, indexByKey, parseEach } from '../storage/entity.ts';
import type { Item, TableDeps } from '../storage/table.ts';
import { isPaused } from '../verdicts/verdict.ts';

export interface DetectDeps extends TableDeps {
  readonly bus: Bus;
}

/** The numbers of described connections and of published events. */
export const ChangeCounts = v.object({
  described: v.number(),
  /** Connections without a current verdict, published as requests. */
  decided: v.number(),
  /** Connections whose state in EC2 differs from the record. */
  changed: v.number(),
  /** Requests that wait for a person or are on hold. */
  waiting: v.number(),
  /** Connections to services that are not registered. */
  unregistered: v.number(),
  /** Connections with an unreadable record, which linkgate reports. */
  unreadable: v.number(),
});
export type ChangeCounts = v.InferOutput<typeof ChangeCounts>;

export function noChanges(): ChangeCounts {
  return { described: 0, decided: 0, changed: 0, waiting: 0, unregistered: 0, unreadable: 0 };
}

/** Adds up counts by name. */
export function addCounts<Counts extends Readonly<Record<string, number>>>(
  a: Counts,
  b: Partial<Counts>,
): Counts {
  return Object.fromEntries(
    Object.entries(a).map(([name, count]) => [name, count + (b[name] ?? 0)]),
  ) as Counts;
}

interface DetectOptions {
  /**
   * Compares policy versions too, and publishes requests with an outdated verdict and connected endpoints with a different
   * outcome.
   */
  readonly recheckPolicy?: { readonly rules: readonly Rule[] } | undefined;
  /** Publishes connected endpoints in any case, because their scheduled re-evaluation is due. */
  readonly force?: boolean;
  /** Receives the record of each connection. */
  readonly onRecord?: (record: ConnectionRecord) => void;
}

/** Compares the connections in EC2 with their records, and publishes an event for each difference. */
export async function detectChanges(
  connections: readonly Connection[],
  deps: DetectDeps,
  { recheckPolicy, force = false, onRecord = () => {} }: DetectOptions = {},
): Promise<ChangeCounts> {
  const itemIndex = indexByKey(
    await deps.table.get([
      ...connections.map(({ endpointId }) => recordKey(endpointId)),
      ...connections.map(({ serviceId }) => serviceKey(serviceId)),
      ...(recheckPolicy ? connections.flatMap(policyInputKeys) : []),
    ]),
  );
  const inputs: ChangeInputs = {
    itemIndex,
    heldBackInputs: await readHeldBackInputs(connections, itemIndex, deps),
    now: deps.now(),
    recheckPolicy,
    force,
  };
  const counts = { ...noChanges(), described: connections.length };
  const events: ConnectionEvent[] = [];
  for (const connection of connections) {
    const serviceItem = itemIndex.find(serviceKey(connection.serviceId));
    if (!serviceItem) {
      counts.unregistered++;
      continue;
    }
    try {
      const item = itemIndex.find(recordKey(connection.endpointId));
      const record = item && readRecord(item);
      if (record) onRecord(record);
      const changes = compareConnection(connection, record, serviceItem, inputs);
      events.push(...changes);
      for (const { type } of changes) counts[type === 'Connection Request' ? 'decided' : 'changed']++;
      if (changes.length === 0 && connection.state === 'pendingAcceptance' && !record?.pendingEffect)
        counts.waiting++;
    } catch (error) {
      // An unreadable item does not stop the other connections.
      counts.unreadable++;
      deps.reportError(error, 'detect changes');
    }
  }
  await deps.bus.publish(events);
  return counts;
}

interface ChangeInputs extends Pick<DetectOptions, 'recheckPolicy'> {
  readonly itemIndex: ItemIndex;
  /** The quotas and policy of held back requests. */
  readonly heldBackInputs: ItemIndex;
  readonly now: Date;
  readonly force: boolean;
}

/** Compares a connection that EC2 shows with its record and, for `recheckPolicy`, with the policy. */
function compareConnection(
  connection: Connection,
  record: ConnectionRecord | undefined,
  serviceItem: Item,
  inputs: ChangeInputs,
): ConnectionEvent[] {
  const { now } = inputs;
  const request = { type: 'Connection Request', connection, observedAt: now.toISOString() } as const;
  // Somebody answered outside linkgate: linkgate still decides, so that the difference is visible.
  const isExternallyAccepted =
    !record &&
    isAnswered(connection.state) &&
    connection.requestedAt >= readService(serviceItem).registeredAt;
  if (isExternallyAccepted) return [request];
  const event = toConnectionEvent(connection, record, now, isPolicyChanged(connection, record, inputs));
  return [...(needsReevaluation(connection, record, inputs) ? [request] : []), ...(event ? [event] : [])];
}

/** Whether the verdict of a request depends on other policy versions than the current ones, or its quota is free now. */
function isPolicyChanged(
  connection: Connection,
  record: ConnectionRecord | undefined,
  { itemIndex, heldBackInputs, now, recheckPolicy }: ChangeInputs,
): boolean {
  if (hasFreedQuota(connection, record?.verdict, heldBackInputs)) return true;
  if (recheckPolicy === undefined) return false;
  const { policyVersions } = readPolicyInputs(connection, itemIndex);
  return !isVerdictCurrent(record?.verdict, policyVersions, now);
}

/** Reads the endpoint quotas of held back requests. */
async function readHeldBackInputs(
  connections: readonly Connection[],
  itemIndex: ItemIndex,
  { table }: DetectDeps,
): Promise<ItemIndex> {
  const heldBackRequests = connections.filter(({ endpointId, state }) => {
    const item = state === 'pendingAcceptance' ? itemIndex.find(recordKey(endpointId)) : undefined;
    // detectChanges reports an unreadable record.
    const record = item && parseEach([item], readRecord, () => {})[0];
    return isHeldBack(record?.verdict);
  });
  return indexByKey(
    await table.get(
      heldBackRequests.flatMap((request) => [endpointQuotaKey(request), ...policyInputKeys(request)]),
    ),
  );
}

/** Whether linkgate has to decide a connected endpoint again, because policy would decide differently from its record. */
function needsReevaluation(
  connection: Connection,
  record: ConnectionRecord | undefined,
  { itemIndex, now, recheckPolicy, force }: ChangeInputs,
): boolean {
  if (!isConnected(connection.state) || (record && !isConnected(record.state))) return false;
  if (record && force) return true;
  if (!recheckPolicy) return false;
  const { service, entries, unreadable, ...policyInputs }: PolicyInputs = readPolicyInputs(
    connection,
    itemIndex,
  );
  // An endpoint without a verdict waits until the items are readable.
  if (unreadable.length > 0) return record?.verdict !== undefined && !isPaused(record.verdict);
  if (!service) return false;
  // The decision counts the endpoints itself.
  const policy = { service, entries, countedEndpointIds: [], rules: recheckPolicy.rules };
  const context = { ...policyInputs, now };
  // Only an explicit order changes a connection from before the registration.
  if (!record) return decideConnected(connection, undefined, policy, context).revocation !== undefined;
  return isReevaluationDue(connection, record, policy, policyInputs.policyVersions, context);
}
