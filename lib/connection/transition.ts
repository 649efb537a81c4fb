import { type Approval, type Heard, heardIn } from '../approval/approval.ts';
import { type Action, auditWrites, type Consulted, type Happening } from '../audit/audit.ts';
import { agrees, isStopped, type Verdict } from '../policy/decide.ts';
import type { Write } from '../table/table.ts';
import { type Connection, isLive } from './connection.ts';
import {
  type ConnectionRecord,
  type Effect,
  isOursToCut,
  newRecord,
  recordItem,
} from './connection-record.ts';
import { pointerWrites } from './due.ts';

/** A change of a record, and what happened that is to be remembered. */
export interface Transition {
  readonly record: ConnectionRecord;
  readonly happenings: readonly Happening[];
}

/** The writes of a transition: record, audit entries and the pointer to what is due, for one transaction. */
export function transitionWrites(
  before: ConnectionRecord | undefined,
  { record, happenings }: Transition,
  requestId: string,
): Write[] {
  const { audited, auditHead } = before ?? { audited: 0 };
  const trail = { endpointId: record.endpointId, audited, ...(auditHead && { auditHead }) };
  const audit = auditWrites(trail, happenings, requestId);
  return [
    {
      put: recordItem({ ...record, ...audit.trail, version: (before?.version ?? 0) + 1 }),
      expected: before?.version ?? 0,
    },
    ...audit.writes,
    ...pointerWrites(before, record),
  ];
}

/**
 * A request was decided, by policy alone or with a person's word.
 * @param heard all that people have said of it, `word` included.
 */
export function decided(
  before: ConnectionRecord | undefined,
  request: Connection,
  verdict: Verdict,
  consulted: Consulted,
  now: Date,
  { word, heard = heardIn(before) }: { readonly word?: Approval | undefined; readonly heard?: Heard } = {},
): Transition {
  const {
    verdict: _verdict,
    effect: _effect,
    goneAt: _goneAt,
    missingSince: _missingSince,
    ...known
  } = before ?? newRecord(request);
  const effect = effectOf(verdict, before);
  return {
    record: {
      ...known,
      // Deciding is not observing: that it is live already is recorded when it is tended.
      state: before && isLive(request.state) ? before.state : request.state,
      verdict: remembered(verdict, consulted, now, heard.approval),
      ...(effect && { effect }),
      ...heard,
    },
    happenings: [...(before ? [] : [requested(request)]), decision(verdict, consulted, now, word)],
  };
}

/** What was answered before linkgate knew of it has a verdict to hold against that answer, and nothing is due. */
export function decidedLate(
  connection: Connection,
  verdict: Verdict,
  consulted: Consulted,
  now: Date,
): Transition {
  return {
    record: { ...newRecord(connection), verdict: remembered(verdict, consulted, now) },
    happenings: [
      requested(connection),
      foundAnswered(connection, now.toISOString()),
      decision(verdict, consulted, now),
    ],
  };
}

function remembered(verdict: Verdict, consulted: Consulted, now: Date, approval?: Approval) {
  const decidedBy = approval && agrees(verdict, approval) ? approval.by : 'linkgate';
  return { ...verdict, decidedAt: now.toISOString(), decidedBy, consulted };
}

function decision(
  { outcome, findings }: Verdict,
  consulted: Consulted,
  now: Date,
  word?: Approval,
): Happening {
  return {
    time: now.toISOString(),
    actor: word?.by ?? 'linkgate',
    action: actionOf(word),
    outcome,
    findings,
    consulted,
    ...(word?.reason !== undefined && { reason: word.reason }),
  };
}

/** EC2 was asked to accept or reject, and took it, as far as is known. */
export function applying(before: ConnectionRecord, action: Effect['action'], now: Date): Transition {
  const time = now.toISOString();
  return {
    record: asked(before, action, time),
    happenings: [{ time, actor: 'linkgate', action: 'applying', outcome: action }],
  };
}

/** EC2 answered that it would not do it. It is asked again later; a person reads why in the history. */
export function refused(
  before: ConnectionRecord,
  action: Effect['action'],
  why: string,
  now: Date,
): Transition {
  const time = now.toISOString();
  return {
    record: asked(before, action, time),
    happenings: [{ time, actor: 'ec2', action: 'refused', outcome: action, reason: why }],
  };
}

/** The service was unregistered before EC2 was brought to the verdict. */
export function abandoned({ effect, ...before }: ConnectionRecord, now: Date): Transition {
  const happening: Happening = {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'refused',
    reason: 'the service is no longer registered',
    ...(effect && { outcome: effect.action }),
  };
  return { record: before, happenings: [happening] };
}

/** What is due may be something else by now; what EC2 was asked for it was asked for all the same. */
function asked(before: ConnectionRecord, action: Effect['action'], time: string): ConnectionRecord {
  const { effect } = before;
  return {
    ...before,
    ...(effect?.action === action && { effect: { action, asked: effect.asked + 1, askedAt: time } }),
    ...(action === 'accept' && { acceptAskedAt: time }),
  };
}

/** A whole pass did not list the connection; the second one in a row says that it is gone. */
export function missing(before: ConnectionRecord, passStartedAt: string, now: Date): Transition {
  if (before.missingSince === undefined)
    return { record: { ...before, missingSince: passStartedAt }, happenings: [] };
  const { effect: _effect, missingSince: _missingSince, ...rest } = before;
  const time = now.toISOString();
  return {
    record: { ...rest, state: 'deleted', goneAt: time, observedAt: passStartedAt },
    happenings: [{ time, actor: 'ec2', action: 'gone', reason: 'EC2 did not list it in two whole passes' }],
  };
}

/**
 * What the verdict wants of EC2; that it was asked for already is not forgotten. What linkgate is to take back stays due while
 * something stops its service: nothing else leads back to what lives.
 */
function effectOf(verdict: Verdict, before: ConnectionRecord | undefined): Effect | undefined {
  const { outcome } = verdict;
  if (before && isStopped(verdict) && isOursToCut(before)) return before.effect;
  if (outcome !== 'accept' && outcome !== 'reject') return undefined;
  return before?.effect?.action === outcome ? before.effect : { action: outcome, asked: 0 };
}

function actionOf(word: Approval | undefined): Action {
  if (!word) return 'decided';
  return word.decision === 'approve' ? 'approved' : 'denied';
}

function foundAnswered({ state }: Connection, time: string): Happening {
  const reason =
    'it was so before linkgate decided it: somebody was faster, or the service accepts by itself; it stays';
  return { time, actor: 'ec2', action: 'observed', state, reason };
}

function requested(request: Connection): Happening {
  return {
    time: request.requestedAt,
    actor: `account ${request.ownerAccountId}`,
    action: 'requested',
    state: 'pendingAcceptance',
  };
}
