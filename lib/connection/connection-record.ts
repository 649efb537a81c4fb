import * as v from 'valibot';
import { Approval } from '../approval/approval.ts';
import { type Action, type Actor, auditWrite, Consulted, type Happening } from '../audit/audit.ts';
import { placeName } from '../place.ts';
import { Verdict } from '../policy/decide.ts';
import { itemKind } from '../table/item.ts';
import type { Item, Key, Write } from '../table/table.ts';
import {
  AccountId,
  Connection,
  type ConnectionState,
  EndpointId,
  isGone,
  isLive,
  ServiceId,
} from './connection.ts';

/** What EC2 is to be brought to. It is due until EC2 shows it. */
const Effect = v.object({
  action: v.picklist(['accept', 'reject']),
  /** ISO 8601: when EC2 was last asked; it is then left alone for a minute. */
  askedAt: v.exactOptional(v.string()),
  /** How often EC2 was asked. */
  asked: v.number(),
});
export type Effect = v.InferOutput<typeof Effect>;

/**
 * What linkgate remembers of a connection: who was asked and what they said.
 * Of EC2 it holds only what was last seen there, to notice a difference.
 */
export const ConnectionRecord = v.object({
  ...Connection.entries,
  /** The newest verdict, and what it rests on. */
  verdict: v.exactOptional(
    v.object({ ...Verdict.entries, decidedAt: v.string(), decidedBy: v.string(), consulted: Consulted }),
  ),
  approval: v.exactOptional(Approval),
  effect: v.exactOptional(Effect),
  /** ISO 8601: when EC2 was last asked to change this connection, also after the effect is done. */
  lastAskedAt: v.exactOptional(v.string()),
  /** Whether it is in the set of endpoints that count against an entry's `maxEndpoints`. */
  counted: v.exactOptional(v.boolean()),
  /** ISO 8601: the first whole pass in which EC2 did not list it. */
  missingSince: v.exactOptional(v.string()),
  goneAt: v.exactOptional(v.string()),
  /** How many audit entries it has. */
  audited: v.number(),
  version: v.number(),
});
export type ConnectionRecord = v.InferOutput<typeof ConnectionRecord>;

const kind = itemKind(ConnectionRecord.entries);

/** Records are spread over partitions by the last digit of the endpoint id, so that a burst does not meet in one. */
export const recordPartitions = [...'0123456789abcdef'].map((digit) => `CONNECTIONS#${digit}`);

export function recordKey(endpointId: string): Key {
  return { pk: `CONNECTIONS#${endpointId.slice(-1)}`, sk: endpointId };
}

export function readRecord(item: Item): ConnectionRecord {
  return kind.read(item);
}

const pointerKind = itemKind({
  endpointId: EndpointId,
  serviceId: ServiceId,
  ownerAccountId: AccountId,
  action: Effect.entries.action,
  version: v.number(),
});

/** Points at a record with something due, and says what it takes to look up all that the call rests on. */
export function readPointer(item: Item) {
  return pointerKind.read(item);
}

/** What is due in a place is one partition of pointers to records, changed in the same transactions as these. */
export function dueIn(place: Connection['place']): string {
  return `DUE#${placeName(place)}`;
}

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
      put: kind.item(recordKey(endpointId), { ...record, audited, version }),
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

function pointerWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const { place, endpointId, serviceId, ownerAccountId, effect } = after;
  if (before?.effect?.action === effect?.action) return [];
  const key: Key = { pk: dueIn(place), sk: endpointId };
  if (!effect) return [{ remove: key }];
  const value = { endpointId, serviceId, ownerAccountId, action: effect.action, version: 1 };
  return [{ put: pointerKind.item(key, value) }];
}

/** A request that a person may still decide. */
export function isOpen(record: ConnectionRecord): boolean {
  const outcome = record.verdict?.outcome;
  return (
    record.state === 'pendingAcceptance' &&
    record.approval === undefined &&
    outcome !== 'accept' &&
    outcome !== 'reject'
  );
}

/** Whether a verdict still rests on what is there now. */
export function isCurrent(
  verdict: ConnectionRecord['verdict'],
  consulted: Consulted,
  now: Date,
): verdict is NonNullable<ConnectionRecord['verdict']> {
  return (
    verdict !== undefined &&
    !hasRunOut(verdict, now) &&
    verdict.consulted.service === consulted.service &&
    verdict.consulted.entry === consulted.entry &&
    verdict.consulted.everyServiceEntry === consulted.everyServiceEntry
  );
}

