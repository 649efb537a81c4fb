import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { Change } from '../announcement/announce.ts';
import { stageAt } from '../approval/asking.ts';
import { standingOf } from '../approval/standing.ts';
import { EndpointId, isLive } from '../connection/connection.ts';
import {
  type ConnectionRecord,
  isOpen,
  readRecord,
  recordPartitions,
} from '../connection/connection-record.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { isStopped } from '../policy/decide.ts';
import { Expiring } from './warned.ts';

/** What people are to be shown anew: a request by its endpoint, or a digest of many; or told once: that somebody's access ends. */
export const Subject = v.union([
  v.object({ endpointId: EndpointId }),
  v.object({ digest: v.string() }),
  v.object({ expiring: Expiring }),
]);
export type Subject = Readonly<v.InferOutput<typeof Subject>>;

/** Has people told; a ring too many finds that all is shown already. */
export interface Notices {
  ring(subjects: readonly Subject[]): Promise<void>;
  /** Later: while a digest grows, or when Slack said how long to wait. At most 900 seconds. */
  ringAfter(seconds: number, subjects: readonly Subject[]): Promise<void>;
}

/** How long a digest is let grow before it is drawn anew, in seconds. */
export const digestGrows = 5;

/** All of a record that people are shown: what they see is drawn anew when it changes, and only then. */
export function faceOf(record: ConnectionRecord): string {
  const { verdict, approval, approvals, asking } = record;
  const { status, settled } = standingOf(record);
  const findings = isOpen(record) ? (verdict?.findings ?? []) : [];
  const seen = [
    status,
    settled && [settled.by, settled.at, verdict?.consulted.mode],
    approval && [approval.by, approval.at],
    approvals && [approvals.quorum, ...approvals.words.map(({ by, at }) => [by, at])],
    findings.map(({ reason }) => reason),
    asking && [asking.group, asking.stage],
    ...tenureOf(record),
  ];
  return createHash('sha256').update(JSON.stringify(seen)).digest('base64url');
}

/** What is shown of a connection that lives; nothing of others, so that their messages are what they were. */
function tenureOf({ state, revocation, kept }: ConnectionRecord): string[] {
  if (!isLive(state) || !revocation) return [];
  return [revocation.cutAt, revocation.overBudget ? 'over budget' : '', kept?.at ?? ''];
}

/** Whether people have yet to be shown what a record says, or to be reminded. A digest knows itself what it shows. */
export function isNoticeDue(record: ConnectionRecord, now: Date): boolean {
  const { asking, notice } = record;
  if (!asking) return false;
  if (notice?.digest !== undefined) return isOpen(record);
  return (
    notice?.face !== faceOf(record) || (isCalledUponFor(record) && stageAt(asking, now) !== asking.stage)
  );
}

/** Whether people are reminded of it: not while something keeps it, whatever they say. */
export function isCalledUponFor(record: ConnectionRecord): boolean {
  return isOpen(record) && !(record.verdict && isStopped(record.verdict));
}

export function subjectOf({ endpointId, notice }: ConnectionRecord): Subject {
  return notice?.digest === undefined ? { endpointId } : { digest: notice.digest };
}

/** Has people told of requests that they were asked about and that changed. */
export async function ringForChanged(
  changes: readonly Change[],
  { notices, now, report }: { readonly notices: Notices } & Pick<Invocation, 'now' | 'report'>,
): Promise<void> {
  const told = await Promise.all(changes.map((change) => orReport(report, () => ringsFor(change, now()))));
  const rings = told.flatMap((each) => each ?? []);
  const subjects = (isLater: boolean) =>
    distinct(rings.filter((ring) => ring.isLater === isLater).map(({ subject }) => subject));
  await notices.ring(subjects(false));
  await notices.ringAfter(digestGrows, subjects(true));
}

interface Ring {
  readonly subject: Subject;
  /** What comes with many others is told of once those have come too. */
  readonly isLater: boolean;
}

function ringsFor({ before: old, after: item }: Change, now: Date): Ring[] {
  if (!item || !recordPartitions.includes(item.pk)) return [];
  const after = readRecord(item);
  const before = old && readRecord(old);
  return [...toTellOf(before, after, now), ...toWarnOf(before, after)];
}

/**
 * What is to be told of, where a change of a record is one that people are to be told of. Stages and notices are written by
 * those who tell of them, and need no ring.
 */
function toTellOf(before: ConnectionRecord | undefined, after: ConnectionRecord, now: Date): Ring[] {
  if (!after.asking || isShownAlike(before, after)) return [];
  const { notice, state } = after;
  const left = before?.notice?.digest;
  const isInDigest = notice?.digest !== undefined;
  // One change of the policy brings all connections of an account into question.
  const isLater = isInDigest || (notice === undefined && isLive(state));
  return [
    ...(isInDigest || isNoticeDue(after, now) ? [{ subject: subjectOf(after), isLater }] : []),
    ...(left !== undefined && left !== notice?.digest ? [{ subject: { digest: left }, isLater: true }] : []),
  ];
}

/** The same warning comes with every connection of the account. */
function toWarnOf(before: ConnectionRecord | undefined, after: ConnectionRecord): Ring[] {
  const { warned, serviceId, ownerAccountId: accountId } = after;
  if (!warned || isDeepStrictEqual(warned, before?.warned)) return [];
  return [{ subject: { expiring: { serviceId, accountId, ...warned } }, isLater: true }];
}

function isShownAlike(before: ConnectionRecord | undefined, after: ConnectionRecord): boolean {
  if (!before?.asking || !after.asking) return false;
  const { stage } = after.asking;
  return faceOf({ ...before, asking: { ...before.asking, stage } }) === faceOf(after);
}

export function distinct<Each extends Subject>(subjects: readonly Each[]): Each[] {
  return [...new Map(subjects.map((subject) => [JSON.stringify(subject), subject])).values()];
}
