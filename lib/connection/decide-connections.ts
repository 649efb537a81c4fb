import { isDeepStrictEqual } from 'node:util';
import { countedKey, countFor, isFreed } from '../allowlist/counted-endpoints.ts';
import { isHeldBack } from '../allowlist/held-back.ts';
import type { Approval } from '../approval/approval.ts';
import { askingAfter } from '../approval/asking.ts';
import { conclude, isSaidAlready } from '../approval/conclude.ts';
import { entryChange } from '../approval/entry-change.ts';
import type { Consulted, Happening } from '../audit/audit.ts';
import { eachOnItsOwn, type Invocation } from '../invocation.ts';
import { type Place, placeName } from '../place.ts';
import { consult, policyKeys } from '../policy/consult.ts';
import { heldBy, type Verdict } from '../policy/decide.ts';
import type { Finding, Rule } from '../policy/rule.ts';
import { review } from '../revocation/review.ts';
import { serviceKey } from '../service/service.ts';
import { lost, untilWon } from '../table/contention.ts';
import { byKey, UnreadableItemError } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type Connection, isAnswered, isLive } from './connection.ts';
import {
  type ConnectionRecord,
  isCurrent,
  isOpen,
  isOrMayBeLive,
  isOursToCut,
  isRightlyAnswered,
  isTakenBack,
  isUnasked,
  isUndone,
  readRecord,
  recordKey,
} from './connection-record.ts';
import type { Connections } from './connections.ts';
import { waitsAfterAll } from './observed.ts';
import {
  abandoned,
  decided,
  decidedLate,
  heldLive,
  noticeAnew,
  type Transition,
  transitionWrites,
} from './transition.ts';
import { awaitedBy } from './waiting.ts';
import type { WorkBell } from './work-bell.ts';

export interface Deciding extends Invocation {
  readonly table: Table;
  /** Absent where EC2 cannot be asked: then what is kept of it is all there is to count. */
  readonly connectionsIn?: (place: Place) => Connections;
  readonly bell: WorkBell;
  readonly rules: readonly Rule[];
}

/** What became of a request. `passed`: EC2 has moved on since it was noticed. `not-open`: a person's word came too late. */
export type Decision =
  | { readonly outcome: Verdict['outcome']; readonly record: ConnectionRecord; readonly isNew: boolean }
  | { readonly outcome: 'not-open'; readonly record: ConnectionRecord }
  | { readonly outcome: 'passed'; readonly record: ConnectionRecord }
  | { readonly outcome: 'unregistered' };

/** A request, and when EC2 was looked at for it (ISO 8601), where that is known. */
type Noticed = Connection & { readonly observedAt?: string };

interface Noticing {
  readonly found?: ReturnType<typeof byKey>;
  readonly word?: Approval;
  readonly observedAt?: string | undefined;
}

/** Decides each request on its own after one read for all, then rings once for each place that has work. */
export async function decideConnections(requests: readonly Noticed[], deps: Deciding) {
  const found = byKey(await deps.table.get(requests.flatMap(keysFor)));
  const results = await eachOnItsOwn(requests, ({ observedAt, ...request }) =>
    decideConnection(request, deps, { found, observedAt }),
  );
  const places = new Map(
    results.flatMap((result) =>
      'output' in result && isDue(result.output)
        ? [[placeName(result.input.place), result.input.place] as const]
        : [],
    ),
  );
  await Promise.all([...places.values()].map((place) => deps.bell.ring(place)));
  return results;
}

/**
 * Decides one request and writes verdict, audit, what is due and a person's word down in one transaction. Of a request that
 * takes several approvals a word may leave it open.
 * Reads anew and decides again when somebody else was faster.
 * @throws ContendedError, and for a person's word UnknownGroupError and MayNotDecideError
 */
