import { isGone, isLive } from '../connection/connection.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import { agrees, isStopped, reasonOf } from '../policy/decide.ts';
import type { Approval } from './approval.ts';

/** How a request stands, for people. `connected` and `rejected` only when EC2 shows it. */
export interface Standing {
  readonly status:
    | 'open'
    | 'stopped'
    | 'accepting'
    | 'connected'
    | 'rejecting'
    | 'rejected'
    | 'abandoned'
    | 'gone';
  /** Who settled it: a person's word, or linkgate by its policy; nobody yet, or nobody that linkgate knows. */
  readonly settled?: {
    readonly by: string;
    readonly at: string;
    readonly reason?: string;
    readonly ticket?: string;
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

function statusOf({ state, verdict, goneAt, abandonedAt }: ConnectionRecord): Standing['status'] {
  if (goneAt !== undefined || isGone(state) || state === 'deleting') return 'gone';
  if (isLive(state)) return state === 'available' ? 'connected' : 'accepting';
  if (state === 'rejected') return 'rejected';
  if (abandonedAt !== undefined) return 'abandoned';
  if (verdict?.outcome === 'accept') return 'accepting';
  if (verdict?.outcome === 'reject') return 'rejecting';
  return verdict && isStopped(verdict) ? 'stopped' : 'open';
}

function settledBy({ approval, verdict }: ConnectionRecord): Standing['settled'] {
  if (!verdict || (verdict.outcome !== 'accept' && verdict.outcome !== 'reject')) return undefined;
  if (approval && agrees(verdict, approval)) {
    const { by, at, reason, ticket } = approval;
    return { by, at, ...(reason !== undefined && { reason }), ...(ticket !== undefined && { ticket }) };
  }
  return { by: verdict.decidedBy, at: verdict.decidedAt, reason: reasonOf(verdict) };
}
