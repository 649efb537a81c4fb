import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Change } from '../announcement/announce.ts';
import { stageAt } from '../approval/asking.ts';
import { standingOf } from '../approval/standing.ts';
import { EndpointId } from '../connection/connection.ts';
import {
  type ConnectionRecord,
  isOpen,
  readRecord,
  recordPartitions,
} from '../connection/connection-record.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { isStopped } from '../policy/decide.ts';

/** What people are to be shown anew: a request by its endpoint, or a digest of many. */
export const Subject = v.union([v.object({ endpointId: EndpointId }), v.object({ digest: v.string() })]);
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
  ];
  return createHash('sha256').update(JSON.stringify(seen)).digest('base64url');
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
  const told = await Promise.all(changes.map((change) => orReport(report, () => toTellOf(change, now()))));
  const subjects = told.flatMap((each) => each ?? []);
  await notices.ring(distinct(subjects.filter((subject) => 'endpointId' in subject)));
  await notices.ringAfter(digestGrows, distinct(subjects.filter((subject) => 'digest' in subject)));
}

/**
 * What is to be told of, where a change of a record is one that people are to be told of. Stages and notices are written by
 * those who tell of them, and need no ring.
 */
function toTellOf({ before: old, after: item }: Change, now: Date): Subject[] {
  if (!item || !recordPartitions.includes(item.pk)) return [];
  const after = readRecord(item);
  const before = old && readRecord(old);
  if (!after.asking || isShownAlike(before, after)) return [];
  const left = before?.notice?.digest;
  return [
    ...(after.notice?.digest !== undefined || isNoticeDue(after, now) ? [subjectOf(after)] : []),
    ...(left !== undefined && left !== after.notice?.digest ? [{ digest: left }] : []),
  ];
}

function isShownAlike(before: ConnectionRecord | undefined, after: ConnectionRecord): boolean {
  if (!before?.asking || !after.asking) return false;
  const { stage } = after.asking;
  return faceOf({ ...before, asking: { ...before.asking, stage } }) === faceOf(after);
}

export function distinct(subjects: readonly Subject[]): Subject[] {
  return [...new Map(subjects.map((subject) => [JSON.stringify(subject), subject])).values()];
}
