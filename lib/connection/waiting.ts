import * as v from 'valibot';
import { itemKind, type ReadDeps, readEach } from '../table/item.ts';
import type { Key, Write } from '../table/table.ts';
import { EndpointId } from './connection.ts';
import { type ConnectionRecord, isOpen } from './connection-record.ts';

const kind = itemKind({ endpointId: EndpointId, version: v.number() });
export const readWaiting = kind.read;

/** The requests that wait for a group of approvers are one partition of pointers to records. */
export function waitingFor(group: string): string {
  return `WAITING#${group}`;
}

/** The group that a request waits for. */
export function awaitedBy(record: ConnectionRecord | undefined): string | undefined {
  return record?.asking && isOpen(record) ? record.asking.group : undefined;
}

/** The change of the pointer beside a change of its record. */
export function waitingWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const [was, is] = [awaitedBy(before), awaitedBy(after)];
  if (was === is) return [];
  const { endpointId } = after;
  const key = (group: string): Key => ({ pk: waitingFor(group), sk: endpointId });
  return [
    ...(was === undefined ? [] : [{ remove: key(was) }]),
    ...(is === undefined ? [] : [{ put: kind.item(key(is), { endpointId, version: 1 }) }]),
  ];
}

/** One page after another of the endpoint ids of what waits for a group. */
export async function* waitingRequests(group: string, { table, report }: ReadDeps): AsyncIterable<string[]> {
  for await (const page of table.query(waitingFor(group)))
    yield readEach(page, kind.read, report).map(({ endpointId }) => endpointId);
}
