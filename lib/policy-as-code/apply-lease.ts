import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { Key, Write } from '../storage/table.ts';

/** Who applies a plan, and how far they got. There is one, since of two applies at once one has to win whole. */
const ApplyLease = v.object({
  planId: v.string(),
  by: v.string(),
  startedAt: v.string(),
  /** ISO 8601: until then no other plan is applied. */
  leaseUntil: v.string(),
  /** How many of its changes are made. */
  done: v.number(),
  of: v.number(),
  /** The services whose entries the plan rests on. */
  serviceIds: v.array(v.string()),
  version: v.number(),
});
export type ApplyLease = v.InferOutput<typeof ApplyLease>;

const applyLeaseEntity = entity(ApplyLease.entries);
export const readApplyLease = applyLeaseEntity.read;
export const applyLeaseKey: Key = { pk: 'POLICY', sk: 'APPLY' };

/** How long an apply is waited for after its last sign of life, in milliseconds: longer than the function may run. */
const leaseMs = 40_000;

/** Somebody else applies a plan. */
export class ApplyRunningError extends Error {
  override readonly name = 'ApplyRunningError';

  constructor({ by, startedAt, leaseUntil, done, of }: ApplyLease) {
    super(
      `${by} has been applying a plan since ${startedAt}, and has made ${done} of ${of} changes; if that ended without an answer, apply again after ${leaseUntil}`,
    );
  }
}

/** A lease that cannot be read is nobody's. */
export async function findApplyLease({ table, reportError }: ReadDeps): Promise<ApplyLease | undefined> {
  const [lease] = parseEach(await table.get([applyLeaseKey]), applyLeaseEntity.read, reportError);
  return lease;
}

/** An apply of which not everything is done. */
interface Unfinished {
  readonly by: string;
  /** ISO 8601: when it began. */
  readonly at: string;
  readonly done: number;
  readonly of: number;
}

/** The last apply, until one comes to its end. */
export interface UnfinishedApply {
  /** It gave a sign of life not long ago. Whether it goes on shows when `leaseUntil` has passed; until then no other plan is applied. */
  readonly running?: Unfinished & { readonly leaseUntil: string };
  readonly interrupted?: Unfinished;
}

/** @returns nothing where all was done. */
export async function findUnfinishedApply({
  now,
  ...deps
}: ReadDeps & Pick<Runtime, 'now'>): Promise<UnfinishedApply> {
  const lease = await findApplyLease(deps);
  if (!lease || isApplyFinished(lease)) return {};
  const { by, startedAt: at, done, of, leaseUntil } = lease;
  const unfinished = { by, at, done, of };
  return isApplyLeaseActive(lease, now())
    ? { running: { ...unfinished, leaseUntil } }
    : { interrupted: unfinished };
}

export function isApplyFinished({ done, of }: ApplyLease): boolean {
  return done >= of;
}

export function isApplyLeaseActive({ leaseUntil }: ApplyLease, now: Date): boolean {
  return new Date(leaseUntil) > now;
}

/** The lease as it begins, or as an earlier run of the same plan left it. */
export function startOrResumeLease(
  { planId, serviceIds }: Pick<ApplyLease, 'planId' | 'serviceIds'>,
  before: ApplyLease | undefined,
  { by, of, now }: { readonly by: string; readonly of: number; readonly now: Date },
): ApplyLease {
  const { startedAt, done } = before?.planId === planId ? before : { startedAt: now.toISOString(), done: 0 };
  return { planId, by, startedAt, done, of, serviceIds, leaseUntil: '', version: before?.version ?? 0 };
}

/**
 * The lease after so many more changes. Its write belongs into the transaction of these changes: whoever lost the lease
 * then changes nothing any more.
 */
export function advanceLease(
  lease: ApplyLease,
  more: number,
  now: Date,
): { readonly lease: ApplyLease; readonly write: Extract<Write, { put: unknown }> } {
  const done = lease.done + more;
  return leaseWrite(lease, { done, heldFor: done < lease.of ? leaseMs : 0 }, now);
}

/** The lease for whoever comes next, with what is done. */
export function releaseApplyLease(lease: ApplyLease, now: Date): Write {
  return leaseWrite(lease, { done: lease.done, heldFor: 0 }, now).write;
}

function leaseWrite(lease: ApplyLease, { done, heldFor }: { done: number; heldFor: number }, now: Date) {
  const leaseUntil = new Date(now.getTime() + heldFor).toISOString();
  const after = { ...lease, done, leaseUntil, version: lease.version + 1 };
  return {
    lease: after,
    write: { put: applyLeaseEntity.item(applyLeaseKey, after), expected: lease.version },
  };
}
