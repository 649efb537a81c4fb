import * as v from 'valibot';
import type { AccountRegion } from '../locations/account-region.ts';
import { policyInputKeys } from '../policy/policy-inputs.ts';
import { type Connection, ConnectionState, isConnected } from '../privatelink/connection.ts';
import {
  type DecideDeps,
  type DecideResult,
  decideConnection,
  decisionKeys,
} from '../reconcile/decide-connections.ts';
import { readService, serviceKey } from '../services/service.ts';
import { formatKey, omitUnreadable, parseEach } from '../storage/entity.ts';
import type { Table } from '../storage/table.ts';
import { primaryReason } from '../verdicts/verdict.ts';
import type { ChangeAuthor } from './apply-change.ts';
import type { PolicyChange } from './change.ts';
import { overlayTable } from './overlay-table.ts';
import { changesByKey, previewItems } from './preview-items.ts';

/** The impact of a plan on one connection. */
export const Impact = v.object({
  /**
   * `stays`: without the plan linkgate would disconnect it or request approval. `disconnect-later`: at the end of its grace
   * period.
   */
  effect: v.picklist(['disconnect', 'disconnect-later', 'accept', 'reject', 'ask', 'stays', 'hold']),
  endpointId: v.string(),
  /** The service's own name. */
  service: v.string(),
  serviceId: v.string(),
  ownerAccountId: v.string(),
  state: ConnectionState,
  reason: v.string(),
  /** ISO 8601: the time of the disconnect. */
  at: v.exactOptional(v.string()),
});
export type Impact = v.InferOutput<typeof Impact>;

/** The outcome for a connection, before or after the changes. */
type ImpactOutcome = Pick<Impact, 'effect' | 'reason' | 'at'>;

export interface ImpactDeps extends DecideDeps {
  readonly hub: AccountRegion;
  /** Milliseconds until the end of this run. */
  readonly remainingMs: () => number;
}

/** The time that a run reserves, in milliseconds. */
const impactReserveMs = 12_000;

/**
 * Computes the impact of changes on connections: decides each connection twice with the production code, on the table before and
 * after the changes, and writes no item. Decides one after another, because connections share endpoint quotas.
 * @returns the number of connections that it decided in time.
 */
export async function computeImpact(
  connections: readonly Connection[],
  changes: readonly PolicyChange[],
  author: ChangeAuthor,
  deps: ImpactDeps,
): Promise<{ readonly effects: Impact[]; readonly looked: number }> {
  const { touched, now, after } = await previewTouched(connections, changes, author, deps);
  const currentTable = overlayTable(deps.table, now);
  const tableAfter = overlayTable(deps.table, after);
  const effects: Impact[] = [];
  for (const [index, connection] of connections.entries()) {
    if (index > 0 && deps.remainingMs() < impactReserveMs) return { effects, looked: index };
    if (!touched.has(connection)) continue;
    const dryRun = { ...deps, now: () => author.now, applyQueue: { enqueue: async () => {} } };
    const computeImpact = async (table: Table) =>
      classifyImpact(connection, await decideConnection(connection, { ...dryRun, table }));
    // The impact on a connection with an unreadable input is unknown.
    const impactNow = await computeImpact(currentTable).catch(omitUnreadable(deps.reportError));
    const impactAfter = await computeImpact(tableAfter).catch(omitUnreadable(deps.reportError));
    if (!impactNow || !impactAfter || !differsInImpact(impactNow, impactAfter)) continue;
    const key = formatKey(serviceKey(connection.serviceId));
    const service = after.get(key) ?? now.get(key);
    const { endpointId, serviceId, ownerAccountId, state } = connection;
    const [storedService] = parseEach(service ? [service] : [], readService, deps.reportError);
    const name = storedService?.name ?? serviceId;
    effects.push({ ...impactAfter, endpointId, service: name, serviceId, ownerAccountId, state });
  }
  return { effects, looked: connections.length };
}

/** Selects the connections that a change may affect, and reads all inputs of their decisions. */
async function previewTouched(
  connections: readonly Connection[],
  changes: readonly PolicyChange[],
  author: ChangeAuthor,
  deps: ImpactDeps,
) {
  const changeByKey = changesByKey(changes);
  const touched = connections
    .filter(({ state }) => state === 'pendingAcceptance' || isConnected(state))
    .filter((connection) => policyInputKeys(connection).some((key) => changeByKey.has(formatKey(key))));
  const items = await previewItems(touched.flatMap(decisionKeys), changeByKey, author, deps);
  return { touched: new Set(touched), ...items };
}

function classifyImpact(connection: Connection, decision: DecideResult): ImpactOutcome {
  const { state } = connection;
  const verdict = 'isNew' in decision ? decision.record.verdict : undefined;
  if (!verdict) return unmanagedImpact(connection);
  const { outcome, until } = verdict;
  const reason = primaryReason(verdict);
  if (!isConnected(state) || outcome === 'ask' || outcome === 'hold') return { effect: outcome, reason };
  if (outcome === 'accept') return { effect: 'stays', reason };
  return until === undefined
    ? { effect: 'disconnect', reason }
    : { effect: 'disconnect-later', reason, at: until };
}

/** Returns the outcome at an unregistered service. */
function unmanagedImpact({ state }: Connection): ImpactOutcome {
  const reason = 'its service is not registered then, so linkgate does not decide it';
  return { effect: isConnected(state) ? 'stays' : 'hold', reason };
}

function differsInImpact(was: ImpactOutcome, would: ImpactOutcome): boolean {
  return was.effect !== would.effect || was.at !== would.at;
}
