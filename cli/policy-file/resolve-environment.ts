import { resolveFields } from './environments.ts';
import { formatPosition } from './problem.ts';
import type { Part } from './sections.ts';
import type { Path } from './source.ts';

/** Reports a problem of a part or of a field in it. */
export type ReportProblem = (part: Part<unknown>, message: string, subpath?: Path) => void;

/** A named part with its fields at a stage. */
export interface ResolvedPart<Fields> {
  readonly part: Part<Fields>;
  readonly fields: Omit<Fields, 'environments'>;
}

/** Resolves the parts of a stage by name. Two parts may share a name only in different environments. */
export function resolveForEnvironment<Fields extends object>(
  parts: readonly Part<Fields>[],
  stage: string | undefined,
  report: ReportProblem,
): ReadonlyMap<string, ResolvedPart<Fields>> {
  const resolved = new Map<string, ResolvedPart<Fields>>();
  for (const part of parts) {
    const fields = resolveFields(part.value, stage);
    if (!fields) continue;
    const other = resolved.get(part.name);
    if (other) report(part, `\`${part.name}\` is here already: ${locationText(other.part)}`);
    else resolved.set(part.name, { part, fields });
  }
  return resolved;
}

/** Formats the position of a part. */
export function locationText({ source, path }: Part<unknown>): string {
  return formatPosition(source.findPosition(path));
}
