import { type Approval, type Heard, heardIn } from '../approval/approval.ts';
import { type Action, type Actor, auditWrites, type Consulted, type Happening } from '../audit/audit.ts';
import { agrees, type Verdict } from '../policy/decide.ts';
import type { Write } from '../table/table.ts';
import { type Connection, isAnswered, isLive } from './connection.ts';
import { type ConnectionRecord, type Effect, newRecord, recordItem } from './connection-record.ts';
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
 * A request was decided, by policy alone or with a person's word. What somebody else answered before linkgate knew of it
 * gets a verdict to hold against that answer, and nothing is due.
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
  const time = now.toISOString();
  const actor: Actor = word?.by ?? 'linkgate';
  const { approval } = heard;
  const isForeign = !before && isAnswered(request.state);
  const {
    verdict: _verdict,
    effect: _effect,
    goneAt: _goneAt,
    missingSince: _missingSince,
    ...known
  } = before ?? newRecord(request);
  const effect = isForeign ? undefined : effectOf(verdict, before?.effect);
  return {
    record: {
      ...known,
      // Deciding is not observing: that it is live already is recorded when it is tended.
      state: before && isLive(request.state) ? before.state : request.state,
      verdict: {
        ...verdict,
        decidedAt: time,
        decidedBy: approval && agrees(verdict, approval) ? approval.by : 'linkgate',
        consulted,
      },
      ...(effect && { effect }),
      ...heard,
    },
    happenings: [
      ...(before ? [] : [requested(request)]),
      ...(isForeign ? [foundAnswered(request, time)] : []),
      {
        time,
        actor,
        action: actionOf(word),
        outcome: verdict.outcome,
        findings: verdict.findings,
        consulted,
        ...(word?.reason !== undefined && { reason: word.reason }),
      },
    ],
  };
}

/** EC2 was asked to accept or reject, and took it, as far as is known. */
export function applying(before: ConnectionRecord, action: Effect['action'], now: Date): Transition {
  const time = now.toISOString();
  return {
    record: { ...before, ...askedAgain(before, action, time), lastAskedAt: time },
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
    record: { ...before, ...askedAgain(before, action, time), lastAskedAt: time },
    happenings: [{ time, actor: 'ec2', action: 'refused', outcome: action, reason: why }],
  };
}

/** What was to be cut was accepted by somebody else while linkgate only observed: it stays, and its verdict beside it. */
export function letStay({ effect: _effect, ...before }: ConnectionRecord): Transition {
  return { record: before, happenings: [] };
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

function askedAgain(before: ConnectionRecord, action: Effect['action'], time: string) {
  return before.effect?.action === action
    ? { effect: { action, asked: before.effect.asked + 1, askedAt: time } }
    : {};
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

/** What the verdict wants of EC2; that it was asked for already is not forgotten. */
function effectOf({ outcome }: Verdict, before: Effect | undefined): Effect | undefined {
  if (outcome !== 'accept' && outcome !== 'reject') return undefined;
  return before?.action === outcome ? before : { action: outcome, asked: 0 };
}

function actionOf(word: Approval | undefined): Action {
  if (!word) return 'decided';
  return word.decision === 'approve' ? 'approved' : 'denied';
}

function foundAnswered({ state }: Connection, time: string): Happening {
  return { time, actor: 'ec2', action: 'observed', state, reason: 'somebody else was faster than linkgate' };
}

function requested(request: Connection): Happening {
  return {
    time: request.requestedAt,
    actor: `account ${request.ownerAccountId}`,
    action: 'requested',
    state: 'pendingAcceptance',
  };
}
