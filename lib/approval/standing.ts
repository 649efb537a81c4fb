import { isGone, isLive } from '../connection/connection.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import { agrees, isStopped, reasonOf } from '../policy/decide.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { Approval } from './approval.ts';

/** How a request or a connection stands, for people. `connected`, `rejected` and `cut` only when EC2 shows it. */
export interface Standing {
  readonly status:
    | 'open'
    | 'stopped'
    | 'accepting'
    | 'connected'
    | 'rejecting'
    | 'rejected'
    | 'abandoned'
    | 'gone'
    /** It lives, and is cut when its time is over. */
    | 'ending'
    /** It lives, and people are asked whether it stays: nothing becomes of it by itself. */
    | 'doubted'
    /** It lives, and what was to become of it waits for what stops its service. */
    | 'halted'
    /** It lives, and after people were asked about it that was settled. */
    | 'staying'
    | 'cutting'
    | 'cut';
  /** Who settled it: a person's word, or linkgate by its policy; nobody yet, or nobody that linkgate knows. */
  readonly settled?: {
    readonly by: string;
    readonly at: string;
    readonly reason?: string;
    readonly ticket?: string;
    /** Where it is cut, why that is; a person's word on what they were asked comes before it. */
    readonly cause?: Revocation['cause'];
  };
  /** Where it takes several: what people have said so far. */
  readonly approvals?: { readonly words: readonly Approval[]; readonly quorum: number };
  /** Nobody decided it in time; it may still be open. */
  readonly isExpired: boolean;
}

export function standingOf(record: ConnectionRecord): Standing {
  const { approvals, asking } = record;
  const settled = settledBy(record);
  return {
    status: statusOf(record),
    ...(settled && { settled }),
    ...(approvals && { approvals }),
    isExpired: asking?.stage === 'expired',
  };
}

/**
 * What people are asked: whether to let a connection in, or whether one that lives stays, which is cut at a certain time or only
 * by their word.
 */
export type Matter = 'request' | 'ending' | 'doubted';

export function matterOf(record: ConnectionRecord): Matter {
  return matters[statusOf(record)] ?? 'request';
}

const matters: Readonly<Partial<Record<Standing['status'], Matter>>> = {
  ending: 'ending',
  doubted: 'doubted',
  halted: 'doubted',
  staying: 'doubted',
  cutting: 'doubted',
  cut: 'doubted',
};

function statusOf(record: ConnectionRecord): Standing['status'] {
  const { state, verdict, goneAt, abandonedAt, revocation } = record;
  if (goneAt !== undefined || isGone(state) || state === 'deleting') return 'gone';
  if (isLive(state)) return statusOfLive(record);
  if (state === 'rejected') return revocation ? 'cut' : 'rejected';
  if (abandonedAt !== undefined) return 'abandoned';
  if (verdict?.outcome === 'accept') return 'accepting';
  if (verdict?.outcome === 'reject') return 'rejecting';
  return verdict && isStopped(verdict) ? 'stopped' : 'open';
}

function statusOfLive(record: ConnectionRecord): Standing['status'] {
  const { state, verdict, effect, revocation } = record;
  const isToBeCut = effect?.action === 'reject';
  if (verdict && isStopped(verdict) && (isToBeCut || isOpen(record))) return 'halted';
  if (isToBeCut) return 'cutting';
  if (verdict && isOpen(record))
    return verdict.outcome === 'reject' && !revocation?.overBudget ? 'ending' : 'doubted';
  if (wasAskedAsLive(record) && verdict?.outcome === 'accept') return 'staying';
  return state === 'available' ? 'connected' : 'accepting';
}

/** Whether people were asked after linkgate asked EC2 to accept it, where it ever did. */
function wasAskedAsLive({ asking, reviewedAt, acceptAskedAt = '' }: ConnectionRecord): boolean {
  return asking !== undefined && reviewedAt !== undefined && asking.since > acceptAskedAt;
}

function settledBy(record: ConnectionRecord): Standing['settled'] {
  const { approval, verdict, revocation } = record;
  if (!verdict || (verdict.outcome !== 'accept' && verdict.outcome !== 'reject') || isOpen(record))
    return undefined;
  if (approval && agrees(verdict, approval)) return saidIn(approval);
  if (verdict.outcome === 'reject' && revocation) return cutBy(record, revocation, reasonOf(verdict));
  return { by: verdict.decidedBy, at: verdict.decidedAt, reason: reasonOf(verdict) };
}

function cutBy({ verdict, revoked }: ConnectionRecord, { cause, by, since }: Revocation, reason: string) {
  if (cause === 'person' && revoked) return { ...saidIn(revoked), cause };
  // What takes its time is settled when that is over.
  return { by, at: cause === 'policy' ? (verdict?.decidedAt ?? since) : since, reason, cause };
}

function saidIn({ by, at, reason, ticket }: Pick<Approval, 'by' | 'at' | 'reason' | 'ticket'>) {
  return { by, at, ...(reason !== undefined && { reason }), ...(ticket !== undefined && { ticket }) };
}
