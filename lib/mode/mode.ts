import * as v from 'valibot';
import { entity } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';

/** Whether linkgate may change EC2 at all: `observe` calls nothing that does. */
export const Mode = v.picklist(['enforce', 'observe']);
export type Mode = v.InferOutput<typeof Mode>;

/**
 * The parameter that holds the mode: it alone counts, and it is read again right before EC2 is changed.
 * It can be changed without linkgate, so that linkgate can be stopped where its API fails.
 */
export interface ModeParameter {
  /** @throws when it cannot be read. */
  read(): Promise<{
    readonly mode: Mode;
    readonly changedAt: string;
    /** What it holds instead of a mode. */
    readonly unknownValue?: string;
  }>;
  write(mode: Mode): Promise<void>;
  /** @returns whether it was made now; false when there is one, which stays as it is. */
  createIfMissing(mode: Mode): Promise<boolean>;
}

/**
 * The mode as those read it who change EC2.
 * @param since when they looked at what they are about to act on: it counts as `observe` where it was changed after that,
 * since verdicts from before linkgate acted again are to be decided anew.
 */
export type ReadMode = (since?: Date) => Promise<Mode>;

/** Who switched the mode last through linkgate, when and why: what the parameter cannot say. */
const modeChangeEntity = entity({
  mode: Mode,
  /** ISO 8601 */
  since: v.string(),
  by: v.string(),
  reason: v.exactOptional(v.string()),
  /** Grows each time linkgate begins to act again: verdicts from before are then decided anew. */
  policyRevision: v.number(),
  version: v.number(),
});
export type ModeChange = ReturnType<typeof readModeChange>;

export const modeKey: Key = { pk: 'MODE', sk: 'MODE' };

export function readModeChange(item: Item) {
  return modeChangeEntity.read(item);
}

export function modeChangeItem(switched: ModeChange): Item {
  return modeChangeEntity.item(modeKey, switched);
}
