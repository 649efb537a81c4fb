import * as v from 'valibot';
import { entity } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';

/** `enforce`: linkgate changes EC2. `observe`: linkgate makes no call that changes EC2. */
export const Mode = v.picklist(['enforce', 'observe']);
export type Mode = v.InferOutput<typeof Mode>;

/**
 * The SSM parameter that holds the mode. linkgate reads it again right before each change of EC2. It can be changed without
 * linkgate, so that a person can stop linkgate when its API fails.
 */
export interface ModeParameter {
  /** @throws when the parameter cannot be read. */
  read(): Promise<{
    readonly mode: Mode;
    readonly changedAt: string;
    /** The value of the parameter, if it is not a mode. */
    readonly unknownValue?: string;
  }>;
  write(mode: Mode): Promise<void>;
  /** @returns false if the parameter exists; its value stays. */
  createIfMissing(mode: Mode): Promise<boolean>;
}

/**
 * Reads the mode before a change of EC2.
 * @param since when the caller read the data on which the change depends. A mode that changed after this time counts as
 * `observe`, because verdicts from before the change are decided again.
 */
export type ReadMode = (since?: Date) => Promise<Mode>;

/** The last change of the mode through linkgate: author, time and reason, which the parameter cannot hold. */
const modeChangeEntity = entity({
  mode: Mode,
  /** ISO 8601 */
  since: v.string(),
  by: v.string(),
  reason: v.exactOptional(v.string()),
  /** Grows each time linkgate returns to enforce, so that earlier verdicts are decided again. */
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
