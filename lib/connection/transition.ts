import type { Approval } from '../approval/approval.ts';
import { type Action, type Actor, auditWrite, type Consulted, type Happening } from '../audit/audit.ts';
import { agrees, type Verdict } from '../policy/decide.ts';
import type { Write } from '../table/table.ts';
import { type Connection, isLive } from './connection.ts';
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
  const { endpointId } = record;
  const version = (before?.version ?? 0) + 1;
  const audited = (before?.audited ?? 0) + happenings.length;
  return [
    {
      put: recordItem({ ...record, audited, version }),
      expected: before?.version ?? 0,
    },
    ...happenings.map((happening, index) =>
      auditWrite({
        ...happening,
        endpointId,
        sequence: (before?.audited ?? 0) + index + 1,
        requestId,
      }),
    ),
    ...pointerWrites(before, record),
  ];
}

/** A request was decided, by policy alone or with a person's word. */
export function decided(
  before: ConnectionRecord | undefined,
  request: Connection,
  verdict: Verdict,
  consulted: Consulted,
  now: Date,
  approval?: Approval,
): Transition {
  const time = now.toISOString();
  const actor: Actor = approval?.by ?? 'linkgate';
  const {
    verdict: _verdict,
    effect: _effect,
    goneAt: _goneAt,
    missingSince: _missingSince,
    approval: earlierApproval,
    ...known
  } = before ?? newRecord(request);
  const effect = effectOf(verdict, before?.effect);
  const word = approval ?? earlierApproval;
  return {
    record: {
      ...known,
      // Deciding is not observing: that it is live already is recorded when it is tended.
      state: before && isLive(request.state) ? before.state : request.state,
      verdict: {
        ...verdict,
        decidedAt: time,
        decidedBy: word && agrees(verdict, word) ? word.by : 'linkgate',
        consulted,
      },
      ...(effect && { effect }),
      ...(word && { approval: word }),
    },
    happenings: [
      ...(before ? [] : [requested(request)]),
      {
        time,
        actor,
        action: actionOf(approval),
        outcome: verdict.outcome,
        findings: verdict.findings,
        consulted,
        ...(approval?.reason !== undefined && { reason: approval.reason }),
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

function actionOf(approval: Approval | undefined): Action {
  if (!approval) return 'decided';
  return approval.decision === 'approve' ? 'approved' : 'denied';
}

function requested(request: Connection): Happening {
  return {
    time: request.requestedAt,
    actor: `account ${request.ownerAccountId}`,
    action: 'requested',
    state: 'pendingAcceptance',
  };
}
