import { chunks } from '../chunks.ts';
import { type Invocation, orReport } from '../invocation.ts';
import type { ReadMode } from '../mode/mode.ts';
import type { Place } from '../place.ts';
import { consult, policyKeys } from '../policy/consult.ts';
import { grantCuts, isRevoked } from '../revocation/grant-cuts.ts';
import { byKey, readEach } from '../table/item.ts';
import { knownSince } from '../table/lineage.ts';
import type { Table } from '../table/table.ts';
import { type Connection, isLive } from './connection.ts';
import type { Bus, ConnectionEvent } from './connection-event.ts';
import {
  type ConnectionRecord,
  type Effect,
  fulfils,
  isCurrent,
  isOursToCut,
  isTakenBack,
  leftAloneUntil,
  readRecord,
  recordKey,
} from './connection-record.ts';
import {
  type Answer,
  type ChangeableConnections,
  type Connections,
  everyOne,
  RefusedCallError,
  ThrottledError,
} from './connections.ts';
import { dueIn, type Pointer, readPointer } from './due.ts';
import { mark } from './mark.ts';
import { applying, refused } from './transition.ts';
import type { WorkBell } from './work-bell.ts';

export interface Applying extends Invocation {
  readonly table: Table;
  readonly connectionsIn: (place: Place) => ChangeableConnections;
  readonly bus: Bus;
  readonly bell: WorkBell;
  /** Read right before each call; what cannot be read counts as `observe`. */
  readonly mode: ReadMode;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds until this run must have ended. */
  readonly remaining: () => number;
}

/** What one run did. `left`: still due, and rung for anew. */
export interface Applied {
  asked: number;
  refused: number;
  redecided: number;
  observed: number;
  left: boolean;
}

/** How many endpoints are asked for in one call at first; no maximum is published. */
const idsPerCall = 100;
/** How many pointers to what is due are held at once, which bounds the memory of a run. */
const pointersPerPage = 1_000;
/** What a run keeps free for its last batch, in milliseconds. */
const reserve = 10_000;
/** Accept and Reject gain one token a second (EC2 API throttling, per account and Region). */
const tokenAfter = 1_000;

/** One call's worth: one service, one action. */
interface Batch {
  readonly action: Effect['action'];
  readonly serviceId: string;
  readonly pointers: readonly Pointer[];
  /** When EC2 last answered that it wants fewer calls. */
  readonly triedAt?: Date;
  /** Of the connections among them that are to be cut: those that may be. */
  readonly granted?: ReadonlySet<string>;
}

type DueRecord = ConnectionRecord & { readonly effect: Effect };

/**
 * Makes EC2 agree with the verdicts of one place: what is due, if its policy is still the same and EC2 still shows it so.
 * It is the only one that accepts and rejects, and never runs twice at once for a place.
 * Where EC2 wants fewer calls it waits for tokens, and rings anew for what its time does not suffice for.
 */
export async function applyVerdicts(place: Place, deps: Applying): Promise<Applied> {
  const applied: Applied = { asked: 0, refused: 0, redecided: 0, observed: 0, left: false };
  const connections = deps.connectionsIn(place);
  let size = idsPerCall;
  for await (const pointers of deps.table.query(dueIn(place), { limit: pointersPerPage })) {
    const queue = batchesInTurn(readEach(pointers, readPointer, deps.report), size);
    for (let batch = queue.shift(); batch; batch = queue.shift()) {
      if (deps.remaining() < reserve) {
        applied.left = true;
        await deps.bell.ring(place);
        return applied;
      }
      if (batch.pointers.length > size) {
        queue.unshift(...halvesOf(batch));
        continue;
      }
      const result = await applyBatch(batch, connections, deps, applied);
      if (result === 'observe') return applied;
      if (result === 'look-throttled' || result === 'throttled') {
        const triedAt = deps.now();
        await deps.sleep(tokenAfter);
        queue.unshift(result === 'throttled' ? { ...batch, triedAt } : batch);
      } else if (result === 'too-many') {
        size = Math.ceil(batch.pointers.length / 2);
        queue.unshift(batch);
      } else if (result === 'one-is-bad') queue.unshift(...halvesOf(batch));
      else if (result !== 'done') queue.unshift({ ...batch, ...result });
    }
  }
  return applied;
}

