import {
  type Mode,
  type ModeChange,
  type ModeParameter,
  modeChangeEntity,
  modeChangeItem,
  modeKey,
  readModeChange,
} from '../mode/mode.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { readLocations } from '../services/registered-services.ts';
import { type RepairDeps, repairServices } from '../services/repair-services.ts';
import { parseEach, type ReadDeps, versionToReplace } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import type { SweepQueue } from '../sweep/sweep-queue.ts';

export interface ShowModeDeps extends Runtime {
  readonly table: Table;
  readonly modeParameter: ModeParameter;
}

export interface SwitchModeDeps extends ShowModeDeps, RepairDeps {
  readonly sweepQueue: SweepQueue;
}

/** The current mode, and its last change. */
export interface ModeView {
  readonly mode: Mode;
  /** ISO 8601; null if the parameter is unreadable. */
  readonly since: string | null;
  readonly by: string;
  readonly reason?: string;
}

/** A concurrent switch to observe interrupted this switch to enforce. */
export class ConcurrentModeChangeError extends Error {
  override readonly name = 'ConcurrentModeChangeError';

  constructor(by: string) {
    super(
      `${by} switched the mode to observe at the same time, and observe wins; to switch again: linkgate mode enforce`,
    );
  }
}

const externalActor = 'somebody who changed the parameter without linkgate';
const setupActor = "linkgate's setup";

export async function showMode(deps: ShowModeDeps): Promise<ModeView> {
  const [parameter, switched] = await Promise.all([readModeOrError(deps), findLastModeChange(deps)]);
  if ('error' in parameter)
    return {
      mode: 'observe',
      since: null,
      by: 'linkgate',
      reason: `linkgate cannot read the mode and changes nothing in EC2 (${parameter.error})`,
    };
  const { mode, changedAt, unknownValue } = parameter;
  if (unknownValue !== undefined)
    return {
      mode,
      since: changedAt,
      by: externalActor,
      reason: `\`${unknownValue}\` is not a mode and counts as observe`,
    };
  if (switched?.mode === 'enforce' && mode === 'observe' && changedAt < switched.since)
    return {
      mode,
      since: changedAt,
      by: 'linkgate',
      reason: `${switched.by} started to switch to enforce at ${switched.since} and did not finish: linkgate mode enforce`,
    };
  if (switched?.mode !== mode)
    return { mode, since: changedAt, by: switched || mode === 'observe' ? externalActor : setupActor };
  const { since, by, reason } = switched;
  return { mode, since, by, ...(reason !== undefined && { reason }) };
}

/**
 * Switches the mode. Idempotent: the current mode keeps its `since` and `by`.
 * @throws ConcurrentModeChangeError, OptimisticLockError
 */
export async function switchMode(
  mode: Mode,
  why: ModeChangeAuthor,
  deps: SwitchModeDeps,
): Promise<{ view: ModeView; warnings: string[] }> {
  const [parameter, { item, switched }] = await Promise.all([
    readModeOrError(deps),
    readModeChangeItem(deps),
  ]);
  const isThere =
    !('error' in parameter) &&
    parameter.unknownValue === undefined &&
    parameter.mode === mode &&
    (item ? switched?.mode : 'enforce') === mode;
  if (!isThere) await (mode === 'observe' ? switchToObserve(why, deps) : switchToEnforce(why, deps));
  const warnings = mode === 'enforce' ? await repairServices(deps) : [];
  // The next scheduled sweep corrects a failure of this step.
  if (mode === 'enforce')
    await orReported(deps.reportError, 'enqueue full sweeps', () => enqueueFullSweeps(deps));
  return { view: await showMode(deps), warnings };
}

type ModeChangeAuthor = Pick<ModeChange, 'by' | 'reason'>;

/**
 * Writes the SSM parameter first, so that linkgate stops at once. Writes it again at the end, because a concurrent switch may
 * have written enforce.
 */
async function switchToObserve(why: ModeChangeAuthor, deps: SwitchModeDeps): Promise<void> {
  // Validates the item first, so that a call that fails does not change the parameter.
  modeChangeItem(buildModeChange('observe', undefined, why, deps.now()));
  await deps.modeParameter.write('observe');
  await recordModeChange('observe', why, deps);
  await deps.modeParameter.write('observe');
}

/**
 * Writes the SSM parameter last, unless somebody switched to observe. The policy revision has by then invalidated all earlier
 * verdicts.
 */
async function switchToEnforce(why: ModeChangeAuthor, deps: SwitchModeDeps): Promise<void> {
  await recordModeChange('enforce', why, deps);
  if ((await findLastModeChange(deps))?.mode === 'enforce') await deps.modeParameter.write('enforce');
  const last = await findLastModeChange(deps);
  if (last?.mode !== 'observe') return;
  await deps.modeParameter.write('observe');
  throw new ConcurrentModeChangeError(last.by);
}

/** Enqueues a full sweep of every location, which re-evaluates outdated verdicts and enqueues pending effects. */
async function enqueueFullSweeps(deps: SwitchModeDeps): Promise<void> {
  const requestedAt = deps.now().toISOString();
  const locations = await readLocations(deps);
  await Promise.all(
    locations.map((location) => deps.sweepQueue.enqueue({ location, scope: 'full', requestedAt })),
  );
}

async function readModeOrError({ modeParameter, reportError }: ShowModeDeps) {
  try {
    return await modeParameter.read();
  } catch (error) {
    reportError(error, 'read mode parameter');
    return { error: error instanceof Error ? error.name : String(error) };
  }
}

async function findLastModeChange(deps: ReadDeps): Promise<ModeChange | undefined> {
  return (await readModeChangeItem(deps)).switched;
}

async function readModeChangeItem({ table, reportError }: ReadDeps) {
  const items = await table.get([modeKey]);
  return { item: items[0], switched: parseEach(items, readModeChange, reportError)[0] };
}

async function recordModeChange(mode: Mode, why: ModeChangeAuthor, deps: SwitchModeDeps): Promise<void> {
  await retryOnConflict(modeKey.sk, async () => {
    const { item, switched: before } = await readModeChangeItem(deps);
    const expected = versionToReplace(item);
    const now = deps.now();
    // Replaces an unreadable item, with a revision that no earlier verdict has.
    const previousChange = before ?? { policyRevision: item ? now.getTime() : 0, version: expected ?? 0 };
    const after = buildModeChange(mode, previousChange, why, now);
    const write = modeChangeEntity.put(after, { version: expected });
    return (await deps.table.write([write])) ? undefined : conflict;
  });
}

function buildModeChange(
  mode: Mode,
  before: Pick<ModeChange, 'policyRevision' | 'version'> | undefined,
  { by, reason }: ModeChangeAuthor,
  now: Date,
): ModeChange {
  return {
    mode,
    since: now.toISOString(),
    by,
    ...(reason !== undefined && { reason }),
    policyRevision: (before?.policyRevision ?? 0) + (mode === 'enforce' ? 1 : 0),
    version: (before?.version ?? 0) + 1,
  };
}
