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

/** Reads a pointer to a record with a pending effect, with all keys for the EC2 call. */
export function readPendingEffect(item: Item) {
  return pendingEffectEntity.read(item);
}

/** Returns the partition of the pending effects of a location. Each pointer changes in the transaction of its record. */
export function pendingEffectPartition(location: Connection['location']): string {
  return `PENDING_EFFECT#${formatAccountRegion(location)}`;
}

/** Builds the writes that update the pointer with its record. */
export function pendingEffectWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  const { location, endpointId, serviceId, ownerAccountId, pendingEffect } = after;
  if (before?.pendingEffect?.action === pendingEffect?.action) return [];
  const key: Key = { pk: pendingEffectPartition(location), sk: endpointId };
  if (!pendingEffect) return [{ remove: key }];
  const value = { endpointId, serviceId, ownerAccountId, action: pendingEffect.action, version: 1 };
  return [{ put: pendingEffectEntity.item(key, value) }];
}
