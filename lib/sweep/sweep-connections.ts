import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import {
  type CountedEndpoints,
  countedIn,
  countedWrite,
  readCounted,
} from '../allowlist/counted-endpoints.ts';
import { type HeldBack, isHeldBack, lineWith } from '../allowlist/held-back.ts';
import { chunks } from '../chunks.ts';
import { dueEndpoints } from '../connection/agenda.ts';
import { type Connection, type ConnectionState, isLive } from '../connection/connection.ts';
import {
  type ConnectionRecord,
  isOrMayBeLive,
  readRecord,
  recordKey,
  recordPartitions,
} from '../connection/connection-record.ts';
import { type Connections, everyOne } from '../connection/connections.ts';
import { dueIn } from '../connection/due.ts';
import { nothingObserved, Observation, type Observing, observe, sumOf } from '../connection/observe.ts';
import { writeTransition } from '../connection/tend-connections.ts';
import { missing } from '../connection/transition.ts';
import type { WorkBell } from '../connection/work-bell.ts';
import { type ConsumerNotices, ringForUntold } from '../customer/untold.ts';
import { orReport } from '../invocation.ts';
import { StaleTokenError } from '../page-token.ts';
import { type Place, placeName } from '../place.ts';
import type { Rule } from '../policy/rule.ts';
import { readEach } from '../table/item.ts';
import { lineageOf } from '../table/lineage.ts';
import { distinct, isNoticeDue, type Notices, subjectOf } from '../telling/notice.ts';
import { type Checkpoint, type Lease, leaseOf, type Pass } from './lease.ts';

export interface Sweeping extends Observing {
  readonly notices: Notices;
  readonly consumers: ConsumerNotices;
  readonly connectionsIn: (place: Place) => Connections;
  readonly bell: WorkBell;
  readonly rules: readonly Rule[];
  /** Milliseconds until this run must have ended. */
  readonly remaining: () => number;
}

export const SweepResult = v.object({
  ...Observation.entries,
  /** Connections that this pass found gone. */
  gone: v.number(),
  /** Sets of counted endpoints that did not agree with EC2. */
  repaired: v.number(),
});
export type SweepResult = v.InferOutput<typeof SweepResult>;

export function nothingSwept(): SweepResult {
  return { ...nothingObserved(), gone: 0, repaired: 0 };
}

/** `overlapping`: another pass over this place is under way. `unfinished`: out of time; the next run goes on from its checkpoint. */
export type Sweep =
  | { readonly status: 'done'; readonly result: SweepResult }
  | { readonly status: 'overlapping' }
  | { readonly status: 'unfinished' };

/** What a run keeps free to end well, in milliseconds. */
const reserve = 10_000;

/**
 * One pass over the connections of a place: `pending`, what waits for acceptance; `full`, everything, with the versions
 * that verdicts rest on, what is gone, and the sets of counted endpoints. It rings for what is due and not done.
 */
export async function sweepConnections(place: Place, pass: Pass, deps: Sweeping): Promise<Sweep> {
  const lease = await leaseOf(place, pass, deps);
  if (!lease) return { status: 'overlapping' };

  const isAnew = lease.checkpoint === undefined;
  // Where that cannot be found out nothing is cut, and all else goes on.
  if (isAnew) await orReport(deps.report, () => lineageOf(deps));
  const onTime = isAnew ? await takeDue(place, deps) : nothingObserved();
  const estate = pass === 'full' && !lease.checkpoint ? await wholeEstate(place, deps) : undefined;
  const observation = await passOver(place, pass, lease, estate, deps);
  if (!observation) return { status: 'unfinished' };
  if (await isAnythingDue(place, deps)) await deps.bell.ring(place);
  const result: SweepResult = {
    ...observation,
    decided: observation.decided + onTime.decided,
    gone: 0,
    repaired: 0,
  };
  if (estate) {
    result.gone = await settleMissing(place, lease.startedAt, estate, deps);
    const { repaired, freed } = await repairCounted(place, lease.startedAt, estate, deps);
    result.repaired = repaired;
    result.decided += freed;
  }
  await lease.release();
  return { status: 'done', result };
}

/** Hands over the connections whose time has come: to be cut, or to be warned of. */
async function takeDue(place: Place, deps: Sweeping): Promise<Observation> {
  const connections = deps.connectionsIn(place);
  let observation = nothingObserved();
  for await (const due of dueEndpoints(place, deps.now(), deps))
    for (const endpointIds of chunks(due, endpointsPerLook)) {
      const shown = await everyOne(connections, { endpointIds });
      observation = sumOf(observation, await observe(shown, deps, { isDue: true }));
    }
  return observation;
}

