import * as v from 'valibot';
import { placeName } from '../place.ts';
import { itemKind } from '../table/item.ts';
import type { Item, Key, Write } from '../table/table.ts';
import { AccountId, type Connection, EndpointId, ServiceId } from './connection.ts';
import { type ConnectionRecord, Effect } from './connection-record.ts';

const kind = itemKind({
  endpointId: EndpointId,
  serviceId: ServiceId,
  ownerAccountId: AccountId,
  action: Effect.entries.action,
  version: v.number(),
});

export type Pointer = ReturnType<typeof readPointer>;

/** Points at a record with something due, and says what it takes to look up all that the call rests on. */
export function readPointer(item: Item) {
  return kind.read(item);
}

/** What is due in a place is one partition of pointers to records, changed in the same transactions as these. */
export function dueIn(place: Connection['place']): string {
  return `DUE#${placeName(place)}`;
}

/** The change of the pointer beside a change of its record. */
export function pointerWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const { place, endpointId, serviceId, ownerAccountId, effect } = after;
  if (before?.effect?.action === effect?.action) return [];
  const key: Key = { pk: dueIn(place), sk: endpointId };
  if (!effect) return [{ remove: key }];
  const value = { endpointId, serviceId, ownerAccountId, action: effect.action, version: 1 };
  return [{ put: kind.item(key, value) }];
}
