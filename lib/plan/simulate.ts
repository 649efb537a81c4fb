import * as v from 'valibot';
import { historyOf } from '../audit/audit.ts';
import { chunks } from '../chunks.ts';
import { recordsBefore } from '../connection/account-history.ts';
import { isLive } from '../connection/connection.ts';
import { type ConnectionRecord, connectionOf, readRecord } from '../connection/connection-record.ts';
import { pageOfRecords, RecordPosition } from '../connection/record-pages.ts';
import type { Invocation } from '../invocation.ts';
import { pageToken, positionIn } from '../page-token.ts';
import type { Place } from '../place.ts';
import { consult, policyKeys } from '../policy/consult.ts';
import { decide, reasonOf } from '../policy/decide.ts';
import { entryThatCounts, Outcome, type Rule } from '../policy/rule.ts';
import { keyName, readEach } from '../table/item.ts';
import type { Item, Key, Table } from '../table/table.ts';
import { type Items, itemsAfter, madeByKey } from './after.ts';
import { type Change, isMade, keyOfChange } from './change.ts';
import type { Hand } from './made.ts';
import { changesOf, type Plan } from './plan.ts';

/** A recorded request that the policy would have decided otherwise. */
export const OtherVerdict = v.object({
  endpointId: v.string(),
  service: v.string(),
  ownerAccountId: v.string(),
  requestedAt: v.string(),
  /** What linkgate's policy said of it first. */
  was: Outcome,
  would: Outcome,
  reason: v.string(),
});
export type OtherVerdict = v.InferOutput<typeof OtherVerdict>;

interface Simulating extends Pick<Invocation, 'now' | 'report'> {
  readonly table: Table;
  readonly hub: Place;
  readonly rules: readonly Rule[];
  readonly caller: string;
}

/** How far back requests are looked at, in milliseconds. */
const span = 90 * 86_400_000;
const recordsPerPage = 100;
/** How many histories are read at once. */
const atOnce = 10;
/** How many of an account's earlier connections are looked at where its entry counts them. */
const earlierOnes = 100;

/**
 * Runs a plan's policy over a page of the recorded requests of which it speaks: each as if it came anew at the time at which it
 * came, by the allowlist as the plan leaves it. Pauses are no part of a policy.
 */
export async function simulate(
  plan: Plan,
  token: string | undefined,
  deps: Simulating,
): Promise<{ requests: OtherVerdict[]; looked: number; nextToken?: string }> {
  const { table, now, report, caller } = deps;
  const list = `simulation ${plan.planId}`;
  const start = token === undefined ? { partition: 0 } : positionIn(list, token, RecordPosition);
  const since = new Date(now().getTime() - span).toISOString();
  const isRecent = ({ requestedAt }: Item) => String(requestedAt) >= since;
  const { records: items, next } = await pageOfRecords(start, recordsPerPage, table, isRecent);
  const records = readEach(items, readRecord, report);

  const changes = await changesOf(plan, table);
  const made = madeByKey(changes);
  const { after } = await itemsAfter(
    records.flatMap(policyKeys),
    made,
    { by: caller, now: now() } satisfies Hand,
    deps,
  );
  const requests: OtherVerdict[] = [];
  let looked = 0;
  const spoken = spokenOf(changes);
  const concerned = records.filter((record) =>
    policyKeys(record).some((key) => isSpokenOf(key, spoken, after)),
  );
  for (const some of chunks(concerned, atOnce)) {
    const verdicts = await Promise.all(some.map((record) => verdictsOf(record, after, deps)));
    for (const both of verdicts.filter((each) => each !== undefined)) {
      looked++;
      if (both.was !== both.would) requests.push(both);
    }
  }
  return { requests, looked, ...(next && { nextToken: pageToken(list, next) }) };
}

/** The keys of what a plan's file speaks of beside what is the file's, also where another master has it otherwise. */
function spokenOf(changes: readonly Change[]): ReadonlySet<string> {
  return new Set(
    changes.flatMap((change) =>
      change.kind !== 'principal' && (isMade(change) || change.after) ? keyName(keyOfChange(change)) : [],
    ),
  );
}

function isSpokenOf(key: Key, spoken: ReadonlySet<string>, after: Items): boolean {
  const name = keyName(key);
  return spoken.has(name) || after.get(name)?.managedBy === 'file';
}

/** @returns undefined where linkgate has not decided it, or its service is not the policy's. */
async function verdictsOf(
  record: ConnectionRecord,
  after: Items,
  deps: Simulating,
): Promise<OtherVerdict | undefined> {
  const { endpointId, ownerAccountId, requestedAt } = record;
  const { service, entries, unreadable } = consult(record, { find: (key) => after.get(keyName(key)) });
  for (const error of unreadable) deps.report(error);
  if (!service || unreadable.length > 0) return undefined;
  const was = (await historyOf(endpointId, deps.table, deps.report)).find(
    ({ action }) => action === 'decided',
  )?.outcome;
  if (!was) return undefined;
  const { pausedAt: _pausedAt, ...running } = service;
  const isCounted = entryThatCounts({ entries })?.maxEndpoints !== undefined;
  const countedEndpointIds = isCounted ? await countedBefore(record, deps) : [];
  const request = { ...connectionOf(record), state: 'pendingAcceptance' as const };
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
    reason: reasonOf(verdict),
  };
}

/** The account's endpoints that were there when it asked for another one, as far as is remembered. */
async function countedBefore(record: ConnectionRecord, deps: Simulating): Promise<string[]> {
  const earlier = await recordsBefore(record, earlierOnes, deps);
  return earlier
    .filter(({ state, verdict, acceptAskedAt }) =>
      [isLive(state), verdict?.outcome === 'accept', acceptAskedAt !== undefined].includes(true),
    )
    .filter(({ goneAt }) => goneAt === undefined || goneAt > record.requestedAt)
    .map(({ endpointId }) => endpointId);
}
