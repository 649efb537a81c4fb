import type { Filter } from '@aws-sdk/client-ec2';
import { AwsError } from './aws-service.ts';

/** The values that a filter compares, by the documented name of the filter. */
export type FilterTable<Row> = Readonly<Record<string, (row: Row) => readonly string[] | string | undefined>>;

/** Returns the rows that match all filters; within one filter any value matches. Values are case-sensitive. */
export function applyFilters<Row>(
  rows: readonly Row[],
  filters: readonly Filter[] | undefined,
  filterTable: FilterTable<Row>,
  readTags?: (row: Row) => Readonly<Record<string, string>>,
): readonly Row[] {
  const predicates = (filters ?? []).map(({ Name = '', Values = [] }) => {
    const readField = Object.hasOwn(filterTable, Name) ? filterTable[Name] : tagFilter(Name, readTags);
    if (readField === undefined) throw new AwsError('InvalidFilter', `The filter '${Name}' is invalid`);
    if (Values.length === 0)
      throw new AwsError('InvalidParameterValue', `The filter '${Name}' has no values`);
    const matchesValue = filterMatcher(Values);
    return (row: Row) => [readField(row) ?? []].flat().some(matchesValue);
  });
  return predicates.length === 0 ? rows : rows.filter((row) => predicates.every((matches) => matches(row)));
}

function tagFilter<Row>(name: string, readTags?: (row: Row) => Readonly<Record<string, string>>) {
  if (readTags === undefined) return undefined;
  if (name === 'tag-key') return (row: Row) => Object.keys(readTags(row));
  if (name.startsWith('tag:')) return (row: Row) => readTags(row)[name.slice('tag:'.length)];
  return undefined;
}

/** `*` matches any characters, `?` one character; a backslash escapes the next character. */
function filterMatcher(values: readonly string[]): (value: string) => boolean {
  const literal = new Set(values.filter((value) => !/[*?\\]/.test(value)));
  const patterns = values.filter((value) => !literal.has(value)).map(filterPattern);
  return (value) => literal.has(value) || patterns.some((pattern) => pattern.test(value));
}

function filterPattern(value: string): RegExp {
  const source = value.replace(/\\(.)|[*?]|[^\w\s]/gs, (match, escaped: string | undefined) => {
    if (escaped !== undefined) return escapeRegExp(escaped);
    if (match === '*') return '.*';
    return match === '?' ? '.' : escapeRegExp(match);
  });
  return new RegExp(`^${source}$`, 's');
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
