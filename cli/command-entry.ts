import type { Argument, Option } from 'commander';

/** The groups of `linkgate --help`, in its order. */
export const commandGroups = ['Decide', 'Policy', 'Operate'] as const;

/** One command, as help and docs/commands.md describe it. */
export interface CommandEntry {
  /** The words after `linkgate`: `service add`. */
  readonly name: string;
  readonly group: (typeof commandGroups)[number];
  readonly summary: string;
  /** Creates new objects for each run, because commander mutates them. */
  readonly arguments?: readonly (() => Argument)[];
  readonly options?: readonly (() => Option)[];
  readonly example: string;
  readonly notes?: string;
  /** The default command of its family. */
  readonly isDefault?: true;
}
