import { isDeepStrictEqual } from 'node:util';
import type { Count } from '../allowlist/counted-endpoints.ts';
import { type Approval, heardIn } from '../approval/approval.ts';
import { heardWith, isSaidAlready, withCount } from '../approval/conclude.ts';
import { entryChange } from '../approval/entry-change.ts';
import type { Consulted } from '../audit/audit.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionRecord, isCurrent } from '../connection/connection-record.ts';
import { transitionWrites } from '../connection/transition.ts';
import type { Verdict } from '../policy/decide.ts';
import type { Policy } from '../policy/rule.ts';
import { lost } from '../table/contention.ts';
import type { Table } from '../table/table.ts';
import { type Circumstances, decideLive } from './decide-live.ts';
import { reviewed } from './reviewed.ts';

interface Reviewed {
  readonly outcome: Verdict['outcome'];
  readonly record: ConnectionRecord;
  readonly isNew: boolean;
}

interface Reviewing extends Circumstances {
  readonly policy: Policy;
  readonly consulted: Consulted;
  readonly count: Count;
}

/**
 * Decides what becomes of a connection that lives: whether it stays, is cut now or later, or people are asked.
 * @returns `lost` where somebody else was faster.
 * @throws for a person's word UnknownGroupError and MayNotDecideError
 */
export async function review(
  connection: Connection,
  before: ConnectionRecord | undefined,
  word: Approval | undefined,
  { policy, consulted, count, ...circumstances }: Reviewing,
  deps: { readonly table: Table; readonly requestId: string },
): Promise<Reviewed | typeof lost> {
  const { service, entries } = policy;
  const { now } = circumstances;
  const heardBefore = isHeardOfRequest(before) ? {} : heardIn(before);
  const heard = word ? await heardWith(word, heardBefore, policy, deps.table) : heardBefore;
  if (word && before?.verdict && isSaidAlready(word, before, heard))
    return { outcome: before.verdict.outcome, record: before, isNew: false };
  // Who says that it stays says so of whatever was to cut it.
  const { revoked: _revoked, ...others } = before ?? {};
  const remembered = heard.approval?.decision === 'approve' && word ? others : before;
  const live = decideLive(connection, remembered && { ...remembered, ...heard }, policy, circumstances);
  const decision = { ...live, verdict: withCount(live.verdict, heard) };
  const change = word && entryChange(heard, connection, entries, now);
  const restsOn = change ? { ...consulted, entry: change.entry.version } : consulted;
  const said = { heard, entry: change?.entry, ...(word && { word }) };
  const transition = reviewed(before, connection, decision, restsOn, service, now, said);
  if (before?.verdict && !word && isSame(before, transition.record, now))
    return { outcome: before.verdict.outcome, record: before, isNew: false };
  const after = { ...transition.record, ...(count.keeps && { counted: true }) };
  const isWritten = await deps.table.write([
    ...transitionWrites(before, { ...transition, record: after }, deps.requestId),
    ...count.writes(true, false),
    ...(change ? [change.write] : []),
  ]);
  return isWritten ? { outcome: decision.verdict.outcome, record: after, isNew: true } : lost;
}

/** What people said against the request that it was, or not often enough for it, says nothing of a connection that lives. */
function isHeardOfRequest(before: ConnectionRecord | undefined): boolean {
  return before?.reviewedAt === undefined && before?.approval?.decision !== 'approve';
}

/** Nothing becomes of it that its record does not say, and nothing that it rests on has changed. */
function isSame(before: ConnectionRecord, after: ConnectionRecord, now: Date): boolean {
  if (!before.verdict || !after.verdict || !isCurrent(before.verdict, after.verdict.consulted, now))
    return false;
  const seen = ({ verdict, ...record }: ConnectionRecord) => [
    { ...verdict, decidedAt: '' },
    { ...record, version: 0, reviewedAt: '' },
  ];
  return isDeepStrictEqual(seen(before), seen(after));
}
