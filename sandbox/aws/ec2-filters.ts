import type { Filter } from '@aws-sdk/client-ec2';
import { matchesWildcard } from '../iam/wildcard.ts';
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
    const matchesValue = (value: string) => Values.some((pattern) => matchesWildcard(pattern, value));
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
