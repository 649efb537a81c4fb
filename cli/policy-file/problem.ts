import { CommandError } from '../command-error.ts';
import { markControls } from '../control-characters.ts';

/** A position in a file. Lines and columns start at 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A problem of a policy file, with its position. */
export interface Problem {
  readonly position: SourcePosition;
  readonly message: string;
}

/** `policy.yml:12:5`, which editors and terminals turn into a link. */
export function formatPosition({ file, line, column }: SourcePosition): string {
  return `${file}:${line}:${column}`;
}

/** Collects all problems of the files in one error. */
export function validationError(problems: readonly Problem[]): CommandError {
  const lines = new Set(
    problems
      .toSorted(comparePositions)
      .map(({ position, message }) => markControls(`${formatPosition(position)}: ${message}`)),
  );
  const count = lines.size === 1 ? 'one thing is' : `${lines.size} things are`;
  return new CommandError(
    'failed',
    `${count} wrong with the policy, and nothing was sent:\n${[...lines].join('\n')}`,
  );
}

function comparePositions({ position: one }: Problem, { position: other }: Problem): number {
  return one.file.localeCompare(other.file) || one.line - other.line || one.column - other.column;
}
