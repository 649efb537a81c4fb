import type { WorkBell } from '../connection/work-bell.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { placesOf } from '../service/registered-services.ts';
import { type Repairing, repairServices } from '../service/repair-services.ts';
import { lost, untilWon } from '../table/contention.ts';
import type { Table } from '../table/table.ts';
import { type Mode, type ModeParameter, modeKey, readSwitched, type Switched, switchedItem } from './mode.ts';

export interface Showing extends Invocation {
  readonly table: Table;
  readonly modeParameter: ModeParameter;
}

export interface Switching extends Showing, Repairing {
  readonly bell: WorkBell;
}

/** The mode that counts now, and what is known of how it came about. */
export interface ModeView {
  readonly mode: Mode;
  /** ISO 8601; null where the parameter cannot be read. */
  readonly since: string | null;
  readonly by: string;
  readonly reason?: string;
}

const byHand = 'somebody who changed the parameter without linkgate';
const byDeployment = "linkgate's deployment";

export async function showMode(deps: Showing): Promise<ModeView> {
  const [parameter, switched] = await Promise.all([parameterOr(deps), lastSwitch(deps.table)]);
  if ('error' in parameter)
    return {
      mode: 'observe',
      since: null,
      by: 'linkgate',
      reason: `the mode cannot be read, so that nothing is changed in EC2 (${parameter.error})`,
    };
  const { mode, changedAt } = parameter;
  if (switched?.mode !== mode)
    return { mode, since: changedAt, by: switched || mode === 'observe' ? byHand : byDeployment };
  const { since, by, reason } = switched;
  return { mode, since, by, ...(reason !== undefined && { reason }) };
}

/** May be repeated: a mode that is there already keeps its `since` and `by`. */
export async function switchMode(
  mode: Mode,
  why: Pick<Switched, 'by' | 'reason'>,
  deps: Switching,
): Promise<{ view: ModeView; warnings: string[] }> {
  const [parameter, switched] = await Promise.all([parameterOr(deps), lastSwitch(deps.table)]);
  const isThere = !('error' in parameter) && parameter.mode === mode && (switched?.mode ?? 'act') === mode;
  // Stopping comes first. Acting comes last, when every verdict from before is out of date.
  if (!isThere && mode === 'observe') await deps.modeParameter.write(mode);
  if (!isThere) await remember(mode, why, deps);
  if (!isThere && mode === 'act') await deps.modeParameter.write(mode);
  const warnings = mode === 'act' ? await repairServices(deps) : [];
  // A lost ring is made good by the sweep.
  if (mode === 'act') await orReport(deps.report, () => ringEverywhere(deps));
  return { view: await showMode(deps), warnings };
}

async function ringEverywhere({ table, bell }: Switching): Promise<void> {
  await Promise.all((await placesOf(table)).map((place) => bell.ring(place)));
}

async function parameterOr({ modeParameter, report }: Showing) {
  try {
    return await modeParameter.read();
  } catch (error) {
    report(error);
    return { error: error instanceof Error ? error.name : String(error) };
  }
}

async function lastSwitch(table: Table): Promise<Switched | undefined> {
  const [item] = await table.get([modeKey]);
  return item && readSwitched(item);
}

async function remember(
  mode: Mode,
  { by, reason }: Pick<Switched, 'by' | 'reason'>,
  { table, now }: Switching,
): Promise<void> {
  await untilWon(modeKey.sk, async () => {
    const before = await lastSwitch(table);
    const switched: Switched = {
      mode,
      since: now().toISOString(),
      by,
      ...(reason !== undefined && { reason }),
      revision: (before?.revision ?? 0) + (mode === 'act' ? 1 : 0),
      version: (before?.version ?? 0) + 1,
    };
    const isWritten = await table.write([{ put: switchedItem(switched), expected: before?.version ?? 0 }]);
    return isWritten ? undefined : lost;
  });
}
