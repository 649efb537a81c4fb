import type { Filter } from '@aws-sdk/client-ec2';
import { matchesWildcard } from '../iam/wildcard.ts';
import { AwsError } from './aws-service.ts';

/** The values that a filter compares, by its documented name. The sandbox has the filters that linkgate and its docs use. */
export type FilterTable<Row> = Readonly<Record<string, (row: Row) => readonly string[] | string | undefined>>;

/** Returns the rows that match all filters; within one filter any value matches. Values are case-sensitive. */
export function applyFilters<Row>(
  rows: readonly Row[],
  filters: readonly Filter[] | undefined,
  filterTable: FilterTable<Row>,
): readonly Row[] {
  const predicates = (filters ?? []).map(({ Name = '', Values = [] }) => {
    const readField = Object.hasOwn(filterTable, Name) ? filterTable[Name] : undefined;
    if (readField === undefined) throw new AwsError('InvalidFilter', `The filter '${Name}' is invalid`);
    if (Values.length === 0)
      throw new AwsError('InvalidParameterValue', `The filter '${Name}' has no values`);
    const matchesValue = (value: string) => Values.some((pattern) => matchesWildcard(pattern, value));
    return (row: Row) => [readField(row) ?? []].flat().some(matchesValue);
  });
  return predicates.length === 0 ? rows : rows.filter((row) => predicates.every((matches) => matches(row)));
}