export async function decideConnection(
  request: Connection,
  deps: Deciding,
  { found, word, observedAt }: Noticing = {},
): Promise<Decision> {
  return untilWon(request.endpointId, async (isFirst) => {
    const known = (isFirst && found) || byKey(await deps.table.get(keysFor(request)));
    const now = deps.now();
    const { service, entries, unreadable, ...consultation } = consult(request, known);
    const { consulted, tableSince } = consultation;
    const item = known.find(recordKey(request.endpointId));
    const record = item && readRecord(item);
    if (!known.find(serviceKey(request.serviceId)))
      return record && isInOurCare(record) ? abandon(record, deps) : { outcome: 'unregistered' };
    const isReopened = record && isWaitingAfterAll(record, request, observedAt);
    const before = record && (isReopened ? reopened(record, observedAt) : afresh(record, request));
    if (before && hasPassed(before, request, tableSince)) return { outcome: 'passed', record: before };
    if (word && before && !isOpen(before)) return { outcome: 'not-open', record: before };
    const isReview = isLive(request.state) && !(before && isTakenBack(before, tableSince));
    const isFree = isFreed(request, before?.verdict, known);
    if (!isReview && !word && !isFree && before?.verdict && holds(before, consulted, now))
      return { outcome: before.verdict.outcome, record: before, isNew: false };

    const again = isReopened ? [waitingAgain(record, now)] : [];
    const held = (errors: readonly UnreadableItemError[]) =>
      hold(request, { record, before, again, word, isReview, consulted, now }, errors, deps);
    if (!service || unreadable.length > 0) return held(unreadable);
    const count = await countFor(request, entries, known, deps).catch(whatIsUnreadable);
    if (count instanceof UnreadableItemError) return held([count]);
    const rules = { service, entries, rules: deps.rules };
    if (isReview) {
      const policy = { ...rules, countedEndpointIds: count.endpointIds };
      return review(request, before, word, { ...consultation, policy, count, now }, deps);
    }
    const policy = { ...rules, countedEndpointIds: count.before };
    const { verdict, ...said } = await conclude(request, before, word, { ...deps, policy, now });
    if (said.word && before?.verdict && isSaidAlready(said.word, before, said.heard))
      return { outcome: before.verdict.outcome, record: before, isNew: false };
    const asking = askingAfter(before?.asking, verdict, { service, version: before?.version ?? 0, now });
    const change = said.word && entryChange(said.heard, request, entries, now);
    const restsOn = change ? { ...consulted, entry: change.entry.version } : consulted;
    const transition =
      before || !isAnswered(request.state)
        ? decided(before, request, verdict, restsOn, now, { ...said, asking, entry: change?.entry })
        : decidedLate(request, verdict, restsOn, now);
    const counted = count.keeps && isOrMayBeLive(transition.record, now);
    const after = { ...transition.record, counted };
    const isWritten = await deps.table.write([
      ...transitionWrites(
        record,
        { record: after, happenings: [...again, ...transition.happenings] },
        deps.requestId,
      ),
      ...count.writes(counted, isHeldBack(verdict)),
      ...(change ? [change.write] : []),
    ]);
    if (!isWritten) return lost;
    return word && !said.word
      ? { outcome: 'not-open', record: after }
      : { outcome: verdict.outcome, record: after, isNew: true };
  });
}

function whatIsUnreadable(error: unknown): UnreadableItemError {
  if (error instanceof UnreadableItemError) return error;
  throw error;
}

interface Held {
  readonly record: ConnectionRecord | undefined;
  readonly before: ConnectionRecord | undefined;
  /** What is to be told first of a request that is decided anew. */
  readonly again: Transition['happenings'];
  readonly word: Approval | undefined;
  readonly isReview: boolean;
  readonly consulted: Consulted;
  readonly now: Date;
}

/**
 * A decision that would rest on an item that cannot be read waits, like that of a service which is paused.
 * @throws UnreadableItemError to a person, and of what EC2 connected or rejected before linkgate decided it: a verdict from now
 * would pass for one from then.
 */
async function hold(
  request: Connection,
  { record, before, again, word, isReview, consulted, now }: Held,
  unreadable: readonly UnreadableItemError[],
  deps: Deciding,
): Promise<Decision | typeof lost> {
  const [first] = unreadable;
  if (first && (word || (!before?.verdict && isAnswered(request.state)))) throw first;
  const verdict = heldBy(unreadable, now);
  if (before?.verdict && isHeldAlike(before.verdict, verdict))
    return { outcome: 'wait', record: before, isNew: false };
  for (const error of unreadable) deps.report(error);
  const transition =
    before && isReview
      ? heldLive(before, verdict, consulted, now)
      : decided(before, request, verdict, consulted, now);
  const happenings = [...again, ...transition.happenings];
  const writes = transitionWrites(record, { ...transition, happenings }, deps.requestId);
  return (await deps.table.write(writes))
    ? { outcome: 'wait', record: transition.record, isNew: true }
    : lost;
}

