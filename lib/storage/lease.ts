import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import { keylessEntity, parseEach, type ReadDeps, versionToReplace } from './entity.ts';
import { conflict, retryOnConflict } from './optimistic-lock.ts';
import type { Item, Key, Write } from './table.ts';

/** The partition of the leases that have no partition of their own. */
export const leasePartition = 'LEASE';

interface LeaseAttributes {
  /** ISO 8601: the end of the lease; absent after its release. */
  readonly leaseUntil?: string;
}

/** Returns the end of a lease that begins or is renewed now. ISO 8601. */
export function leaseEnd(now: Date, ttlMs: number): string {
  return new Date(now.getTime() + ttlMs).toISOString();
}

/** Whether a run holds the lease. A crashed run holds it until it expires. */
export function isLeased<Leased extends LeaseAttributes>(
  item: Leased | undefined,
  now: Date,
): item is Leased & Required<LeaseAttributes> {
  return item?.leaseUntil !== undefined && new Date(item.leaseUntil) > now;
}

/** A stored lease item, held or released. */
export type StoredLease<Payload> = Payload & LeaseAttributes & { readonly version: number };

/** What a read of a lease found. */
export interface LeaseState<Payload> {
  readonly key: Key;
  /** Absent without an item, and if linkgate cannot read it. */
  readonly stored?: StoredLease<Payload>;
  /** The version to expect: 0 without an item, undefined if an unreadable item has no valid version. */
  readonly version: number | undefined;
}

/** A lease as its holder saved it last. A later write succeeds only if no other run has taken over. */
export interface Lease<Payload> {
  readonly key: Key;
  readonly payload: Payload;
  readonly version: number;
}

/** A write of a lease, alone or in a transaction with other writes, and the lease after it. */
export interface LeaseWrite<Payload> {
  readonly lease: Lease<Payload>;
  readonly write: Extract<Write, { put: unknown }>;
}

/**
 * Creates a kind of lease: the exclusive right of one run to work until `ttlMs` after its last write. Each write is conditional and
 * saves a payload for the next holder.
 */
export function lease<const Entries extends v.ObjectEntries>(entries: Entries, ttlMs: number) {
  type Payload = v.InferOutput<v.ObjectSchema<Entries, undefined>>;
  type Stored = StoredLease<Payload>;
  const leaseEntity = keylessEntity({
    ...entries,
    leaseUntil: v.exactOptional(v.string()),
    version: v.number(),
  });
  const read = leaseEntity.read as unknown as (item: Item) => Stored;
  const buildItem = leaseEntity.item as unknown as (key: Key, value: Stored) => Item;

  /** Reports an unreadable item, which the next write replaces. */
  async function readState(key: Key, { table, reportError }: ReadDeps): Promise<LeaseState<Payload>> {
    const [item] = await table.get([key]);
    const [stored] = parseEach(item ? [item] : [], read, reportError);
    return { key, ...(stored && { stored }), version: versionToReplace(item) };
  }

  function save(
    { key, version: expected }: Pick<LeaseState<Payload>, 'key' | 'version'>,
    payload: Payload,
    attributes: LeaseAttributes,
  ): LeaseWrite<Payload> {
    const { leaseUntil: _leaseUntil, ...unleased } = payload as Stored;
    const version = (expected ?? 0) + 1;
    const put = buildItem(key, { ...unleased, ...attributes, version } as Stored);
    return { lease: { key, payload, version }, write: { put, ...(expected !== undefined && { expected }) } };
  }

  /** Builds the write that takes or renews the lease. */
  function renew(held: Pick<LeaseState<Payload>, 'key' | 'version'>, payload: Payload, now: Date) {
    return save(held, payload, { leaseUntil: leaseEnd(now, ttlMs) });
  }

  return {
    /** @throws UnsupportedSchemaVersionError, MalformedItemError */
    read,
    readState,
    renew,
    /** Builds the write that releases the lease. */
    release: (held: Pick<LeaseState<Payload>, 'key' | 'version'>, payload: Payload) =>
      save(held, payload, {}),

    /**
     * Acquires the lease unless another run holds it.
     * @param nextPayload builds the payload from the stored one; undefined if there is nothing to do.
     * @param isUsuallyNew omits the first read.
     * @returns no `lease` if another run holds it, or there is nothing to do.
     * @throws OptimisticLockError
     */
    async acquire(
      key: Key,
      nextPayload: (before: Stored | undefined) => Payload | undefined,
      deps: ReadDeps & Pick<Runtime, 'now'>,
      { isUsuallyNew = false } = {},
    ): Promise<{ readonly lease?: Lease<Payload>; readonly before?: Stored }> {
      return retryOnConflict(`${key.pk} ${key.sk}`, async (isFirst) => {
        const state = isFirst && isUsuallyNew ? { key, version: 0 } : await readState(key, deps);
        const before = state.stored && { before: state.stored };
        const payload = isLeased(state.stored, deps.now()) ? undefined : nextPayload(state.stored);
        if (!payload) return { ...before };
        const acquired = renew(state, payload, deps.now());
        return (await deps.table.write([acquired.write])) ? { ...before, lease: acquired.lease } : conflict;
      });
    },
  };
}
