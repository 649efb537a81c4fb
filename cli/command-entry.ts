import type { Argument, Command, Option } from 'commander';
import type { Session } from './session.ts';

/** The groups of `linkgate --help`, in its order. */
export const commandGroups = ['Decide', 'Policy', 'Operate'] as const;

/** The arguments of a command and then its options, as commander parses them. */
type ParsedArguments = Parameters<Parameters<Command['action']>[0]>;

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
  readonly run: (session: Session, ...args: ParsedArguments) => Promise<void> | void;
}

/** A command in the table of its group. */
export type GroupedEntry = Omit<CommandEntry, 'group'>;
