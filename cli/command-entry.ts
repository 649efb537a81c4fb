import type { Argument, Option } from 'commander';

/** The groups of `linkgate --help`, in its order. */
export const commandGroups = ['Decide', 'Policy', 'Operate'] as const;

/** One command, as help and docs/commands.md describe it. */
export interface CommandEntry {
  /** The words after `linkgate`: `service add`. */
  readonly name: string;
  readonly group: (typeof commandGroups)[number];
  readonly summary: string;
  /** Commander changes what it is given, so that each run makes its own. */
  readonly arguments?: readonly (() => Argument)[];
  readonly options?: readonly (() => Option)[];
  readonly example: string;
  readonly notes?: string;
  /** The command of its family that runs where none is named. */
  readonly isDefault?: true;
}
