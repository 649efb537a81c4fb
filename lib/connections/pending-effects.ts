import * as v from 'valibot';
import { formatAccountRegion } from '../locations/account-region.ts';
import { AccountId, type Connection, EndpointId, ServiceId } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key, Write } from '../storage/table.ts';
import { type ConnectionRecord, PendingEffect } from './connection-record.ts';

const pendingEffectEntity = entity({
  endpointId: EndpointId,
  serviceId: ServiceId,
  ownerAccountId: AccountId,
  action: PendingEffect.entries.action,
  version: v.number(),
});

export type PendingEffectPointer = ReturnType<typeof readPendingEffect>;

/** Points at a record with something due, and says what it takes to look up all that the call rests on. */
export function readPendingEffect(item: Item) {
  return pendingEffectEntity.read(item);
}

/** What is due in a place is one partition of pointers to records, changed in the same transactions as these. */
export function pendingEffectPartition(location: Connection['location']): string {
  return `PENDING_EFFECT#${formatAccountRegion(location)}`;
}

/** The change of the pointer beside a change of its record. */
export function pendingEffectWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const { location, endpointId, serviceId, ownerAccountId, pendingEffect } = after;
  if (before?.pendingEffect?.action === pendingEffect?.action) return [];
  const key: Key = { pk: pendingEffectPartition(location), sk: endpointId };
  if (!pendingEffect) return [{ remove: key }];
  const value = { endpointId, serviceId, ownerAccountId, action: pendingEffect.action, version: 1 };
  return [{ put: pendingEffectEntity.item(key, value) }];
}