/** Takes the services in turn, so that a storm on one never starves another. */
function batchesInTurn(pointers: readonly Pointer[], size: number): Batch[] {
  const calls = [...Map.groupBy(pointers, ({ serviceId, action }) => `${serviceId} ${action}`).values()];
  const turns = calls.map((some) => chunks(some, size).flatMap(batchOf));
  const rounds = Math.max(0, ...turns.map((batches) => batches.length));
  return Array.from({ length: rounds }, (_, round) =>
    turns.flatMap((batches) => batches[round] ?? []),
  ).flat();
}

function batchOf(pointers: readonly Pointer[]): Batch[] {
  const [first] = pointers;
  return first ? [{ action: first.action, serviceId: first.serviceId, pointers }] : [];
}

function halvesOf({ pointers, ...call }: Batch): Batch[] {
  return chunks(pointers, Math.ceil(pointers.length / 2)).map((half) => ({ ...call, pointers: half }));
}

/**
 * Reads mode, policy and EC2 right before the call, calls, and writes down what EC2 answered. Where something is to be cut, it
 * only finds out which of it may be: then everything is read again.
 */
async function applyBatch(
  batch: Batch,
  connections: ChangeableConnections,
  deps: Applying,
  applied: Applied,
): Promise<
  | 'done'
  | 'observe'
  | 'look-throttled'
  | 'throttled'
  | 'too-many'
  | 'one-is-bad'
  | Required<Pick<Batch, 'granted'>>
> {
  const lookedAt = deps.now();
  const found = await unlessThrottled(() => stillDue(batch, connections, deps, applied));
  if (!found) return 'look-throttled';
  if (found.length === 0) return 'done';
  // Where it is another table than is remembered, or nobody knows, the next pass finds out.
  if (
    found.some((record) => isTakenBack(record)) &&
    !(await orReport(deps.report, () => knownSince(deps.table)))
  )
    return 'done';
  if ((await deps.mode(lookedAt)) === 'observe') return 'observe';
  const cuts = found.filter(isRevoked);
  if (cuts.length > 0 && !batch.granted) {
    const answer = await unlessThrottled(() => grantCuts(cuts, batch.serviceId, connections, deps));
    if (!answer) return 'look-throttled';
    applied.redecided += answer.redecided;
    return { granted: answer.granted };
  }
  const due = found.filter((record) => !isRevoked(record) || batch.granted?.has(record.endpointId));
  if (due.length === 0) return 'done';

  const askedAt = deps.now();
  const answers = await ask(batch.action, batch.serviceId, due, connections);
  if (typeof answers === 'string') return answers;
  const doubtful = answers.filter(({ taken }) => taken !== true).map(({ endpointId }) => endpointId);
  // Where this look fails, what was asked for is written down all the same.
  const shown =
    (await orReport(deps.report, () => shownBy(connections, batch.serviceId, doubtful))) ?? new Map();
  const asWanted = [...shown.values()].filter((connection) => fulfils(batch.action, connection.state));
  const why = new Map(
    answers.flatMap((answer) => (answer.taken === false ? [[answer.endpointId, answer.reason]] : [])),
  );
  for (const { endpointId } of asWanted) why.delete(endpointId);
  await mark(due, deps, (record) => {
    const reason = why.get(record.endpointId);
    return reason === undefined
      ? applying(record, batch.action, askedAt)
      : refused(record, batch.action, reason, askedAt);
  });
  const observedAt = deps.now().toISOString();
  await deps.bus.publish(
    asWanted.map((connection) => ({ type: 'Connection Changed', connection, observedAt })),
  );
  applied.refused += why.size;
  applied.asked += due.length - why.size;
  return 'done';
}

/** What EC2 answered of each endpoint, or what stands in the way of the call as a whole. */
async function ask(
  action: Effect['action'],
  serviceId: string,
  due: readonly DueRecord[],
  connections: ChangeableConnections,
): Promise<Answer[] | 'throttled' | 'too-many' | 'one-is-bad'> {
  const endpointIds = due.map(({ endpointId }) => endpointId);
  try {
    return await connections[action](serviceId, endpointIds);
  } catch (error) {
    if (error instanceof ThrottledError) return 'throttled';
    if (!(error instanceof RefusedCallError))
      return endpointIds.map((endpointId) => ({ endpointId, taken: 'unknown' }));
    if (due.length > 1 && error.because === 'size') return 'too-many';
    if (due.length > 1 && error.because === 'endpoint') return 'one-is-bad';
    const reason = `${error.code}: ${error.message}`;
    return endpointIds.map((endpointId) => ({ endpointId, taken: false, reason }));
  }
}

