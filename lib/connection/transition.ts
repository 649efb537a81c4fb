import type { AllowlistEntry } from '../allowlist/entry.ts';
import { type Approval, type Heard, heardIn } from '../approval/approval.ts';
import { type Asking, isExpiry, type Stage } from '../approval/asking.ts';
import { type Action, auditWrites, type Consulted, type Happening } from '../audit/audit.ts';
import { agrees, isStopped, type Verdict } from '../policy/decide.ts';
import type { Write } from '../table/table.ts';
import { accountWrites } from './account-history.ts';
import { agendaWrites } from './agenda.ts';
import { type Connection, isLive } from './connection.ts';
import {
  type ConnectionRecord,
  type Effect,
  isOursToCut,
  newRecord,
  recordItem,
} from './connection-record.ts';
import { pointerWrites } from './due.ts';
import { waitingWrites } from './waiting.ts';

/** A change of a record, and what happened that is to be remembered. */
export interface Transition {
  readonly record: ConnectionRecord;
  readonly happenings: readonly Happening[];
}

/** The writes of a transition: record, audit entries and the pointers to the record, for one transaction. */
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
    ...waitingWrites(before, record),
    ...accountWrites(before, record),
    ...agendaWrites(before, record),
  ];
}

export interface Circumstances {
  readonly word?: Approval | undefined;
  /** All that people have said of it, `word` included. */
  readonly heard?: Heard;
  /** The asking that goes on, or begins now. */
  readonly asking?: Asking | undefined;
  /** What the word made of the account's entry in the allowlist. */
  readonly entry?: AllowlistEntry | undefined;
}

/** A request was decided, by policy alone or with a person's word. */
export function decided(
  before: ConnectionRecord | undefined,
  request: Connection,
  verdict: Verdict,
  consulted: Consulted,
  now: Date,
  { word, heard = heardIn(before), asking = before?.asking, entry }: Circumstances = {},
): Transition {
  const {
    verdict: _verdict,
    effect: _effect,
    goneAt: _goneAt,
    missingSince: _missingSince,
    approval: _approval,
    approvals: _approvals,
    notice,
    ...known
  } = before ?? newRecord(request);
  const effect = effectOf(verdict, before);
  const isExpired = isExpiry(verdict);
  const isAskedAnew = asking !== undefined && asking.group !== before?.asking?.group;
  // Among others of the group that was asked before nobody of the new one would see it.
  const isLeft = isAskedAnew && notice?.digest !== undefined;
  return {
    record: {
      ...known,
      // Deciding is not observing: that it is live already is recorded when it is tended.
      state: before && isLive(request.state) ? before.state : request.state,
      verdict: remembered(verdict, consulted, now, heard.approval),
      ...(effect && { effect }),
      ...heard,
      ...(asking && { asking: isExpired ? { ...asking, stage: 'expired' } : asking }),
      ...(notice && !isLeft && { notice }),
    },
    happenings: [
      ...(before ? [] : [requested(request)]),
      ...(asking && isExpired && asking.stage !== 'expired' ? [expired(asking, now)] : []),
      decision(verdict, consulted, now, word, entry),
      ...(isAskedAnew ? [asked(asking, now)] : []),
    ],
  };
}

/** What becomes of a connection that lives cannot be decided for now: what was to become of it stays due. */
export function heldLive(
  before: ConnectionRecord,
  verdict: Verdict,
  consulted: Consulted,
  now: Date,
): Transition {
  return {
    record: { ...before, verdict: remembered(verdict, consulted, now) },
    happenings: [decision(verdict, consulted, now)],
  };
}

/** What was rejected before linkgate knew of it has a verdict to hold against that answer, and nothing is due. */
export function decidedLate(
  connection: Connection,
  verdict: Verdict,
  consulted: Consulted,
  now: Date,
): Transition {
  return {
    record: { ...newRecord(connection), verdict: remembered(verdict, consulted, now) },
    happenings: [...found(connection, now), decision(verdict, consulted, now)],
  };
}

/** It is asked about in a new message; the one of before has yet to lose its buttons, or to say so. */
export function noticeAnew(before: ConnectionRecord['notice']): Pick<ConnectionRecord, 'notice'> {
  return before?.slack ? { notice: { mailed: [], formerly: before.slack } } : {};
}

