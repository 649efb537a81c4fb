import * as v from 'valibot';
import { didYouMean } from '../../lib/values/did-you-mean.mjs';
import { describeIssue } from '../../lib/values/input-problems.ts';
import { accountUnquoted, explainUnquotedAccount } from './fields.ts';
import { headerSchema, type SectionName, sections } from './file-schema.ts';
import type { Problem } from './problem.ts';
import type { Path, Source } from './source.ts';

/** A valid part of a file, with its position. */
export interface Part<T> {
  /** The name, or the index in a list. */
  readonly name: string;
  readonly value: T;
  readonly source: Source;
  readonly path: Path;
}

/** The merged sections of all files. */
export type Sections = {
  readonly [Name in SectionName]: Part<v.InferOutput<(typeof sections)[Name]['part']>>[];
};

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
  for (const name of ['approvers', 'services', 'customers', 'allow', 'block'] as const)
    addParts(name, source, parts, problems);
  return v.parse(FileHeader, isMap(source.value) ? source.value : {});
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function addParts(section: SectionName, source: Source, parts: Sections, problems: Problem[]): void {
  const { part, ...named } = sections[section];
  const nameSchema = 'name' in named ? named.name : undefined;
  const value = isMap(source.value) ? source.value[section] : undefined;
  // The validation of the file reports a section of another form.
  const items = v.is(FileShape.entries[section], value) ? (value ?? []) : [];
  for (const [name, fields] of Object.entries(items)) {
    const path = [section, name];
    const nameIssues = nameSchema && v.safeParse(nameSchema, name).issues;
    if (nameIssues)
      problems.push({ position: source.findPosition(path, 'key'), message: nameIssues[0].message });
    // A named part without settings may have no value.
    const valid = parsePart(part, source, path, nameSchema ? (fields ?? {}) : fields, problems);
    if (valid && !nameIssues) (parts[section] as Part<unknown>[]).push({ name, value: valid, source, path });
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
