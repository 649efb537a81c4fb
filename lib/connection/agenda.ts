import * as v from 'valibot';
import { type Place, placeName } from '../place.ts';
import { isStopped } from '../policy/decide.ts';
import { nextWarning } from '../revocation/revocation.ts';
import { itemKind, readEach } from '../table/item.ts';
import type { Key, Table, Write } from '../table/table.ts';
import { EndpointId, isLive } from './connection.ts';
import type { ConnectionRecord } from './connection-record.ts';

const kind = itemKind({ endpointId: EndpointId, version: v.number() });
export const readOnAgenda = kind.read;

/** The connections of a place that have to be looked at at a certain time are one partition of pointers to records, by that time. */
export function agendaOf(place: Place): string {
  return `AGENDA#${placeName(place)}`;
}

/**
 * When a live connection has to be decided anew though nothing changes: it is to be cut, or a warning is due. ISO 8601.
 * What others accepted is to be looked at once, as soon as it is seen.
 */
export function dueAt(record: ConnectionRecord): string | undefined {
  const { state, verdict, revocation, revoked, effect, abandonedAt, reviewedAt, observedAt, requestedAt } =
    record;
  if (!isLive(state) || effect || abandonedAt !== undefined) return undefined;
  if (revoked && revoked.at > (reviewedAt ?? '')) return revoked.at;
  if (!verdict) return undefined;
  if (verdict.outcome === 'accept')
    return verdict.until === undefined ? undefined : nextWarning(verdict.until, verdict.decidedAt);
  // What stops its service ends with a change, and what changes is looked at.
  if (isStopped(verdict)) return undefined;
  if (revocation) return verdict.outcome === 'reject' ? revocation.cutAt : undefined;
  return reviewedAt === undefined ? (observedAt ?? requestedAt) : undefined;
}

/** The change of the pointer beside a change of its record. */
export function agendaWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const [was, is] = [before && dueAt(before), dueAt(after)];
  if (was === is) return [];
  const { place, endpointId } = after;
  const key = (time: string): Key => ({ pk: agendaOf(place), sk: `${time}#${endpointId}` });
  return [
    ...(was === undefined ? [] : [{ remove: key(was) }]),
    ...(is === undefined ? [] : [{ put: kind.item(key(is), { endpointId, version: 1 }) }]),
  ];
}

/** One page after another of the endpoint ids that are due, the longest due first. */
export async function* dueEndpoints(
  place: Place,
  now: Date,
  { table, report }: { readonly table: Table; readonly report: (error: unknown) => void },
): AsyncIterable<string[]> {
  const end = now.toISOString();
  for await (const page of table.query(agendaOf(place), { limit: 200 })) {
    const due = page.filter(({ sk }) => sk.slice(0, end.length) <= end);
    if (due.length > 0) yield readEach(due, kind.read, report).map(({ endpointId }) => endpointId);
    if (due.length < page.length) return;
  }
}
