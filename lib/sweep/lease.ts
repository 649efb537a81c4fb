import * as v from 'valibot';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { ChangeCounts } from '../reconcile/detect-changes.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, parseEach, type ReadDeps, versionToReplace } from '../storage/entity.ts';
import type { Key } from '../storage/table.ts';

export const SweepScope = v.picklist(['pending', 'full']);
export type SweepScope = v.InferOutput<typeof SweepScope>;

/** Where a pass got to. */
const SweepCheckpoint = v.object({
  nextToken: v.exactOptional(v.string()),
  counts: ChangeCounts,
});
export type SweepCheckpoint = v.InferOutput<typeof SweepCheckpoint>;

const sweepLeaseEntity = entity({
  /** ISO 8601: until then another run keeps away. */
  leaseUntil: v.string(),
  startedAt: v.string(),
  checkpoint: v.exactOptional(SweepCheckpoint),
  /** ISO 8601: when a pass last reached its end. */
  finishedAt: v.exactOptional(v.string()),
  version: v.number(),
});

export const readSweepLease = sweepLeaseEntity.read;

export const sweepLeaseKey = (location: AccountRegion, scope: SweepScope): Key => ({
  pk: `SWEEP#${formatAccountRegion(location)}`,
  sk: scope,
});

/** When a pass of this kind last reached its end, ISO 8601; undefined where none has. */
export async function lastSweepSuccess(
  location: AccountRegion,
  scope: SweepScope,
  { table, reportError }: ReadDeps,
): Promise<string | undefined> {
  const [lease] = parseEach(
    await table.get([sweepLeaseKey(location, scope)]),
    sweepLeaseEntity.read,
    reportError,
  );
  return lease?.finishedAt;
}

/**
 * How long a run holds its lease after its last sign of life, in milliseconds. A run that crashed keeps the next ones
 * away no longer than this; two runs at once would only do the same work twice.
 */
const leaseDurationMs = 50_000;
/** An unfinished pass that is older is begun anew, in milliseconds. */
const maxSweepAgeMs = 3_600_000;

/** The right to be the one pass of its kind over a place. */
export interface SweepLease {
  /** ISO 8601: when the pass began, also where an earlier run of it did. */
  readonly startedAt: string;
  /** Where an earlier run of this pass got to. */
  readonly checkpoint?: SweepCheckpoint;
  /** Remembers where the pass got to, and holds on unless told to let go. */
  save(checkpoint: SweepCheckpoint, options: { readonly release: boolean }): Promise<void>;
  release(): Promise<void>;
}

/** A lease that cannot be read is begun anew. @returns undefined while another run holds it. */
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

  async function put(isHeld: boolean, reached: SweepCheckpoint | undefined): Promise<boolean> {
    const leaseUntil = new Date(now().getTime() + (isHeld ? leaseDurationMs : 0)).toISOString();
    const value = {
      leaseUntil,
      startedAt,
      ...(reached && { checkpoint: reached }),
      ...(finishedAt !== undefined && { finishedAt }),
      version: (expected ?? 0) + 1,
    };
    const put = sweepLeaseEntity.item(key, value);
    const isMine = await table.write([{ put, ...(expected !== undefined && { expected }) }]);
    expected = value.version;
    return isMine;
  }

  if (!(await put(true, checkpoint))) return undefined;
  return {
    startedAt,
    ...(checkpoint && { checkpoint }),
    async save(reached, { release }) {
      await put(!release, reached);
    },
    async release() {
      finishedAt = now().toISOString();
      await put(false, undefined);
    },
  };
}
