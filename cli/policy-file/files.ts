import { globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import * as v from 'valibot';
import { CommandError } from '../command-error.ts';
import { head } from './form.ts';
import { type Place, type Problem, placeName } from './problem.ts';
import { parseSource, type Source } from './source.ts';

/** A policy file and all that it includes, the file itself first; and why some are not among them. */
export interface Files {
  readonly sources: readonly Source[];
  readonly problems: readonly Problem[];
}

/** @throws CommandError where the file itself cannot be read */
export function filesFrom(file: string): Files {
  const real = realPathOf(file);
  const folder = dirname(real);
  const sources: Source[] = [];
  const problems: Problem[] = [];
  /** By their real paths: where they were asked for. */
  const asked = new Map<string, Place>();

  function read(name: string, path: string, place: Place): void {
    const other = asked.get(path);
    if (other)
      return void problems.push({ place, message: `\`${name}\` is read already: ${placeName(other)}` });
    asked.set(path, place);
    const source = sourceIn(name, path, place);
    if (!('value' in source)) return void problems.push(...source);
    sources.push(source);
    for (const [index, pattern] of includesOf(source).entries())
      include(pattern, name, source.placeOf(['include', index]));
  }

  function include(pattern: string, from: string, place: Place): void {
    const names = isAbsolute(pattern) ? [] : globSync(pattern, { cwd: dirname(from) }).sort();
    if (names.length === 0) problems.push({ place, message: `\`${pattern}\` is no file beside this one` });
    for (const name of names.map((each) => join(dirname(from), each))) {
      const path = realpathSync(name);
      if (isWithin(folder, path)) read(name, path, place);
      else problems.push({ place, message: `\`${name}\` lies outside the folder of the policy file` });
    }
  }

  read(file, real, { file, line: 1, column: 1 });
  return { sources, problems };
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch (cause) {
    throw new CommandError('failed', `there is no file ${file}`, { cause });
  }
}

function sourceIn(name: string, path: string, place: Place): Source | readonly Problem[] {
  try {
    return parseSource(name, new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)));
  } catch (error) {
    return [{ place, message: `\`${name}\` ${whyUnread(error)}` }];
  }
}

function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR') return 'is a folder, and no file';
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
    ? 'is not a text in UTF-8'
    : `cannot be read: ${message}`;
}

const Including = v.object({ include: v.fallback(head.include.wrapped, []) });

/** Nothing where the form is not kept: that is told with all else that is wrong with it. */
function includesOf({ value }: Source): readonly string[] {
  const including = v.safeParse(Including, value);
  return including.success ? including.output.include : [];
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
