import { globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import * as v from 'valibot';
import { CommandError } from '../command-error.ts';
import { markControls } from '../control-characters.ts';
import { headerSchema } from './file-schema.ts';
import { formatPosition, type Problem, type SourcePosition } from './problem.ts';
import { parseSource, type Source } from './source.ts';

/** Reads a policy file and its includes, the file itself first, with the problems of unreadable files. */
export interface PolicyFiles {
  readonly sources: readonly Source[];
  readonly problems: readonly Problem[];
}

/** @throws CommandError if the file itself is unreadable */
export function readPolicyFiles(file: string): PolicyFiles {
  const realPath = resolveRealPath(file);
  const folder = dirname(realPath);
  const sources: Source[] = [];
  const problems: Problem[] = [];
  /** The position of each `include`, by the real path of the file. */
  const includePositions = new Map<string, SourcePosition>();

  /** @param including the real paths of the files on the include path to this file */
  function read(name: string, path: string, position: SourcePosition, including: readonly string[]): void {
    const message = explainRepeatedFile(name, path, including);
    if (message !== undefined) return void problems.push({ position, message });
    includePositions.set(path, position);
    const source = readSource(name, path, position);
    if (!('value' in source)) return void problems.push(...source);
    sources.push(source);
    for (const [index, pattern] of readIncludes(source).entries())
      include(pattern, name, source.findPosition(['include', index]), [...including, path]);
  }

  function explainRepeatedFile(name: string, path: string, including: readonly string[]): string | undefined {
    if (including.includes(path)) return `a file cannot include itself, by whatever way: \`${name}\``;
    const other = includePositions.get(path);
    return other && `\`${name}\` is read already: ${formatPosition(other)}`;
  }

  function include(
    pattern: string,
    from: string,
    position: SourcePosition,
    including: readonly string[],
  ): void {
    const names = isAbsolute(pattern) ? [] : matchFiles(pattern, from);
    if (names.length === 0) problems.push({ position, message: `\`${pattern}\` is no file beside this one` });
    for (const name of names) {
      const path = realpathSync(name);
      if (isWithin(folder, path)) read(name, path, position, including);
      else problems.push({ position, message: `\`${name}\` lies outside the folder of the policy file` });
    }
  }

  read(file, realPath, { file, line: 1, column: 1 }, []);
  return { sources, problems };
}

/** Lists the paths that a name or pattern matches, relative to a file. A pattern does not match the file itself. */
function matchFiles(pattern: string, from: string): readonly string[] {
  const folder = dirname(from);
  const names = globSync(pattern, { cwd: folder }).sort();
  const isNamed = names.length === 1 && join(folder, pattern) === join(folder, names[0] ?? '');
  return names.map((each) => join(folder, each)).filter((name) => isNamed || name !== join(from));
}

function resolveRealPath(file: string): string {
  try {
    return realpathSync(file);
  } catch (cause) {
    throw new CommandError('failed', `there is no file ${markControls(file)}`, { cause });
  }
}

function readSource(name: string, path: string, position: SourcePosition): Source | readonly Problem[] {
  try {
    return parseSource(name, new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)));
  } catch (error) {
    return [{ position, message: `\`${name}\` ${explainReadError(error)}` }];
  }
}

function explainReadError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR') return 'is a folder, and no file';
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
    ? 'is not a text in UTF-8'
    : `cannot be read: ${message}`;
}

const Including = v.object({ include: v.fallback(headerSchema.include.wrapped, []) });

/** Returns an empty list for an invalid form, which the validation reports. */
function readIncludes({ value }: Source): readonly string[] {
  const including = v.safeParse(Including, value);
  return including.success ? including.output.include : [];
}

function isWithin(folder: string, path: string): boolean {
  const relativePath = relative(folder, path);
  return relativePath !== '..' && !relativePath.startsWith(`..${sep}`) && !isAbsolute(relativePath);
}
