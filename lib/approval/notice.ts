import * as v from 'valibot';
import type { Change } from '../announcement/announce.ts';
import { EndpointId } from '../connection/connection.ts';
import {
  type ConnectionRecord,
  isOpen,
  readRecord,
  recordPartitions,
} from '../connection/connection-record.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { stageAt } from './asking.ts';

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
export function faceOf({ state, verdict, approval, approvals, effect, asking }: ConnectionRecord): string {
  return [
    state,
    verdict?.outcome,
    verdict?.decidedAt,
    approval?.at,
    ...(approvals?.words ?? []).map(({ by, at }) => `${by}@${at}`),
    effect && `${effect.action}:${effect.asked > 0}`,
    asking?.stage,
  ].join(' ');
}

/** Whether people have yet to be shown what a record says, or to be reminded. A digest knows itself what it shows. */
export function isNoticeDue(record: ConnectionRecord, now: Date): boolean {
  const { asking, notice } = record;
  if (!asking) return false;
  if (notice?.digest !== undefined) return isOpen(record);
  return notice?.face !== faceOf(record) || (isOpen(record) && stageAt(asking, now) !== asking.stage);
}

export function subjectOf({ endpointId, notice }: ConnectionRecord): Subject {
  return notice?.digest === undefined ? { endpointId } : { digest: notice.digest };
}

/** Has people told of requests that they were asked about and that changed. */
export async function ringForChanged(
  changes: readonly Change[],
  { notices, now, report }: { readonly notices: Notices } & Pick<Invocation, 'now' | 'report'>,
): Promise<void> {
  const records = await Promise.all(changes.map((change) => orReport(report, () => toTellOf(change))));
  const asked = records.filter((record) => record !== undefined);
  const [inDigests, alone] = [
    asked.filter(({ notice }) => notice?.digest !== undefined),
    asked.filter((record) => record.notice?.digest === undefined && isNoticeDue(record, now())),
  ];
  await notices.ring(distinct(alone.map(subjectOf)));
  await notices.ringAfter(digestGrows, distinct(inDigests.map(subjectOf)));
}

/**
 * The record, where a change of it is one that people are to be told of. Stages and notices are written by those who tell
 * of them, and need no ring.
 */
function toTellOf({ before: old, after: item }: Change): ConnectionRecord | undefined {
  if (!item || !recordPartitions.includes(item.pk)) return undefined;
  const after = readRecord(item);
  if (!after.asking) return undefined;
  const before = old && readRecord(old);
  if (!before?.asking) return after;
  return faceOf({ ...before, asking: after.asking }) === faceOf(after) ? undefined : after;
}

export function distinct(subjects: readonly Subject[]): Subject[] {
  return [...new Map(subjects.map((subject) => [JSON.stringify(subject), subject])).values()];
}
