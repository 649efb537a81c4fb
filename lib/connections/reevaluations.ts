import * as v from 'valibot';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { EndpointId, isConnected } from '../privatelink/connection.ts';
import { entity, parseEach } from '../storage/entity.ts';
import type { Key, Table, Write } from '../storage/table.ts';
import { isPaused } from '../verdicts/verdict.ts';
import type { ConnectionRecord } from './connection-record.ts';
import { nextWarningAt } from './revocation.ts';

const reevaluationEntity = entity({ endpointId: EndpointId, version: v.number() });
export const readReevaluation = reevaluationEntity.read;

/** The connections of a place that have to be looked at at a certain time are one partition of pointers to records, by that time. */
export function reevaluationPartition(location: AccountRegion): string {
  return `REEVALUATE_AT#${formatAccountRegion(location)}`;
}

/**
 * When a live connection has to be decided anew though nothing changes: it is to be cut, or a warning is due. ISO 8601.
 * What others accepted is to be looked at once, as soon as it is seen.
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
    return verdict.until === undefined ? undefined : nextWarningAt(verdict.until, verdict.decidedAt);
  // What stops its service ends with a change, and what changes is looked at.
  if (isPaused(verdict)) return undefined;
  if (revocation) return verdict.outcome === 'reject' ? revocation.disconnectAt : undefined;
  return reevaluatedAt === undefined ? (observedAt ?? requestedAt) : undefined;
}

/** The change of the pointer beside a change of its record. */
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

/** One page after another of the endpoint ids that are due, the longest due first. */
export async function* listDueReevaluations(
  location: AccountRegion,
  now: Date,
  { table, reportError }: { readonly table: Table; readonly reportError: (error: unknown) => void },
): AsyncIterable<string[]> {
  const end = now.toISOString();
  for await (const page of table.query(reevaluationPartition(location), { limit: 200 })) {
    const due = page.filter(({ sk }) => sk.slice(0, end.length) <= end);
    if (due.length > 0)
      yield parseEach(due, reevaluationEntity.read, reportError).map(({ endpointId }) => endpointId);
    if (due.length < page.length) return;
  }
}
