import { allServicesScope } from '../../lib/allowlist/entry.ts';
import { defaultGroup } from '../../lib/approvers/approver-group.ts';
import { didYouMean } from '../../lib/values/did-you-mean.mjs';
import type { SectionName } from './file-schema.ts';
import type { Problem } from './problem.ts';
import { isParsed } from './sections.ts';
import type { Path, Source } from './source.ts';

type NamedSection = Extract<SectionName, 'approvers' | 'services' | 'customers'>;

/** `builtIn`: names that exist without a declaration. */
const targets: Readonly<
  Record<NamedSection, { readonly label: string; readonly builtIn: readonly string[] }>
> = {
  // `linkgate setup` creates this group.
  approvers: { label: 'approver group', builtIn: [defaultGroup] },
  services: { label: 'service', builtIn: [allServicesScope] },
  customers: { label: 'customer', builtIn: [] },
};

/** The fields that refer to other parts. */
const referenceFields: readonly (readonly [part: SectionName, field: string, targetSection: NamedSection])[] =
  [
    ['approvers', 'escalateTo', 'approvers'],
    ['services', 'approvers', 'approvers'],
    ['allow', 'customer', 'customers'],
    ['allow', 'services', 'services'],
    ['block', 'customer', 'customers'],
    ['block', 'services', 'services'],
  ];

/**
 * Reports the names that no file declares, also in parts with other problems. If the declarations are unreadable, it reports
 * none.
 */
export function findUnknownReferences(sources: readonly Source[]): readonly Problem[] {
  return referenceFields.flatMap(([part, field, targetSection]) => {
    if (!sources.every((source) => isParsed(targetSection, source))) return [];
    const names = new Set(
      sources.flatMap(({ value }) => listFields(value, targetSection).map(([name]) => name)),
    );
    const { label, builtIn } = targets[targetSection];
    return sources.flatMap((source) =>
      listReferences(source, part, field)
        .filter(({ name }) => !names.has(name) && !builtIn.includes(name))
        .map(({ name, path }) => ({
          position: source.findPosition(path),
          message: `there is no ${label} \`${name}\` in the file${didYouMean(name, names)}`,
        })),
    );
  });
}

interface Reference {
  readonly name: string;
  readonly path: Path;
}

/** Reads the names in a field of each part, including the overrides of its environments. */
function listReferences({ value }: Source, part: string, field: string): readonly Reference[] {
  return listFields(value, part).flatMap(([key, definition]) => {
    const path = [part, key];
    const overrides = listFields(definition, 'environments').flatMap(([name, each]) =>
      toReferences(readField(each, field), [...path, 'environments', name, field]),
    );
    return [...toReferences(readField(definition, field), [...path, field]), ...overrides];
  });
}

function toReferences(value: unknown, path: Path): readonly Reference[] {
  if (typeof value === 'string') return [{ name: value, path }];
  if (!Array.isArray(value)) return [];
  return value.flatMap((each, index) =>
    typeof each === 'string' ? [{ name: each, path: [...path, index] }] : [],
  );
}

function listFields(value: unknown, key: string): [string, unknown][] {
  const inner = readField(value, key);
  return typeof inner === 'object' && inner !== null ? Object.entries(inner) : [];
}

function readField(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
