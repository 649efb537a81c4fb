import { overridesFor } from './environments.ts';
import { placeName } from './problem.ts';
import type { Named, Part } from './sections.ts';
import type { Path } from './source.ts';

/** Reports a problem of a part or of a field in it. */
export type Report = (part: Part<unknown>, message: string, within?: Path) => void;

/** A named part with its fields at a stage. */
export interface Resolved<Said> {
  readonly part: Named<Said>;
  readonly said: Omit<Said, 'environments'>;
}

/** The parts of a stage by name. Two parts may share a name only in different environments. */
export function resolveForEnvironment<Said extends object>(
  parts: readonly Named<Said>[],
  stage: string | undefined,
  report: Report,
): ReadonlyMap<string, Resolved<Said>> {
  const resolved = new Map<string, Resolved<Said>>();
  for (const part of parts) {
    const said = overridesFor(part.value, stage);
    if (!said) continue;
    const other = resolved.get(part.name);
    if (other) report(part, `\`${part.name}\` is here already: ${locationText(other.part)}`);
    else resolved.set(part.name, { part, said });
  }
  return resolved;
}

/** The position of a part as text. */
export function locationText({ source, path }: Part<unknown>): string {
  return placeName(source.placeOf(path));
}
