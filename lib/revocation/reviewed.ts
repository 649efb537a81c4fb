import { heardIn } from '../approval/approval.ts';
import { type Asking, deadlineFrom } from '../approval/asking.ts';
import type { Consulted, Happening } from '../audit/audit.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionRecord, type Effect, isOpen, newRecord } from '../connection/connection-record.ts';
import {
  asked,
  type Circumstances,
  decision,
  found,
  noticeAnew,
  remembered,
  type Transition,
} from '../connection/transition.ts';
import { reasonOf, type Verdict } from '../policy/decide.ts';
import type { Service } from '../service/service.ts';
import type { LiveDecision } from './decide-live.ts';
import { isAboutForeign, isObjected } from './revocation.ts';

/** It was decided what becomes of a connection that lives: it stays, is cut now or later, or people are asked. */
export function reviewed(
  before: ConnectionRecord | undefined,
  connection: Connection,
  { verdict, revocation, adopted, warned }: LiveDecision,
  consulted: Consulted,
  service: Service,
  now: Date,
  { word, heard = heardIn(before), entry }: Omit<Circumstances, 'asking'> = {},
): Transition {
  const {
    verdict: _verdict,
    effect,
    revocation: _revocation,
    adopted: _adopted,
    warned: _warned,
    revoked,
    kept,
    approval: _approval,
    approvals: _approvals,
    goneAt: _goneAt,
    missingSince: _missingSince,
    notice,
    ...known
  } = before ?? newRecord(connection);
  const isCut = revocation !== undefined && verdict.outcome === 'reject' && verdict.until === undefined;
  const isToCome = revocation !== undefined && verdict.outcome !== 'wait' && !isCut;
  const isAsking = isAboutForeign(verdict) || (isToCome && !isObjected(verdict));
  const asking = isAsking ? askedOf(before, verdict, revocation, service, now) : before?.asking;
  const isAskedAnew = asking !== undefined && asking.version !== before?.asking?.version;
  const isCalledOff = before?.revocation !== undefined && revocation === undefined;
  const due: Effect | undefined =
    isCut && effect?.action !== 'reject' ? { action: 'reject', asked: 0 } : effect;
  return {
    record: {
      ...known,
      verdict: remembered(verdict, consulted, now, heard.approval),
      ...((isCut || verdict.outcome === 'wait') && due && { effect: due }),
      ...(isAskedAnew ? {} : heard),
      ...(asking && { asking }),
      ...(isAskedAnew ? noticeAnew(notice) : notice && { notice }),
      ...(revocation && { revocation }),
      ...(adopted && { adopted }),
      ...(warned && { warned }),
      reviewedAt: now.toISOString(),
      ...(verdict.outcome === 'accept' && !adopted && { endorsedAt: known.endorsedAt ?? now.toISOString() }),
      // It puts one cut off, and not every later one.
      ...(kept && verdict.outcome !== 'accept' && { kept }),
      // It stands, whatever keeps it from being carried out, until somebody says that the connection stays.
      ...(revoked && heard.approval?.decision !== 'approve' && { revoked }),
    },
    happenings: [
      ...(before ? [] : found(connection, now)),
      ...storyOf(before, { verdict, ...(revocation && { revocation }), ...(adopted && { adopted }) }, now, {
        decided: () => decision(verdict, consulted, now, word, entry),
        isSaid: word !== undefined,
        isCalledOff,
      }),
      ...(warned && warned.days !== before?.warned?.days ? [warning(verdict, warned, now)] : []),
      ...(isAskedAnew ? [asked(asking, now)] : []),
    ],
  };
}

/** What is to be remembered of a review: one thing, or nothing where it only rests on newer versions. */
function storyOf(
  before: ConnectionRecord | undefined,
  { verdict, revocation, adopted }: LiveDecision,
  now: Date,
  {
    decided,
    isSaid,
    isCalledOff,
  }: { readonly decided: () => Happening; readonly isSaid: boolean; readonly isCalledOff: boolean },
): Happening[] {
  const time = now.toISOString();
  const begins = revocation !== undefined && revocation.since !== before?.revocation?.since;
  if (isSaid) return [decided()];
  if (begins) {
    const { by, cutAt } = revocation;
    return [{ ...decided(), actor: by, action: 'revoking', reason: reasonOf(verdict), cutAt }];
  }
  if (isCalledOff) return [{ ...decided(), action: 'kept', reason: `${reasonOf(verdict)}: it is not cut` }];
  if (adopted && !before?.adopted && verdict.outcome === 'accept')
    return [
      {
        time,
        actor: adopted.by,
        action: 'adopted',
        ...(adopted.reason !== undefined && { reason: adopted.reason }),
      },
    ];
  return verdict.outcome === before?.verdict?.outcome ? [] : [decided()];
}

/** The asking that goes on, or begins: about something else than what people were asked before. */
function askedOf(
  before: ConnectionRecord | undefined,
  verdict: Verdict,
  revocation: LiveDecision['revocation'],
  service: Service,
  now: Date,
): Asking {
  const isForTime = verdict.outcome === 'reject' && revocation !== undefined;
  const deadline = isForTime ? revocation.cutAt : deadlineFrom(service, now);
  const goesOn =
    before?.asking !== undefined &&
    isOpen(before) &&
    !(before.verdict?.outcome === 'reject' && verdict.outcome === 'ask');
  if (!goesOn || !before.asking)
    return {
      group: service.approvers,
      since: now.toISOString(),
      deadline,
      version: before?.version ?? 0,
      stage: 'asked',
    };
  const goingOn = { ...before.asking, group: service.approvers };
  if (!isForTime || deadline === goingOn.deadline) return goingOn;
  // There is as much time again, and people are reminded again.
  return { ...goingOn, deadline, since: now.toISOString(), stage: 'asked' };
}

function warning(verdict: Verdict, { until }: NonNullable<LiveDecision['warned']>, now: Date): Happening {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'warned',
    reason: `${reasonOf(verdict)}, until ${until}`,
    cutAt: until,
  };
}

/** It was announced before the mode was switched by hand: it is not due, and is to be announced anew. */
export function announcedInVain(known: ConnectionRecord, now: Date): Transition {
  const { effect: _effect, revocation, ...before } = known;
  if (revocation?.cause !== 'policy') return { record: known, happenings: [] };
  return { record: before, happenings: [notCut('the mode was switched since it was announced', now)] };
}

/** Its time to be cut has come, and the budget of cuts is used up: it is not due, and people are to be asked. */
export function beyondBudget(known: ConnectionRecord, now: Date): Transition {
  const { effect: _effect, ...before } = known;
  const { revocation } = before;
  if (revocation?.cause !== 'policy' || revocation.overBudget) return { record: known, happenings: [] };
  return {
    record: { ...before, revocation: { ...revocation, overBudget: true } },
    happenings: [notCut('the budget of cuts in 24 hours is used up', now)],
  };
}

function notCut(reason: string, now: Date): Happening {
  return { time: now.toISOString(), actor: 'linkgate', action: 'refused', outcome: 'reject', reason };
}
