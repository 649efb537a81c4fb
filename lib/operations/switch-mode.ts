import {
  type Mode,
  type ModeChange,
  type ModeParameter,
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
  readonly sweeps: SweepQueue;
}

/** The mode that counts now, and what is known of how it came about. */
export interface ModeView {
  readonly mode: Mode;
  /** ISO 8601; null where the parameter cannot be read. */
  readonly since: string | null;
  readonly by: string;
  readonly reason?: string;
}

/** Somebody stopped linkgate while somebody else had it act. */
export class ConcurrentModeChangeError extends Error {
  override readonly name = 'ConcurrentModeChangeError';

  constructor(by: string) {
    super(
      `${by} switched the mode to observe meanwhile, and that holds; if linkgate is to act all the same: linkgate mode enforce`,
    );
  }
}

const byHand = 'somebody who changed the parameter without linkgate';
const bySetup = "linkgate's setup";

export async function showMode(deps: ShowModeDeps): Promise<ModeView> {
  const [parameter, switched] = await Promise.all([parameterOr(deps), lastSwitch(deps)]);
  if ('error' in parameter)
    return {
      mode: 'observe',
      since: null,
      by: 'linkgate',
      reason: `the mode cannot be read, so that nothing is changed in EC2 (${parameter.error})`,
    };
  const { mode, changedAt, otherwise } = parameter;
  if (otherwise !== undefined)
    return {
      mode,
      since: changedAt,
      by: byHand,
      reason: `\`${otherwise}\` is no mode, so that it counts as observe`,
    };
  if (switched?.mode === 'enforce' && mode === 'observe' && changedAt < switched.since)
    return {
      mode,
      since: changedAt,
      by: 'linkgate',
      reason: `${switched.by} began to switch to act at ${switched.since}, and it was not finished: linkgate mode enforce`,
    };
  if (switched?.mode !== mode)
    return { mode, since: changedAt, by: switched || mode === 'observe' ? byHand : bySetup };
  const { since, by, reason } = switched;
  return { mode, since, by, ...(reason !== undefined && { reason }) };
}

/**
 * May be repeated: a mode that is there already keeps its `since` and `by`.
 * @throws ConcurrentModeChangeError, OptimisticLockError
 */
export async function switchMode(
  mode: Mode,
  why: Why,
  deps: SwitchModeDeps,
): Promise<{ view: ModeView; warnings: string[] }> {
  const [parameter, { item, switched }] = await Promise.all([parameterOr(deps), findSwitch(deps)]);
  const isThere =
    !('error' in parameter) &&
    parameter.otherwise === undefined &&
    parameter.mode === mode &&
    (item ? switched?.mode : 'enforce') === mode;
  if (!isThere) await (mode === 'observe' ? stop(why, deps) : beginToAct(why, deps));
  const warnings = mode === 'enforce' ? await repairServices(deps) : [];
  // What fails here is made good by the next pass that is scheduled.
  if (mode === 'enforce') await orReported(deps.reportError, () => sweepEverywhere(deps));
  return { view: await showMode(deps), warnings };
}

type Why = Pick<ModeChange, 'by' | 'reason'>;

/** The parameter comes first, so that linkgate stops at once, and again at the end: somebody may have begun to act in between. */
async function stop(why: Why, deps: SwitchModeDeps): Promise<void> {
  // Nobody is left with a mode that was switched and an answer that says it failed.
  modeChangeItem(switchedTo('observe', undefined, why, deps.now()));
  await deps.modeParameter.write('observe');
  await remember('observe', why, deps);
  await deps.modeParameter.write('observe');
}

/** The parameter comes last, when every verdict from before is out of date, and not where somebody stops linkgate meanwhile. */
async function beginToAct(why: Why, deps: SwitchModeDeps): Promise<void> {
  await remember('enforce', why, deps);
  if ((await lastSwitch(deps))?.mode === 'enforce') await deps.modeParameter.write('enforce');
  const last = await lastSwitch(deps);
  if (last?.mode !== 'observe') return;
  await deps.modeParameter.write('observe');
  throw new ConcurrentModeChangeError(last.by);
}

/** A whole pass decides anew what rests on the time before, and rings for what is due. */
async function sweepEverywhere(deps: SwitchModeDeps): Promise<void> {
  const locations = await readLocations(deps);
  await Promise.all(
    locations.map((location) => deps.sweeps.request({ location, pass: 'full', queueIfRunning: true })),
  );
}

async function parameterOr({ modeParameter, reportError }: ShowModeDeps) {
  try {
    return await modeParameter.read();
  } catch (error) {
    reportError(error);
    return { error: error instanceof Error ? error.name : String(error) };
  }
}

async function lastSwitch(deps: ReadDeps): Promise<ModeChange | undefined> {
  return (await findSwitch(deps)).switched;
}

async function findSwitch({ table, reportError }: ReadDeps) {
  const items = await table.get([modeKey]);
  return { item: items[0], switched: parseEach(items, readModeChange, reportError)[0] };
}

async function remember(mode: Mode, why: Why, deps: SwitchModeDeps): Promise<void> {
  await retryOnConflict(modeKey.sk, async () => {
    const { item, switched: before } = await findSwitch(deps);
    const expected = versionToReplace(item);
    const now = deps.now();
    // What cannot be read is begun anew, by a revision that no verdict from before rests on.
    const known = before ?? { policyRevision: item ? now.getTime() : 0, version: expected ?? 0 };
    const put = modeChangeItem(switchedTo(mode, known, why, now));
    const isWritten = await deps.table.write([{ put, ...(expected !== undefined && { expected }) }]);
    return isWritten ? undefined : conflict;
  });
}

function switchedTo(
  mode: Mode,
  before: Pick<ModeChange, 'policyRevision' | 'version'> | undefined,
  { by, reason }: Why,
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