/** How many values EC2 takes in one filter. */
const endpointsPerLook = 200;

/** What a pass that saw everything in one run remembers of it: enough to notice what is missing, and no more. */
interface Estate {
  readonly endpointIds: Set<string>;
  /** Of each account at a service whose endpoints are counted: its connections. */
  readonly counted: Map<string, Connection[]>;
}

async function wholeEstate(place: Place, { table, report }: Sweeping): Promise<Estate> {
  const counted = new Map<string, Connection[]>();
  for await (const page of table.query(countedIn(place)))
    for (const { serviceId, accountId } of readEach(page, readCounted, report))
      counted.set(`${serviceId} ${accountId}`, []);
  return { endpointIds: new Set(), counted };
}

/** @returns undefined when time ran out; the checkpoint says where to go on. */
async function passOver(
  place: Place,
  pass: Pass,
  lease: Lease,
  estate: Estate | undefined,
  deps: Sweeping,
): Promise<Observation | undefined> {
  const connections = deps.connectionsIn(place);
  const filter = pass === 'pending' ? { state: 'pendingAcceptance' as const } : {};
  let { nextToken, observation }: Checkpoint = lease.checkpoint ?? { observation: nothingObserved() };
  for (;;) {
    const page = await pageOr(connections, filter, nextToken);
    if (page === 'stale') {
      nextToken = undefined;
      observation = nothingObserved();
      continue;
    }
    const remembered: ConnectionRecord[] = [];
    const onRecord = (record: ConnectionRecord) => remembered.push(record);
    const seen = await observe(page.connections, deps, {
      ...(pass === 'full' && { compare: deps }),
      onRecord,
    });
    const toTell = remembered.filter((record) => isNoticeDue(record, deps.now()));
    await deps.notices.ring(distinct(toTell.map(subjectOf)));
    if (pass === 'full') await ringForUntold(remembered, deps);
    observation = sumOf(observation, seen);
    for (const connection of page.connections) {
      estate?.endpointIds.add(connection.endpointId);
      estate?.counted.get(`${connection.serviceId} ${connection.ownerAccountId}`)?.push(connection);
    }
    for (const endpointId of page.unreadable ?? []) estate?.endpointIds.add(endpointId);
    nextToken = page.nextToken;
    if (nextToken === undefined) return observation;
    const isLate = deps.remaining() < reserve;
    await lease.save({ nextToken, observation }, { letGo: isLate });
    if (isLate) return undefined;
  }
}

async function pageOr(
  connections: Connections,
  filter: Parameters<Connections['page']>[0],
  nextToken?: string,
) {
  try {
    return await connections.page(filter, nextToken);
  } catch (error) {
    if (error instanceof StaleTokenError && nextToken !== undefined) return 'stale';
    throw error;
  }
}

async function isAnythingDue(place: Place, { table }: Sweeping): Promise<boolean> {
  for await (const page of table.query(dueIn(place), { limit: 1 })) return page.length > 0;
  return false;
}

/**
 * Connections that are remembered here and were not listed: gone, when the whole pass before did not list them either. Of
 * those, and of what was abandoned, people are told what they have not been shown yet: of the others they were told as they
 * were listed.
 */
async function settleMissing(
  place: Place,
  startedAt: string,
  estate: Estate,
  deps: Sweeping,
): Promise<number> {
  let gone = 0;
  for (const partition of recordPartitions)
    for await (const page of deps.table.query(partition)) {
      const records = readEach(page, readRecord, deps.report).filter(
        (record) => placeName(record.place) === placeName(place),
      );
      const unlisted = records.filter(({ endpointId }) => !estate.endpointIds.has(endpointId));
      const abandoned = records.filter(({ abandonedAt }) => abandonedAt !== undefined);
      const toTell = [...unlisted, ...abandoned].filter((record) => isNoticeDue(record, deps.now()));
      await orReport(deps.report, () => deps.notices.ring(distinct(toTell.map(subjectOf))));
      for (const record of unlisted)
        if (await orReport(deps.report, () => settle(record, startedAt, deps))) gone++;
    }
  return gone;
}

/** What was not listed. @returns whether it is gone. */
async function settle(record: ConnectionRecord, startedAt: string, deps: Sweeping): Promise<boolean> {
  if (!isMissing(record, startedAt)) return false;
  const transition = missing(record, startedAt, deps.now());
  const isWritten = await writeTransition(record, transition, deps);
  return isWritten && transition.record.goneAt !== undefined;
}

function isMissing(record: ConnectionRecord, startedAt: string): boolean {
  return (
    record.goneAt === undefined && record.requestedAt < startedAt && (record.observedAt ?? '') < startedAt
  );
}

