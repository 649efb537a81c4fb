import * as v from 'valibot';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ReadDeps } from '../storage/entity.ts';
import { type LeaseWrite, lease, leasePartition } from '../storage/lease.ts';
import type { Key } from '../storage/table.ts';
import { SweepResult, type SweepScope } from './sweep.ts';

/** The position of an unfinished sweep. */
const SweepCheckpoint = v.object({
  nextToken: v.exactOptional(v.string()),
  counts: SweepResult,
});
export type SweepCheckpoint = v.InferOutput<typeof SweepCheckpoint>;

/**
 * The duration of the lease after its last renewal, for which a crashed run blocks the next one. Two concurrent runs would only
 * duplicate work.
 */
const leaseDurationMs = 50_000;

const SweepProgress = v.object({
  /** ISO 8601 */
  startedAt: v.string(),
  checkpoint: v.exactOptional(SweepCheckpoint),
  /** ISO 8601: the end of the last complete sweep. */
  finishedAt: v.exactOptional(v.string()),
});
type SweepProgress = v.InferOutput<typeof SweepProgress>;

const sweepLease = lease(SweepProgress.entries, leaseDurationMs);

export const readSweepLease = sweepLease.read;

export const sweepLeaseKey = (location: AccountRegion, scope: SweepScope): Key => ({
  pk: leasePartition,
  sk: `sweep#${formatAccountRegion(location)}#${scope}`,
});

/** Returns the end of the last complete sweep of this scope, ISO 8601. */
export async function lastSweepSuccess(
  location: AccountRegion,
  scope: SweepScope,
  deps: ReadDeps,
): Promise<string | undefined> {
  return (await sweepLease.readState(sweepLeaseKey(location, scope), deps)).stored?.finishedAt;
}

/** Whether a sweep that started after `time` (ISO 8601) has ended. `startedAt` of a running sweep is later than the last end. */
export async function hasSweptSince(
  time: string,
  location: AccountRegion,
  scope: SweepScope,
  deps: ReadDeps,
): Promise<boolean> {
  const { stored } = await sweepLease.readState(sweepLeaseKey(location, scope), deps);
  return stored?.finishedAt !== undefined && stored.startedAt > time && stored.startedAt <= stored.finishedAt;
}

/** The maximum age of an unfinished sweep. An older one starts from the beginning. */
const maxSweepAgeMs = 3_600_000;

/** The exclusive right to sweep one location with one scope. A run that lost it saves nothing. */
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
  deps: ReadDeps & Runtime,
): Promise<SweepLease | undefined> {
  const acquired = await sweepLease.acquire(
    sweepLeaseKey(location, scope),
    (before) => resumeOrStartSweep(before, deps.now()),
    deps,
  );
  if (!acquired.lease) return undefined;
  let held = acquired.lease;
  const { startedAt, checkpoint } = held.payload;

  async function save({ lease, write }: LeaseWrite<SweepProgress>): Promise<void> {
    if (await deps.table.write([write])) held = lease;
  }

  return {
    startedAt,
    ...(checkpoint && { checkpoint }),
    save(reached, { release }) {
      const progress = { ...held.payload, checkpoint: reached };
      return save(
        release ? sweepLease.release(held, progress) : sweepLease.renew(held, progress, deps.now()),
      );
    },
    release: () => save(sweepLease.release(held, { startedAt, finishedAt: deps.now().toISOString() })),
  };
}

/** Continues the unfinished sweep of an earlier run, unless it is too old. */
function resumeOrStartSweep(before: SweepProgress | undefined, now: Date): SweepProgress {
  if (before?.checkpoint && now.getTime() - new Date(before.startedAt).getTime() < maxSweepAgeMs)
    return before;
  return {
    startedAt: now.toISOString(),
    ...(before?.finishedAt !== undefined && { finishedAt: before.finishedAt }),
  };
}
