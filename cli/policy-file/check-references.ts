import { allServicesScope } from '../../lib/allowlist/entry.ts';
import { defaultGroup } from '../../lib/approvers/approver-group.ts';
import { didYouMean } from '../../lib/values/did-you-mean.mjs';
import type { namedSections } from './file-schema.ts';
import type { Problem } from './problem.ts';
import { isParsed } from './sections.ts';
import type { Path, Source } from './source.ts';

type Section = keyof typeof namedSections;

/** `builtIn`: names that exist without a file. */
const sections: Readonly<Record<Section, { readonly word: string; readonly builtIn: readonly string[] }>> = {
  // `linkgate setup` makes it.
  approvers: { word: 'approver group', builtIn: [defaultGroup] },
  services: { word: 'service', builtIn: [allServicesScope] },
  customers: { word: 'customer', builtIn: [] },
};

/** The fields that name other parts. */
const fields: readonly (readonly [part: string, field: string, meant: Section])[] = [
  ['approvers', 'escalateTo', 'approvers'],
  ['services', 'approvers', 'approvers'],
  ['allow', 'customer', 'customers'],
  ['allow', 'services', 'services'],
  ['block', 'customer', 'customers'],
  ['block', 'services', 'services'],
];

/**
 * The names that no file declares, also in parts with other problems. If the declared names are unreadable, it reports none.
 */
export function unknownReferences(sources: readonly Source[]): readonly Problem[] {
  return fields.flatMap(([part, field, meant]) => {
    if (!sources.every((source) => isParsed(meant, source))) return [];
    const names = new Set(sources.flatMap(({ value }) => within(value, meant).map(([name]) => name)));
    const { word, builtIn } = sections[meant];
    return sources.flatMap((source) =>
      saidIn(source, part, field)
        .filter(({ name }) => !names.has(name) && !builtIn.includes(name))
        .map(({ name, path }) => ({
          place: source.placeOf(path),
          message: `there is no ${word} \`${name}\` in the file${didYouMean(name, names)}`,
        })),
    );
  });
}

interface Said {
  readonly name: string;
  readonly path: Path;
}

/** The names in a field of each part, the overrides of its environments included. */
function saidIn({ value }: Source, part: string, field: string): readonly Said[] {
  return within(value, part).flatMap(([key, said]) => {
    const path = [part, key];
    const different = within(said, 'environments').flatMap(([name, each]) =>
      textsIn(fieldOf(each, field), [...path, 'environments', name, field]),
    );
    return [...textsIn(fieldOf(said, field), [...path, field]), ...different];
  });
}

function textsIn(value: unknown, path: Path): readonly Said[] {
  if (typeof value === 'string') return [{ name: value, path }];
  if (!Array.isArray(value)) return [];
  return value.flatMap((each, index) =>
    typeof each === 'string' ? [{ name: each, path: [...path, index] }] : [],
  );
}

function within(value: unknown, key: string): [string, unknown][] {
  const inner = fieldOf(value, key);
  return typeof inner === 'object' && inner !== null ? Object.entries(inner) : [];
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
