import { isConnected } from '../privatelink/connection.ts';
import { isPaused } from '../verdicts/verdict.ts';
import type { ConnectionRecord } from './connection-record.ts';
import { nextWarningTime } from './expiry-warning-days.ts';

/**
 * Returns the time when linkgate re-evaluates a connected endpoint without any change (ISO 8601): for its disconnect, or for a
 * warning. linkgate evaluates a connection that others accepted once, as soon as it detects the connection.
 */
export function nextReevaluation(record: ConnectionRecord): string | undefined {
  const {
    state,
    verdict,
    revocation,
    revokeOrder,
    pendingEffect,
    serviceDeregisteredAt,
    reevaluatedAt,
    observedAt,
    requestedAt,
  } = record;
  if (!isConnected(state) || pendingEffect || serviceDeregisteredAt !== undefined) return undefined;
  if (revokeOrder && revokeOrder.at > (reevaluatedAt ?? '')) return revokeOrder.at;
  if (!verdict) return undefined;
  if (verdict.outcome === 'accept')
    return verdict.until === undefined ? undefined : nextWarningTime(verdict.until, verdict.decidedAt);
  // The end of a pause changes an item, and that change causes a re-evaluation.
  if (isPaused(verdict)) return undefined;
  if (revocation) return verdict.outcome === 'reject' ? revocation.disconnectAt : undefined;
  return reevaluatedAt === undefined ? (observedAt ?? requestedAt) : undefined;
}
