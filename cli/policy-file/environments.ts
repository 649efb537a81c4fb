import { didYouMean } from '../../lib/values/did-you-mean.mjs';
import type { Problem } from './problem.ts';
import type { Part, Sections } from './sections.ts';

type Environments = readonly string[] | Readonly<Record<string, object>>;

interface EnvironmentScoped {
  readonly environments?: Environments;
}

/** Resolves the fields of a part at a stage; undefined if the part is not in that environment. */
export function resolveFields<Fields extends EnvironmentScoped>(
  { environments, ...fields }: Fields,
  stage: string | undefined,
): Omit<Fields, 'environments'> | undefined {
  if (environments === undefined) return fields;
  if (isList(environments)) return environments.some((each) => each === stage) ? fields : undefined;
  if (stage === undefined || !Object.hasOwn(environments, stage)) return undefined;
  return { ...fields, ...environments[stage] };
}

/** Finds undeclared environments, because a misspelt environment would silently omit a part. */
export function findUndeclaredEnvironments(
  parts: Sections,
  declared: readonly string[] | undefined,
): readonly Problem[] {
  const all: readonly Part<EnvironmentScoped>[] = Object.values(parts).flat();
  return all.flatMap(({ value: { environments = [] }, source, path }) =>
    listEnvironmentKeys(environments)
      .filter(([, name]) => !declared?.includes(name))
      .map(([key, name]) => ({
        position: source.findPosition([...path, 'environments', key], 'key'),
        message: `\`environments\` at the top of the file does not name \`${name}\`${didYouMean(name, declared ?? [])}`,
      })),
  );
}

function listEnvironmentKeys(
  environments: Environments,
): readonly (readonly [key: PropertyKey, name: string])[] {
  return isList(environments)
    ? [...environments.entries()]
    : Object.keys(environments).map((name) => [name, name]);
}

function isList(environments: Environments): environments is readonly string[] {
  return Array.isArray(environments);
}
