import * as v from 'valibot';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, parseEach, type ReadDeps, versionToReplace } from '../storage/entity.ts';
import type { Key } from '../storage/table.ts';
import { SweepResult, type SweepScope } from './sweep.ts';

/** The progress of an unfinished sweep. */
const SweepCheckpoint = v.object({
  nextToken: v.exactOptional(v.string()),
  counts: SweepResult,
});
export type SweepCheckpoint = v.InferOutput<typeof SweepCheckpoint>;

const sweepLeaseEntity = entity({
  /** ISO 8601: no other run may start before this time. */
  leaseUntil: v.string(),
  startedAt: v.string(),
  checkpoint: v.exactOptional(SweepCheckpoint),
  /** ISO 8601: the end of the last complete sweep. */
  finishedAt: v.exactOptional(v.string()),
  version: v.number(),
});

export const readSweepLease = sweepLeaseEntity.read;

export const sweepLeaseKey = (location: AccountRegion, scope: SweepScope): Key => ({
  pk: `SWEEP#${formatAccountRegion(location)}`,
  sk: scope,
});

/** Returns the end of the last complete sweep of this scope, ISO 8601. */
export async function lastSweepSuccess(
  location: AccountRegion,
  scope: SweepScope,
  deps: ReadDeps,
): Promise<string | undefined> {
  return (await readLease(location, scope, deps))?.finishedAt;
}

/** Whether a sweep that started after `time` (ISO 8601) has ended. `startedAt` of a running sweep is later than the last end. */
export async function hasSweptSince(
  time: string,
  location: AccountRegion,
  scope: SweepScope,
  deps: ReadDeps,
): Promise<boolean> {
  const lease = await readLease(location, scope, deps);
  return lease?.finishedAt !== undefined && lease.startedAt > time && lease.startedAt <= lease.finishedAt;
}

async function readLease(location: AccountRegion, scope: SweepScope, { table, reportError }: ReadDeps) {
  const items = await table.get([sweepLeaseKey(location, scope)]);
  return parseEach(items, sweepLeaseEntity.read, reportError)[0];
}

/**
 * The duration of the lease after its last renewal, for which a crashed run blocks the next one. Two concurrent runs would only
 * duplicate work.
 */
const leaseDurationMs = 50_000;
/** The maximum age of an unfinished sweep. An older one starts from the beginning. */
const maxSweepAgeMs = 3_600_000;

/** The exclusive right to sweep one location with one scope. */
export interface SweepLease {
  /** ISO 8601: the start of the sweep, which may be the start of an earlier run. */
  readonly startedAt: string;
  /** The checkpoint of an earlier run of this sweep. */
  readonly checkpoint?: SweepCheckpoint;
  /** Saves the checkpoint. Renews the lease, or releases it for the next run. */
  save(checkpoint: SweepCheckpoint, options: { readonly release: boolean }): Promise<void>;
  release(): Promise<void>;
}

/**
 * Replaces an unreadable lease item.
 * @returns undefined while another run holds the lease.
 */
export async function acquireSweepLease(
  location: AccountRegion,
  scope: SweepScope,
  { table, now, reportError }: ReadDeps & Runtime,
): Promise<SweepLease | undefined> {
  const key = sweepLeaseKey(location, scope);
  const items = await table.get([key]);
  const [before] = parseEach(items, sweepLeaseEntity.read, reportError);
  const time = now();
  if (before && new Date(before.leaseUntil) > time) return undefined;

  const resumes = before?.checkpoint && time.getTime() - new Date(before.startedAt).getTime() < maxSweepAgeMs;
  const checkpoint = resumes ? before.checkpoint : undefined;
  const startedAt = resumes ? before.startedAt : time.toISOString();
  let expected = versionToReplace(items[0]);
  let finishedAt = before?.finishedAt;

  async function writeLease(renew: boolean, reached: SweepCheckpoint | undefined): Promise<boolean> {
    const leaseUntil = new Date(now().getTime() + (renew ? leaseDurationMs : 0)).toISOString();
    const value = {
      leaseUntil,
      startedAt,
      ...(reached && { checkpoint: reached }),
      ...(finishedAt !== undefined && { finishedAt }),
      version: (expected ?? 0) + 1,
    };
    const item = sweepLeaseEntity.item(key, value);
    const isWritten = await table.write([{ put: item, ...(expected !== undefined && { expected }) }]);
    expected = value.version;
    return isWritten;
  }

  if (!(await writeLease(true, checkpoint))) return undefined;
  return {
    startedAt,
    ...(checkpoint && { checkpoint }),
    async save(reached, { release }) {
      await writeLease(!release, reached);
    },
    async release() {
      finishedAt = now().toISOString();
      await writeLease(false, undefined);
    },
  };
}
