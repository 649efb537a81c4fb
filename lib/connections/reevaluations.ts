import * as v from 'valibot';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { EndpointId, isConnected } from '../privatelink/connection.ts';
import { entity, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { Key, Write } from '../storage/table.ts';
import { isPaused } from '../verdicts/verdict.ts';
import type { ConnectionRecord } from './connection-record.ts';
import { nextWarningTime } from './expiry-warning-days.ts';

const reevaluationEntity = entity({ endpointId: EndpointId, version: v.number() });
export const readReevaluation = reevaluationEntity.read;

/** Returns the partition of the scheduled re-evaluations of a location: pointers to records, sorted by time. */
export function reevaluationPartition(location: AccountRegion): string {
  return `REEVALUATE_AT#${formatAccountRegion(location)}`;
}

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

/** Builds the writes that update the pointer with its record. */
export function reevaluationWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const [was, is] = [before && nextReevaluation(before), nextReevaluation(after)];
  if (was === is) return [];
  const { location, endpointId } = after;
  const key = (time: string): Key => ({ pk: reevaluationPartition(location), sk: `${time}#${endpointId}` });
  return [
    ...(was === undefined ? [] : [{ remove: key(was) }]),
    ...(is === undefined ? [] : [{ put: reevaluationEntity.item(key(is), { endpointId, version: 1 }) }]),
  ];
}

/** Yields the due endpoint ids, oldest first, page by page. */
export async function* listDueReevaluations(
  location: AccountRegion,
  now: Date,
  { table, reportError }: ReadDeps,
): AsyncIterable<string[]> {
  const end = now.toISOString();
  for await (const page of table.query(reevaluationPartition(location), { limit: 200 })) {
    const due = page.filter(({ sk }) => sk.slice(0, end.length) <= end);
    if (due.length > 0)
      yield parseEach(due, reevaluationEntity.read, reportError).map(({ endpointId }) => endpointId);
    if (due.length < page.length) return;
  }
}
