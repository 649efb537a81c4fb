import * as v from 'valibot';
import { didYouMean } from '../../lib/values/did-you-mean.mjs';
import { describeIssue } from '../../lib/values/input-problems.ts';
import { accountUnquoted, explainUnquotedAccount } from './fields.ts';
import {
  type Allow,
  type Block,
  type Customer,
  type Group,
  headerSchema,
  listSections,
  namedSections,
  type Service,
} from './file-schema.ts';
import type { Problem } from './problem.ts';
import type { Path, Source } from './source.ts';

/** A valid part of a file, with its position. */
export interface Part<T> {
  readonly value: T;
  readonly source: Source;
  readonly path: Path;
}

export interface NamedPart<T> extends Part<T> {
  readonly name: string;
}

/** The merged sections of all files. */
export interface Sections {
  readonly approvers: NamedPart<Group>[];
  readonly services: NamedPart<Service>[];
  readonly customers: NamedPart<Customer>[];
  readonly allow: Part<Allow>[];
  readonly block: Part<Block>[];
}

/** The header of a file. A field of the wrong form is undefined. */
const FileHeader = v.object({
  version: v.fallback(v.optional(headerSchema.version.wrapped), undefined),
  environments: v.fallback(v.optional(headerSchema.environments.wrapped), undefined),
});
export type FileHeader = v.InferOutput<typeof FileHeader>;

export function emptySections(): Sections {
  return { approvers: [], services: [], customers: [], allow: [], block: [] };
}

// YAML parses a list with only comments as null. A valibot schema for maps would drop names such as `constructor`.
const byName = v.nullish(
  v.custom<object>(isMap, (issue) => describeIssue({ ...issue, expected: 'Object' }, idiom)),
  {},
);
const inList = v.nullish(v.array(v.unknown()), []);
const FileShape = v.strictObject({
  ...headerSchema,
  approvers: byName,
  services: byName,
  customers: byName,
  allow: inList,
  block: inList,
});

/** Whether a field is valid or absent. A misspelt field does not count as absent. */
export function isParsed(field: keyof typeof FileShape.entries, { value }: Source): boolean {
  if (!isMap(value)) return value === null || value === undefined;
  if (Object.hasOwn(value, field)) return v.is(FileShape.entries[field], value[field]);
  return Object.keys(value).every((key) => Object.hasOwn(FileShape.entries, key));
}

/** Adds the parts of a file to the sections, and its problems to the problems. */
export function splitSections(source: Source, parts: Sections, problems: Problem[]): FileHeader {
  parsePart(FileShape, source, [], source.value ?? {}, problems);
  // The function reports an invalid part, and validates the other parts too.
  const section = (name: string) => (isMap(source.value) ? source.value[name] : undefined);
  for (const name of ['approvers', 'services', 'customers'] as const)
    addNamedParts(name, v.parse(v.fallback(byName, {}), section(name)), source, parts, problems);
  for (const name of ['allow', 'block'] as const)
    addListedParts(name, v.parse(v.fallback(inList, []), section(name)), source, parts, problems);
  return v.parse(FileHeader, isMap(source.value) ? source.value : {});
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function addListedParts(
  section: keyof typeof listSections,
  listItems: readonly unknown[],
  source: Source,
  parts: Sections,
  problems: Problem[],
): void {
  for (const [index, entry] of listItems.entries()) {
    const path = [section, index];
    const value = parsePart(listSections[section].part, source, path, entry, problems);
    if (value) (parts[section] as Part<Allow | Block>[]).push({ value, source, path });
  }
}

function addNamedParts(
  section: keyof typeof namedSections,
  fieldsByName: object,
  source: Source,
  parts: Sections,
  problems: Problem[],
): void {
  for (const [name, fields] of Object.entries(fieldsByName)) {
    const path = [section, name];
    const parsedName = v.safeParse(namedSections[section].name, name);
    if (!parsedName.success)
      problems.push({ position: source.findPosition(path, 'key'), message: parsedName.issues[0].message });
    // A part without settings may have no value.
    const value = parsePart(namedSections[section].part, source, path, fields ?? {}, problems);
    if (value && parsedName.success)
      (parts[section] as NamedPart<Group | Service | Customer>[]).push({ value, name, source, path });
  }
}

function parsePart<const Schema extends v.GenericSchema & { readonly entries: object }>(
  schema: Schema,
  source: Source,
  path: Path,
  input: unknown,
  problems: Problem[],
): v.InferOutput<Schema> | undefined {
  const fields = Object.keys(schema.entries);
  const result = v.safeParse(schema, input, { message: (issue) => describeSchemaIssue(issue, fields) });

  if (result.success) return result.output;
  for (const issue of result.issues.flatMap(selectUnionIssues)) {
    const keys = issue.path ?? [];
    const isUnknownKey = keys.at(-1)?.origin === 'key' && issue.expected === 'never';
    const at = [...path, ...keys.map(({ key }) => key as PropertyKey)];
    problems.push({
      position: source.findPosition(at, isUnknownKey ? 'key' : undefined),
      message:
        issue.message === accountUnquoted
          ? explainUnquotedAccount(source.readLiteral(at) ?? '')
          : issue.message,
    });
  }
  return undefined;
}

/** Selects the issues of the union member that the value resembles. */
function selectUnionIssues(issue: v.BaseIssue<unknown>): readonly v.BaseIssue<unknown>[] {
  if (issue.type !== 'union') return [issue];
  const pathType = Array.isArray(issue.input) ? 'array' : 'object';
  const memberIssues = (issue.issues ?? []).filter(({ path }) => path?.[0].type === pathType);
  return memberIssues.length > 0
    ? memberIssues
        .flatMap(selectUnionIssues)
        .map((each) => ({ ...each, path: [...(issue.path ?? []), ...(each.path ?? [])] as typeof each.path }))
    : [issue];
}

/** Describes an issue without a message of its own. */
function describeSchemaIssue(issue: v.BaseIssue<unknown>, fields: readonly string[]): string {
  const { expected, received, input, path } = issue;
  if (expected === 'never') {
    const suggestion = path?.length === 1 ? didYouMean(String(input), fields) : '';
    return `there is no field \`${input}\` here${suggestion}`;
  }
  if (path?.at(-1)?.origin === 'key' && received === 'undefined')
    return `${expected?.replaceAll('"', '`')} is missing`;
  return describeIssue(issue, idiom);
}

const idiom = { subject: 'this', map: 'a map' };
