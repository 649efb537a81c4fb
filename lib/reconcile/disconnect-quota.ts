import * as v from 'valibot';
import { EndpointId, ServiceId } from '../privatelink/connection.ts';
import { entity, indexByKey } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Key, Table } from '../storage/table.ts';
import { identityKey, readReplacedAt } from '../storage/table-identity.ts';

/** A cut of the policy's: one of two of the same endpoint is another cut, since it was announced at another time. */
export type DisconnectReservation = Pick<StoredReservation, 'endpointId' | 'since'>;

const StoredReservation = v.object({
  endpointId: EndpointId,
  serviceId: ServiceId,
  /** ISO 8601: since when it was announced. */
  since: v.string(),
  /** ISO 8601: when EC2 was last to be asked. */
  at: v.string(),
});
type StoredReservation = v.InferOutput<typeof StoredReservation>;

/** The cuts of the policy's in the last 24 hours, all of them: what somebody commands is not among them. */
const disconnectQuotaEntity = entity({ cuts: v.array(StoredReservation), version: v.number() });
export const readReservations = disconnectQuotaEntity.read;

export const quotaKey: Key = { pk: 'DISCONNECT_QUOTA', sk: 'DISCONNECT_QUOTA' };

/** What the policy alone may cut in any 24 hours: over all, and at one service the larger of a number and a share of what lives there. */
export const disconnectQuota = { overall: 20, atService: 5, share: 0.1 } as const;
/** With so many connections the share of a service is as large as the budget over all: nobody needs to count further. */
export const connectedForQuota = disconnectQuota.overall / disconnectQuota.share;
/** 24 hours, and the time that EC2 may take to carry out what it was asked for. */
const counted = 86_400_000 + 5 * 60_000;

function isRecent({ at }: Pick<StoredReservation, 'at'>, now: Date): boolean {
  return now.getTime() - new Date(at).getTime() < counted;
}

/** How many more connections of a service may be cut now. What was claimed and not cut yet counts as cut. */
export function remainingQuota(
  serviceId: string,
  live: number,
  claims: readonly StoredReservation[],
  now: Date,
): number {
  const recent = claims.filter((claim) => isRecent(claim, now));
  const there = recent.filter((claim) => claim.serviceId === serviceId).length;
  const allowed = Math.max(disconnectQuota.atService, Math.floor(live * disconnectQuota.share));
  return Math.max(0, Math.min(disconnectQuota.overall - recent.length, allowed - there));
}

/**
 * Claims cuts for connections of one service, as many as the budget has left. What was claimed and is to be tried again is
 * not claimed twice, but counts from now on, so that a run that dies after this may be repeated. A restored table does not know
 * what was cut since its backup: as long as that may count, nothing is left.
 * @param live how many connections of the service live, counted as far as it matters
 * @returns the endpoints that may be cut.
 * @throws OptimisticLockError
 */
export function reserveQuota(
  serviceId: string,
  wanted: readonly DisconnectReservation[],
  live: number,
  { table, now }: { readonly table: Table; readonly now: () => Date },
): Promise<ReadonlySet<string>> {
  return retryOnConflict('the budget of cuts', async () => {
    const found = indexByKey(await table.get([quotaKey, identityKey]));
    const item = found.find(quotaKey);
    const tableIdentity = found.find(identityKey);
    const known = item ? disconnectQuotaEntity.read(item) : { cuts: [], version: 0 };
    const time = now();
    const recent = known.cuts.filter((claim) => isRecent(claim, time));
    const claimed = new Set(recent.map(nameOf));
    const restoredAt = tableIdentity && readReplacedAt(tableIdentity);
    const isAnyUnknown = restoredAt !== undefined && isRecent({ at: restoredAt }, time);
    const room = isAnyUnknown ? 0 : remainingQuota(serviceId, live, recent, time);
    const fresh = wanted.filter((cut) => !claimed.has(nameOf(cut))).slice(0, room);
    const granted = [...wanted.filter((cut) => claimed.has(nameOf(cut))), ...fresh];
    const names = new Set(granted.map(nameOf));
    const others = recent.filter((claim) => !names.has(nameOf(claim)));
    const at = time.toISOString();
    const cuts = [
      ...others,
      ...granted.map(({ endpointId, since }) => ({ endpointId, serviceId, since, at })),
    ];
    const put = disconnectQuotaEntity.item(quotaKey, { ...known, cuts, version: known.version + 1 });
    const isWritten = granted.length === 0 || (await table.write([{ put, expected: known.version }]));
    return isWritten ? new Set(granted.map(({ endpointId }) => endpointId)) : conflict;
  });
}

function nameOf({ endpointId, since }: DisconnectReservation): string {
  return `${endpointId} ${since}`;
}