function isHeldAlike(before: Verdict, verdict: Verdict): boolean {
  const reasons = ({ outcome, findings }: Verdict) => [outcome, ...findings.map(({ reason }) => reason)];
  return isDeepStrictEqual(reasons(before), reasons(verdict));
}

function holds(before: ConnectionRecord, consulted: Consulted, now: Date): boolean {
  return isCurrent(before.verdict, consulted, now) && !isUnasked(before) && !isUndone(before);
}

/** EC2 has answered it, and that is to be written down first. What lives and is known to live is decided as such. */
function hasPassed(before: ConnectionRecord, request: Connection, tableSince: string): boolean {
  if (isLive(request.state)) return !isLive(before.state) && !isOursToCut(before, tableSince);
  return isAnswered(request.state) || (before.state !== 'pendingAcceptance' && before.effect === undefined);
}

/** EC2 was seen to show a request that is remembered as answered, or on its way out: later, and nothing is due that it may be about. */
function isWaitingAfterAll(
  record: ConnectionRecord,
  { state }: Connection,
  observedAt: string | undefined,
): observedAt is string {
  return (
    state === 'pendingAcceptance' &&
    record.state !== state &&
    record.effect === undefined &&
    record.goneAt === undefined &&
    observedAt !== undefined &&
    observedAt >= (record.observedAt ?? '') &&
    !isRightlyAnswered(record, observedAt)
  );
}

/** The request is open again, with what people have said of it; what was to become of it as a connection that lives is void. */
function reopened(record: ConnectionRecord, observedAt: string): ConnectionRecord {
  const {
    verdict: _verdict,
    missingSince: _missingSince,
    abandonedAt: _abandonedAt,
    revocation: _revocation,
    kept: _kept,
    warned: _warned,
    reviewedAt,
    asking,
    notice,
    ...known
  } = record;
  const request = { ...known, state: 'pendingAcceptance' as const, observedAt };
  if (reviewedAt !== undefined) return { ...request, ...noticeAnew(notice) };
  return { ...request, ...(asking && { asking }), ...(notice && { notice }) };
}

function waitingAgain(record: ConnectionRecord, now: Date): Happening {
  const reason = waitsAfterAll(record);
  return { time: now.toISOString(), actor: 'ec2', action: 'observed', state: 'pendingAcceptance', reason };
}

/** What was taken for gone and is listed again, or was given up with its service, is asked about as if it had never been decided. */
function afresh(record: ConnectionRecord, { state }: Connection): ConnectionRecord {
  if (record.goneAt === undefined && record.abandonedAt === undefined) return record;
  const {
    goneAt: _goneAt,
    abandonedAt: _abandonedAt,
    missingSince: _missingSince,
    verdict: _verdict,
    asking: _asking,
    notice,
    ...known
  } = record;
  return { ...known, state, ...noticeAnew(notice) };
}

function isInOurCare(record: ConnectionRecord): boolean {
  return record.effect !== undefined || awaitedBy(record) !== undefined;
}

/** What is due or waits at a service that was unregistered meanwhile does so no longer. */
async function abandon(before: ConnectionRecord, deps: Deciding): Promise<Decision | typeof lost> {
  const writes = transitionWrites(before, abandoned(before, deps.now()), deps.requestId);
  return (await deps.table.write(writes)) ? { outcome: 'unregistered' } : lost;
}

/** What a log line says of a decision. */
export function summaryOf(decision: Decision) {
  const verdict = 'isNew' in decision ? decision.record.verdict : undefined;
  return { outcome: decision.outcome, ...(verdict && { findings: verdict.findings }) };
}

/** Rules that broke in a decision that was just made; a decision delivered twice tells of them once. */
export function failedRules(decision: Decision): readonly Finding[] {
  const findings = 'isNew' in decision && decision.isNew ? decision.record.verdict?.findings : [];
  return findings?.filter(({ failed }) => failed) ?? [];
}

/** A verdict that EC2 was not asked for yet, new or left behind by a crash before the ring. */
function isDue(decision: Decision): boolean {
  return 'record' in decision && decision.record.effect !== undefined && decision.record.effect.asked === 0;
}

/** The keys of all that a decision reads. */
export function keysFor(request: Connection) {
  return [recordKey(request.endpointId), countedKey(request), ...policyKeys(request)];
}