export function hasRunOut({ until }: { readonly until?: string }, now: Date): boolean {
  return until !== undefined && new Date(until) <= now;
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
  } = before ?? fresh(request);
  const effect = effectOf(verdict, before?.effect);
  const word = approval ?? earlierApproval;
  return {
    record: {
      ...known,
      // Deciding is not observing: that it is live already is recorded when it is tended.
      state: before && isLive(request.state) ? before.state : request.state,
      verdict: { ...verdict, decidedAt: time, decidedBy: word?.by ?? 'linkgate', consulted },
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

/** How long after linkgate asked EC2 for something a late answer to it can still surprise, in milliseconds. */
const lateAnswers = 5 * 60_000;

/** Whether EC2 was asked for something so recently that it may still show it late. */
export function mayChangeLate({ lastAskedAt }: ConnectionRecord, now: Date): boolean {
  return lastAskedAt !== undefined && now.getTime() - new Date(lastAskedAt).getTime() < lateAnswers;
}

/** Whether a request may still become live: by its verdict, or because EC2 was asked before the verdict changed. */
export function mayBecomeLive(record: ConnectionRecord, now: Date): boolean {
  return record.verdict?.outcome === 'accept' || mayChangeLate(record, now);
}

/** Whether it counts as one of its account's endpoints, as far as is remembered. */
export function isOrMayBeLive(record: ConnectionRecord, now: Date): boolean {
  return isLive(record.state) || (record.state === 'pendingAcceptance' && mayBecomeLive(record, now));
}

/**
 * EC2 shows a connection otherwise than it is remembered.
 * @param registeredAt ISO 8601: connections from before are recorded and left alone.
 * @returns undefined where there is nothing to remember.
 */
export function observed(
  before: ConnectionRecord | undefined,
  connection: Connection,
  registeredAt: string,
  now: Date,
): Transition | undefined {
  const time = now.toISOString();
  const { state } = connection;
  if (!before) {
    if (isGone(state)) return undefined;
    const reason =
      connection.requestedAt < registeredAt
        ? 'older than the registration of the service'
        : 'found so; linkgate did not decide it';
    return {
      record: fresh(connection),
      happenings: [{ time, actor: 'linkgate', action: 'observed', state, reason }],
    };
  }

  const { missingSince: _missingSince, goneAt: _goneAt, ...found } = before;
  const seen = { ...found, state };
  const { effect, ...done } = seen;
  const happened = (action: Action, more: Partial<Happening> = {}): Happening[] => [
    { time, actor: 'ec2', action, state, ...more },
  ];

  if (isGone(state)) {
    if (before.goneAt !== undefined) return undefined;
    return { record: { ...done, goneAt: time }, happenings: happened('gone') };
  }
  // What is being deleted can only be gone, and what is gone is not being deleted any more: that is old news.
  if (before.state === 'deleting' || (before.goneAt !== undefined && state === 'deleting')) return undefined;
  if (effect && fulfils(effect.action, state))
    return { record: done, happenings: happened('applied', { outcome: effect.action }) };
  if (effect?.action === 'accept' && state === 'rejected')
    return {
      record: done,
      happenings: happened('refused', {
        outcome: 'accept',
        reason: 'EC2 shows it rejected; the consumer has to create a new endpoint',
      }),
    };
  if (before.state === state)
    return before.missingSince === undefined ? undefined : { record: seen, happenings: [] };
  if (effect) return { record: seen, happenings: [] };
  return unasked(before, seen, time, now) ?? { record: seen, happenings: [] };
}

/** EC2 changed something that nothing due explains. */
function unasked(
  before: ConnectionRecord,
  seen: ConnectionRecord,
  time: string,
  now: Date,
): Transition | undefined {
  const { state } = seen;
  const outcome = before.verdict?.outcome;
  const changed = isLive(state) !== isLive(before.state) || state === 'rejected';
  if (!changed || state === 'deleting') return undefined;
  if (outcome === 'reject' && isLive(state) && mayChangeLate(before, now))
    return {
      record: { ...seen, effect: { action: 'reject', asked: 0 } },
      happenings: [
        {
          time,
          actor: 'ec2',
          action: 'observed',
          state,
          reason: 'an earlier call took effect late; it is put right',
        },
      ],
    };
  return {
    record: seen,
    happenings: [
      {
        time,
        actor: 'ec2',
        action: 'observed',
        state,
        reason: `it became ${state}, which the newest verdict did not ask for: by hand, or by an earlier call that took effect late`,
      },
    ],
  };
}

/** A whole pass did not list the connection; the second one in a row says that it is gone. */
export function missing(before: ConnectionRecord, passStartedAt: string, now: Date): Transition {
  if (before.missingSince === undefined)
    return { record: { ...before, missingSince: passStartedAt }, happenings: [] };
  const { effect: _effect, missingSince: _missingSince, ...rest } = before;
  const time = now.toISOString();
  return {
    record: { ...rest, state: 'deleted', goneAt: time },
    happenings: [{ time, actor: 'ec2', action: 'gone', reason: 'EC2 did not list it in two whole passes' }],
  };
}

/** Whether EC2 shows what was wanted. */
export function fulfils(action: Effect['action'], state: ConnectionState): boolean {
  return action === 'accept' ? isLive(state) : state === 'rejected';
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

function fresh(connection: Connection): ConnectionRecord {
  return { ...connection, audited: 0, version: 0 };
}
