import * as v from 'valibot';
import { EndpointId, ServiceId } from '../privatelink/connection.ts';
import { entity, indexByKey } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Key, Table } from '../storage/table.ts';
import { identityKey, readReplacedAt } from '../storage/table-identity.ts';

/** A disconnect by policy. A disconnect of the same endpoint at another scheduled time is a separate reservation. */
export type DisconnectReservation = Pick<StoredReservation, 'endpointId' | 'since'>;

const StoredReservation = v.object({
  endpointId: EndpointId,
  serviceId: ServiceId,
  /** ISO 8601: the time when linkgate scheduled the disconnect. */
  since: v.string(),
  /** ISO 8601: the last reservation before a call to EC2. */
  at: v.string(),
});
type StoredReservation = v.InferOutput<typeof StoredReservation>;

/** All disconnects by policy in the last 24 hours. Explicit orders do not count. */
const disconnectQuotaEntity = entity(
  { reservations: v.array(StoredReservation), version: v.number() },
  () => quotaKey,
);
export const readReservations = disconnectQuotaEntity.read;

export const quotaKey: Key = { pk: 'DISCONNECT_QUOTA', sk: 'DISCONNECT_QUOTA' };

/**
 * The maximum number of disconnects by policy in any 24 hours: overall, and for one service the larger of a number and a share of
 * its connections.
 */
export const disconnectQuota = { overall: 20, atService: 5, share: 0.1 } as const;
/** From this number of connections, the share of a service equals the overall quota. */
export const connectedForQuota = disconnectQuota.overall / disconnectQuota.share;
/** 24 hours, and the maximum time in which EC2 processes a call. */
const quotaWindowMs = 86_400_000 + 5 * 60_000;

function isInQuotaWindow({ at }: Pick<StoredReservation, 'at'>, now: Date): boolean {
  return now.getTime() - new Date(at).getTime() < quotaWindowMs;
}

/** Returns the number of connections of a service that policy may disconnect now. A reservation counts as a disconnect. */
export function remainingQuota(
  serviceId: string,
  connectedCount: number,
  reservations: readonly StoredReservation[],
  now: Date,
): number {
  const recent = reservations.filter((reservation) => isInQuotaWindow(reservation, now));
  const ofService = recent.filter((reservation) => reservation.serviceId === serviceId).length;
  const allowed = Math.max(disconnectQuota.atService, Math.floor(connectedCount * disconnectQuota.share));
  return Math.max(0, Math.min(disconnectQuota.overall - recent.length, allowed - ofService));
}

/**
 * Reserves disconnects of one service within the remaining quota. A repeated reservation counts once, from now, so that a run can
 * repeat after a crash. A restored table lacks the disconnects since its backup, so it has no quota until those no longer count.
 * @param connectedCount the number of connected endpoints of the service, counted up to `connectedForQuota`
 * @returns the endpoints that linkgate may disconnect.
 * @throws OptimisticLockError
 */
export function reserveQuota(
  serviceId: string,
  requested: readonly DisconnectReservation[],
  connectedCount: number,
  { table, now }: { readonly table: Table; readonly now: () => Date },
): Promise<ReadonlySet<string>> {
  return retryOnConflict('the disconnect quota', async () => {
    const found = indexByKey(await table.get([quotaKey, identityKey]));
    const item = found.find(quotaKey);
    const tableIdentity = found.find(identityKey);
    const known = item ? disconnectQuotaEntity.read(item) : { reservations: [], version: 0 };
    const time = now();
    const recent = known.reservations.filter((claim) => isInQuotaWindow(claim, time));
    const claimed = new Set(recent.map(reservationName));
    const restoredAt = tableIdentity && readReplacedAt(tableIdentity);
    const isAnyUnknown = restoredAt !== undefined && isInQuotaWindow({ at: restoredAt }, time);
    const remaining = isAnyUnknown ? 0 : remainingQuota(serviceId, connectedCount, recent, time);
    const fresh = requested
      .filter((reservation) => !claimed.has(reservationName(reservation)))
      .slice(0, remaining);
    const granted = [
      ...requested.filter((reservation) => claimed.has(reservationName(reservation))),
      ...fresh,
    ];
    const names = new Set(granted.map(reservationName));
    const others = recent.filter((reservation) => !names.has(reservationName(reservation)));
    const at = time.toISOString();
    const reservations = [
      ...others,
      ...granted.map(({ endpointId, since }) => ({ endpointId, serviceId, since, at })),
    ];
    const after = { ...known, reservations, version: known.version + 1 };
    const isWritten = granted.length === 0 || (await table.write([disconnectQuotaEntity.put(after, known)]));
    return isWritten ? new Set(granted.map(({ endpointId }) => endpointId)) : conflict;
  });
}

function reservationName({ endpointId, since }: DisconnectReservation): string {
  return `${endpointId} ${since}`;
}
