import * as v from 'valibot';
import { effectiveEntry } from '../allowlist/effective-entry.ts';
import { readAuditTrail } from '../audit/audit.ts';
import { type ConnectionRecord, pickConnection, readRecord } from '../connections/connection-record.ts';
import { listEarlierConnections } from '../connections/indexes.ts';
import { listRecords, RecordCursor } from '../connections/list-records.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { decide } from '../policy/decide.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Rule } from '../policy/rule.ts';
import { isConnected } from '../privatelink/connection.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { decodeCursor, nextPageFields } from '../storage/cursor.ts';
import { formatKey, type ItemIndex, indexByKey, parseEach } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import { Outcome, primaryReason } from '../verdicts/verdict.ts';
import { overlayChanges } from './apply-change.ts';
import { changeKey, isApplicable, type PolicyChange } from './change.ts';
import { overlayTable } from './overlay-table.ts';
import { type Plan, readPlanChanges } from './plan.ts';

/** A recorded request with a different outcome under the policy. */
export const ChangedVerdict = v.object({
  endpointId: v.string(),
  service: v.string(),
  ownerAccountId: v.string(),
  requestedAt: v.string(),
  /** linkgate's first verdict. */
  was: Outcome,
  would: Outcome,
  reason: v.string(),
});
export type ChangedVerdict = v.InferOutput<typeof ChangedVerdict>;

interface SimulateDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly table: Table;
  readonly hub: AccountRegion;
  readonly rules: readonly Rule[];
  readonly caller: string;
}

/** The maximum age of a simulated request, in milliseconds. */
const simulatedSpanMs = 90 * 86_400_000;
const recordsPerPage = 100;
/** The number of audit trails that the simulation reads at once. */
const maxParallelTrails = 10;
/** The maximum number of an account's earlier connections that count towards its limit in a simulation. */
const maxEarlierEndpoints = 100;

/**
 * Decides a page of recorded requests that the plan's policy covers, each at its own time, with the allowlist after the plan.
 * Ignores pauses.
 */
export async function simulate(
  plan: Plan,
  token: string | undefined,
  deps: SimulateDeps,
): Promise<{ requests: ChangedVerdict[]; looked: number; nextToken?: string }> {
  const { table, hub, now, reportError, caller } = deps;
  const list = `simulation ${plan.planId}`;
  const start = decodeCursor(list, token, RecordCursor, { partition: 0 });
  const since = new Date(now().getTime() - simulatedSpanMs).toISOString();
  const isRecent = ({ requestedAt }: Item) => String(requestedAt) >= since;
  const { records: items, next } = await listRecords(start, recordsPerPage, table, isRecent);
  const records = parseEach(items, readRecord, reportError);

  const changes = await readPlanChanges(plan, table);
  const overlay = overlayChanges(changes, { by: caller, now: now() }, hub);
  const after = indexByKey(await overlayTable(table, overlay).get(records.flatMap(policyInputKeys)));
  const requests: ChangedVerdict[] = [];
  let looked = 0;
  const declaredKeys = listDeclaredKeys(changes);
  const concerned = records.filter((record) =>
    policyInputKeys(record).some((key) => isAffectedKey(key, declaredKeys, after)),
  );
  for (const some of chunks(concerned, maxParallelTrails)) {
    const verdicts = await Promise.all(some.map((record) => compareVerdicts(record, after, deps)));
    for (const both of verdicts.filter((each) => each !== undefined)) {
      looked++;
      if (both.was !== both.would) requests.push(both);
    }
  }
  return { requests, looked, ...nextPageFields(list, next) };
}

/** Lists the keys of all items that the file names, including those of other managers. */
function listDeclaredKeys(changes: readonly PolicyChange[]): ReadonlySet<string> {
  return new Set(
    changes.flatMap((change) =>
      change.kind !== 'principal' && (isApplicable(change) || change.after)
        ? formatKey(changeKey(change))
        : [],
    ),
  );
}

function isAffectedKey(key: Key, declaredKeys: ReadonlySet<string>, after: ItemIndex): boolean {
  return declaredKeys.has(formatKey(key)) || after.find(key)?.managedBy === 'file';
}

/** @returns undefined if linkgate did not decide it, or if the policy does not have its service. */
async function compareVerdicts(
  record: ConnectionRecord,
  after: ItemIndex,
  deps: SimulateDeps,
): Promise<ChangedVerdict | undefined> {
  const { endpointId, ownerAccountId, requestedAt } = record;
  const { service, entries, unreadable } = readPolicyInputs(record, after);
  for (const error of unreadable) deps.reportError(error, 'read item');
  if (!service || unreadable.length > 0) return undefined;
  const was = (await readAuditTrail(endpointId, deps.table, deps.reportError)).find(
    ({ action }) => action === 'decided',
  )?.outcome;
  if (!was) return undefined;
  const { pausedAt: _pausedAt, ...running } = service;
  const isCounted = effectiveEntry({ entries })?.maxEndpoints !== undefined;
  const countedEndpointIds = isCounted ? await endpointIdsCountedThen(record, deps) : [];
  const request = { ...pickConnection(record), state: 'pendingAcceptance' as const };
  const policy = { service: running, entries, countedEndpointIds, rules: deps.rules };
  const verdict = decide(request, policy, undefined, new Date(requestedAt));
  const { outcome: would } = verdict;
  return {
    endpointId,
    service: service.name,
    ownerAccountId,
    requestedAt,
    was,
    would,
    reason: primaryReason(verdict),
  };
}

/** Lists the account's endpoints that counted at the time of the request, from the records. */
async function endpointIdsCountedThen(record: ConnectionRecord, deps: SimulateDeps): Promise<string[]> {
  const earlier = await listEarlierConnections(record, maxEarlierEndpoints, deps);
  return earlier
    .filter(({ state, verdict, acceptRequestedAt }) =>
      [isConnected(state), verdict?.outcome === 'accept', acceptRequestedAt !== undefined].includes(true),
    )
    .filter(({ endedAt }) => endedAt === undefined || endedAt > record.requestedAt)
    .map(({ endpointId }) => endpointId);
}
