import * as v from 'valibot';
import { entity } from '../storage/entity.ts';
import type { Key } from '../storage/table.ts';

/** `enforce`: linkgate changes EC2. `observe`: linkgate makes no call that changes EC2. */
export const Mode = v.picklist(['enforce', 'observe']);
export type Mode = v.InferOutput<typeof Mode>;

/**
 * The SSM parameter of the mode. linkgate reads it again directly before each change of EC2. A person can change it without
 * linkgate, and so stop linkgate when its API fails.
 */
export interface ModeParameter {
  /** @throws if the parameter is unreadable. */
  read(): Promise<{
    readonly mode: Mode;
    readonly changedAt: string;
    /** The value of the parameter, if it is no valid mode. */
    readonly unknownValue?: string;
  }>;
  write(mode: Mode): Promise<void>;
  /** @returns false if the parameter exists; its value stays. */
  createIfMissing(mode: Mode): Promise<boolean>;
}

/**
 * Reads the mode before a change of EC2.
 * @param since the time when the caller read the data for the change. A mode that changed after this time counts as `observe`,
 * because linkgate decides earlier verdicts again.
 */
export type ReadMode = (since?: Date) => Promise<Mode>;

/** The last change of the mode through linkgate. The parameter cannot store its author, time and reason. */
const ModeChange = v.object({
  mode: Mode,
  /** ISO 8601 */
  since: v.string(),
  by: v.string(),
  reason: v.exactOptional(v.string()),
  /** Grows each time linkgate returns to enforce, so that linkgate decides earlier verdicts again. */
  policyRevision: v.number(),
  version: v.number(),
});
export type ModeChange = v.InferOutput<typeof ModeChange>;

export const modeKey: Key = { pk: 'MODE', sk: 'MODE' };

export const modeChangeEntity = entity(ModeChange.entries, () => modeKey);
export const { read: readModeChange, item: modeChangeItem } = modeChangeEntity;
