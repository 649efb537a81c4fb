import { type Invocation, orReport } from '../invocation.ts';
import { placesOf } from '../service/registered-services.ts';
import { type Repairing, repairServices } from '../service/repair-services.ts';
import type { Sweeps } from '../sweep/sweeps.ts';
import { lost, untilWon } from '../table/contention.ts';
import { type ReadDeps, readEach, versionToReplace } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type Mode, type ModeParameter, modeKey, readSwitched, type Switched, switchedItem } from './mode.ts';

export interface Showing extends Invocation {
  readonly table: Table;
  readonly modeParameter: ModeParameter;
}

export interface Switching extends Showing, Repairing {
  readonly sweeps: Sweeps;
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
export class StoppedMeanwhileError extends Error {
  override readonly name = 'StoppedMeanwhileError';

  constructor(by: string) {
    super(
      `${by} switched the mode to observe meanwhile, and that holds; if linkgate is to act all the same: linkgate mode act`,
    );
  }
}

const byHand = 'somebody who changed the parameter without linkgate';
const bySetup = "linkgate's setup";

export async function showMode(deps: Showing): Promise<ModeView> {
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
  if (switched?.mode === 'act' && mode === 'observe' && changedAt < switched.since)
    return {
      mode,
      since: changedAt,
      by: 'linkgate',
      reason: `${switched.by} began to switch to act at ${switched.since}, and it was not finished: linkgate mode act`,
    };
  if (switched?.mode !== mode)
    return { mode, since: changedAt, by: switched || mode === 'observe' ? byHand : bySetup };
  const { since, by, reason } = switched;
  return { mode, since, by, ...(reason !== undefined && { reason }) };
}

/**
 * May be repeated: a mode that is there already keeps its `since` and `by`.
 * @throws StoppedMeanwhileError, ContendedError
 */
export async function switchMode(
  mode: Mode,
  why: Why,
  deps: Switching,
): Promise<{ view: ModeView; warnings: string[] }> {
  const [parameter, { item, switched }] = await Promise.all([parameterOr(deps), findSwitch(deps)]);
  const isThere =
    !('error' in parameter) &&
    parameter.otherwise === undefined &&
    parameter.mode === mode &&
    (item ? switched?.mode : 'act') === mode;
  if (!isThere) await (mode === 'observe' ? stop(why, deps) : beginToAct(why, deps));
  const warnings = mode === 'act' ? await repairServices(deps) : [];
  // What fails here is made good by the next pass that is scheduled.
  if (mode === 'act') await orReport(deps.report, () => sweepEverywhere(deps));
  return { view: await showMode(deps), warnings };
}

type Why = Pick<Switched, 'by' | 'reason'>;

/** The parameter comes first, so that linkgate stops at once, and again at the end: somebody may have begun to act in between. */
async function stop(why: Why, deps: Switching): Promise<void> {
  // Nobody is left with a mode that was switched and an answer that says it failed.
  switchedItem(switchedTo('observe', undefined, why, deps.now()));
  await deps.modeParameter.write('observe');
  await remember('observe', why, deps);
  await deps.modeParameter.write('observe');
}

/** The parameter comes last, when every verdict from before is out of date, and not where somebody stops linkgate meanwhile. */
async function beginToAct(why: Why, deps: Switching): Promise<void> {
  await remember('act', why, deps);
  if ((await lastSwitch(deps))?.mode === 'act') await deps.modeParameter.write('act');
  const last = await lastSwitch(deps);
  if (last?.mode !== 'observe') return;
  await deps.modeParameter.write('observe');
  throw new StoppedMeanwhileError(last.by);
}

/** A whole pass decides anew what rests on the time before, and rings for what is due. */
async function sweepEverywhere(deps: Switching): Promise<void> {
  const places = await placesOf(deps);
  await Promise.all(places.map((place) => deps.sweeps.request({ place, pass: 'full', waitsForTurn: true })));
}

async function parameterOr({ modeParameter, report }: Showing) {
  try {
    return await modeParameter.read();
  } catch (error) {
    report(error);
    return { error: error instanceof Error ? error.name : String(error) };
  }
}

async function lastSwitch(deps: ReadDeps): Promise<Switched | undefined> {
  return (await findSwitch(deps)).switched;
}

async function findSwitch({ table, report }: ReadDeps) {
  const items = await table.get([modeKey]);
  return { item: items[0], switched: readEach(items, readSwitched, report)[0] };
}

async function remember(mode: Mode, why: Why, deps: Switching): Promise<void> {
  await untilWon(modeKey.sk, async () => {
    const { item, switched: before } = await findSwitch(deps);
    const expected = versionToReplace(item);
    const now = deps.now();
    // What cannot be read is begun anew, by a revision that no verdict from before rests on.
    const known = before ?? { revision: item ? now.getTime() : 0, version: expected ?? 0 };
    const put = switchedItem(switchedTo(mode, known, why, now));
    const isWritten = await deps.table.write([{ put, ...(expected !== undefined && { expected }) }]);
    return isWritten ? undefined : lost;
  });
}

function switchedTo(
  mode: Mode,
  before: Pick<Switched, 'revision' | 'version'> | undefined,
  { by, reason }: Why,
  now: Date,
): Switched {
  return {
    mode,
    since: now.toISOString(),
    by,
    ...(reason !== undefined && { reason }),
    revision: (before?.revision ?? 0) + (mode === 'act' ? 1 : 0),
    version: (before?.version ?? 0) + 1,
  };
}