/**
 * Sets of counted endpoints, and of who waits for these to end, are brought back to what EC2 shows and our records agree with.
 * Where that makes room the next in line is handed over.
 */
async function repairCounted(
  place: Place,
  startedAt: string,
  estate: Estate,
  deps: Sweeping,
): Promise<{ repaired: number; freed: number }> {
  const result = { repaired: 0, freed: 0 };
  for await (const page of deps.table.query(countedIn(place)))
    for (const kept of readEach(page, readCounted, deps.report)) {
      const theirs = estate.counted.get(`${kept.serviceId} ${kept.accountId}`);
      if (!theirs) continue;
      const endpointIds = await endpointsThatCount(theirs, kept, startedAt, deps);
      const heldBack = await heldBackNow(theirs, kept, startedAt, deps);
      if (!endpointIds && !heldBack) continue;
      const right = { ...kept, ...(endpointIds && { endpointIds }), ...(heldBack && { heldBack }) };
      const whose = { place, serviceId: kept.serviceId, ownerAccountId: kept.accountId };
      if (!(await deps.table.write([countedWrite(whose, kept, right)]))) continue;
      result.repaired++;
      const waiting = theirs.filter(({ state }) => state === 'pendingAcceptance');
      result.freed += (await observe(waiting, deps)).decided;
    }
  return result;
}

/**
 * Who waits for a counted endpoint to end: listed so, and remembered so.
 * @returns undefined when the set is right.
 */
async function heldBackNow(
  theirs: readonly Connection[],
  { heldBack = [] }: CountedEndpoints,
  startedAt: string,
  { table, report }: Sweeping,
): Promise<HeldBack[] | undefined> {
  const listed = theirs.filter(({ state }) => state === 'pendingAcceptance');
  const keys = [...listed, ...heldBack].map(({ endpointId }) => recordKey(endpointId));
  const records = readEach(await table.get(keys), readRecord, report).filter(({ verdict }) =>
    isHeldBack(verdict),
  );
  const waiting = new Set(records.map(({ endpointId }) => endpointId));
  const isListed = (id: string) => listed.some(({ endpointId }) => endpointId === id);
  const right = [
    ...listed,
    ...heldBack.filter(({ endpointId, requestedAt }) => !isListed(endpointId) && requestedAt >= startedAt),
  ]
    .filter(({ endpointId }) => waiting.has(endpointId))
    .reduce<HeldBack[]>((line, each) => lineWith(line, each, true), []);
  return isDeepStrictEqual(right, heldBack) ? undefined : right;
}

/**
 * Where the set and what was listed differ, the records settle it, since decisions go on while the pass reads.
 * @returns undefined when the set is right.
 */
async function endpointsThatCount(
  theirs: readonly Connection[],
  kept: CountedEndpoints,
  startedAt: string,
  { table, now, report }: Sweeping,
): Promise<string[] | undefined> {
  const listed = new Map(theirs.map(({ endpointId, state }) => [endpointId, state]));
  const live = theirs.filter(({ state }) => isLive(state)).map(({ endpointId }) => endpointId);
  const doubtful = kept.endpointIds.filter((id) => !live.includes(id));
  const lacking = live.filter((id) => !kept.endpointIds.includes(id));
  const items = await table.get([...doubtful, ...lacking].map(recordKey));
  const records = new Map(readEach(items, readRecord, report).map((record) => [record.endpointId, record]));
  const remembered = new Set(items.map(({ sk }) => sk));
  const time = now();
  // What this version cannot read counts as EC2 shows it.
  const doesCount = (id: string) =>
    remembered.has(id) && !records.has(id)
      ? isLiveOrWaits(listed.get(id))
      : counts(records.get(id), listed.get(id), time);
  const isRecent = (id: string) => (records.get(id)?.requestedAt ?? '') >= startedAt;
  const remove = doubtful.filter((id) => !isRecent(id) && !doesCount(id));
  const add = lacking.filter(doesCount);
  if (remove.length === 0 && add.length === 0) return undefined;
  return [...kept.endpointIds.filter((id) => !remove.includes(id)), ...add];
}

function isLiveOrWaits(state: ConnectionState | undefined): boolean {
  return state !== undefined && (isLive(state) || state === 'pendingAcceptance');
}

/** Live or about to become so, and not known to have ended since it was listed. */
function counts(
  record: ConnectionRecord | undefined,
  listed: ConnectionState | undefined,
  now: Date,
): boolean {
  if (!record || !listed) return false;
  return isOrMayBeLive(record, now) || (record.state === 'pendingAcceptance' && isLive(listed));
}