export function remembered(verdict: Verdict, consulted: Consulted, now: Date, approval?: Approval) {
  const decidedBy = approval && agrees(verdict, approval) ? approval.by : 'linkgate';
  return { ...verdict, decidedAt: now.toISOString(), decidedBy, consulted };
}

export function decision(
  { outcome, findings }: Verdict,
  consulted: Consulted,
  now: Date,
  word?: Approval,
  entry?: AllowlistEntry,
): Happening {
  return {
    time: now.toISOString(),
    actor: word?.by ?? 'linkgate',
    action: actionOf(word),
    outcome,
    findings,
    consulted,
    ...(word?.reason !== undefined && { reason: word.reason }),
    ...(word?.ticket !== undefined && { ticket: word.ticket }),
    ...(word?.toConsumer !== undefined && { toConsumer: word.toConsumer }),
    ...(entry && { entry: { effect: entry.effect, ...(entry.expiresAt && { expiresAt: entry.expiresAt }) } }),
  };
}

export function asked({ group, deadline }: Asking, now: Date): Happening {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'asked',
    reason: `the approver group ${group}, until ${deadline}`,
  };
}

/** Nobody decided it in time. */
function expired({ deadline }: Asking, now: Date, andNow = ''): Happening {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'expired',
    reason: `nobody decided it before ${deadline}${andNow}`,
  };
}

/**
 * An open request that nobody decides has come to the next stage of its time.
 * @param escalation the group that is called upon beside the one that was asked, where there is one.
 */
export function advanced(
  before: ConnectionRecord & { readonly asking: Asking },
  stage: Stage,
  escalation: string | undefined,
  now: Date,
): Transition {
  const { asking } = before;
  const happening =
    stage === 'expired'
      ? expired(
          asking,
          now,
          isLive(before.state)
            ? '; it stays connected until somebody decides'
            : '; it stays open while EC2 shows it waiting',
        )
      : calledUpon(asking, stage === 'escalated' ? escalation : undefined, now);
  return { record: { ...before, asking: { ...asking, stage } }, happenings: [happening] };
}

function calledUpon({ group, deadline }: Asking, escalation: string | undefined, now: Date): Happening {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: escalation === undefined ? 'reminded' : 'escalated',
    reason: `the approver group ${escalation ?? group}, until ${deadline}`,
  };
}

/** EC2 was asked to accept or reject, and took it, as far as is known. */
export function applying(before: ConnectionRecord, action: Effect['action'], now: Date): Transition {
  const time = now.toISOString();
  return {
    record: called(before, action, time),
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
    record: called(before, action, time),
    happenings: [{ time, actor: 'ec2', action: 'refused', outcome: action, reason: why }],
  };
}

/** The service was unregistered before EC2 was brought to the verdict, or before people had decided. */
export function abandoned(known: ConnectionRecord, now: Date): Transition {
  // What was announced or said of it does not hold where its service is registered again one day.
  const { effect, revocation: _revocation, revoked: _revoked, kept: _kept, ...before } = known;
  const happening: Happening = {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'refused',
    reason: 'the service is no longer registered',
    ...(effect && { outcome: effect.action }),
  };
  const isAbandoned = before.state === 'pendingAcceptance' || isLive(before.state);
  return {
    record: { ...before, ...(isAbandoned && { abandonedAt: now.toISOString() }) },
    happenings: [happening],
  };
}

/** What is due may be something else by now; what EC2 was asked for it was asked for all the same. */
function called(before: ConnectionRecord, action: Effect['action'], time: string): ConnectionRecord {
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

/** What somebody else answered before linkgate knew of it. */
export function found(connection: Connection, now: Date): Happening[] {
  const { state } = connection;
  const time = now.toISOString();
  const reason =
    'it was so before linkgate decided it: somebody was faster, or the service accepts by itself';
  return [requested(connection), { time, actor: 'ec2', action: 'observed', state, reason }];
}

function requested(request: Connection): Happening {
  return {
    time: request.requestedAt,
    actor: `account ${request.ownerAccountId}`,
    action: 'requested',
    state: 'pendingAcceptance',
  };
}