async function unlessThrottled<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ThrottledError) return undefined;
    throw error;
  }
}

/** Of what is due, what EC2 may be asked for now. What changed meanwhile is said on the bus instead. */
async function stillDue(
  batch: Batch,
  connections: Connections,
  deps: Applying,
  applied: Applied,
): Promise<DueRecord[]> {
  const { action, serviceId, pointers, triedAt } = batch;
  const endpointIds = pointers.map(({ endpointId }) => endpointId);
  const [shown, items] = await Promise.all([
    shownBy(connections, serviceId, endpointIds),
    deps.table.get(pointers.flatMap((pointer) => [recordKey(pointer.endpointId), ...policyKeys(pointer)])),
  ]);
  const found = byKey(items);
  const records = readEach(
    found.all(endpointIds.map(recordKey)),
    (item) => {
      const record = readRecord(item);
      const { consulted, tableSince } = consult(record, found);
      return { record, consulted, tableSince };
    },
    deps.report,
  );
  const time = deps.now();
  const observedAt = time.toISOString();
  const events: ConnectionEvent[] = [];
  const askable: DueRecord[] = [];
  const done: ConnectionRecord[] = [];
  for (const { record, consulted, tableSince } of records) {
    const connection = shown.get(record.endpointId);
    if (!connection) continue;
    if (triedAt && fulfils(action, connection.state)) {
      done.push(record);
      continue;
    }
    // What was decided otherwise since its pointer was read is another batch: whoever decided it rang for that.
    if (!isDue(record) || record.effect.action !== action) continue;
    if (!canBeAsked(record, connection, tableSince) && !isToBeReviewed(record, connection))
      events.push({ type: 'Connection Changed', connection, observedAt, record });
    else if (!isCurrent(record.verdict, consulted, time))
      events.push({ type: 'Connection Request', connection, observedAt });
    // While something stops its service, what is to be cut stays due, and its verdict is to wait.
    else if (record.verdict.outcome !== action) continue;
    else if (!canBeAsked(record, connection, tableSince))
      events.push({ type: 'Connection Request', connection, observedAt });
    else if (!wasJustAsked(record, time)) askable.push(record);
  }
  for (const { type } of events) applied[type === 'Connection Request' ? 'redecided' : 'observed']++;
  await deps.bus.publish(events);
  if (triedAt) await rememberTried(batch, done, shown, triedAt, deps);
  applied.asked += done.length;
  return askable;
}

/**
 * EC2 wanted fewer calls, and had carried out this one all the same. Its doorbell may have been faster, so that the
 * verdict is applied already and only the call is to be written down.
 */
async function rememberTried(
  { action }: Batch,
  done: readonly ConnectionRecord[],
  shown: ReadonlyMap<string, Connection>,
  triedAt: Date,
  deps: Applying,
) {
  await mark(done, deps, (record) => applying(record, action, triedAt));
  const observedAt = deps.now().toISOString();
  const connections = done.flatMap(({ endpointId }) => shown.get(endpointId) ?? []);
  await deps.bus.publish(
    connections.map((connection) => ({ type: 'Connection Changed', connection, observedAt })),
  );
}

function canBeAsked(record: DueRecord, { state }: Connection, tableSince: string): boolean {
  return state === 'pendingAcceptance' || (isLive(state) && isOursToCut(record, tableSince));
}

/** It is known to live: what another table was to take back of it is decided like everything that lives. */
function isToBeReviewed(record: DueRecord, { state }: Connection): boolean {
  return isLive(state) && isLive(record.state) && isTakenBack(record);
}

function isDue(record: ConnectionRecord): record is DueRecord {
  return record.effect !== undefined;
}

function wasJustAsked({ effect }: DueRecord, now: Date): boolean {
  const from = leftAloneUntil(effect);
  return from !== undefined && now < from;
}

async function shownBy(connections: Connections, serviceId: string, endpointIds: readonly string[]) {
  if (endpointIds.length === 0) return new Map<string, Connection>();
  const shown = await everyOne(connections, { serviceIds: [serviceId], endpointIds });
  return new Map(shown.map((connection) => [connection.endpointId, connection]));
}
