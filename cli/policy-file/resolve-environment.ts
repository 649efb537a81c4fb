import { overridesFor } from './environments.ts';
import { placeName } from './problem.ts';
import type { Named, Part } from './sections.ts';
import type { Path } from './source.ts';

/** Says what is wrong with a part, or with what stands in it. */
export type Report = (part: Part<unknown>, message: string, within?: Path) => void;

/** What a named part says at a stage. */
export interface Resolved<Said> {
  readonly part: Named<Said>;
  readonly said: Omit<Said, 'environments'>;
}

/** By name, what stands at a stage. Of two with one name, as files for different environments have them, one may stand there. */
export function resolveForEnvironment<Said extends object>(
  parts: readonly Named<Said>[],
  stage: string | undefined,
  report: Report,
): ReadonlyMap<string, Resolved<Said>> {
  const standing = new Map<string, Resolved<Said>>();
  for (const part of parts) {
    const said = overridesFor(part.value, stage);
    if (!said) continue;
    const other = standing.get(part.name);
    if (other) report(part, `\`${part.name}\` is here already: ${locationText(other.part)}`);
    else standing.set(part.name, { part, said });
  }
  return standing;
}

/** For people. */
export function locationText({ source, path }: Part<unknown>): string {
  return placeName(source.placeOf(path));
}
