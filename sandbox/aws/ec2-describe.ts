import type { Filter } from '@aws-sdk/client-ec2';
import { matchesWildcard } from '../iam/wildcard.ts';
import { AwsError, type OperationContext } from './aws-service.ts';
import { paginate } from './paging.ts';

/** The values that a filter compares, by its documented name. The sandbox has the filters that linkgate and its docs use. */
export type FilterTable<Row> = Readonly<Record<string, (row: Row) => readonly string[] | string | undefined>>;

interface DescribeRequest {
  readonly Filters?: readonly Filter[] | undefined;
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

const pageSizeBounds = { min: 5, max: 1000 };

/** Returns one page of the numbered resources that match the filters of the request, oldest first. */
export function selectPage<Row extends { readonly serial: number }>(
  operation: string,
  rows: readonly Row[],
  { Filters, MaxResults: size = pageSizeBounds.max, NextToken: token }: DescribeRequest,
  { caller: { accountId, region } }: OperationContext,
  filterTable: FilterTable<Row> = {},
) {
  if (size < pageSizeBounds.min || size > pageSizeBounds.max)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between ${pageSizeBounds.min} and ${pageSizeBounds.max}.`,
    );
  const scope = `${operation} ${accountId} ${region}`;
  return paginate(applyFilters(rows, Filters, filterTable), ({ serial }) => serial, { size, token, scope });
}

/** Returns the rows that match all filters; within one filter any value matches. Values are case-sensitive. */
function applyFilters<Row>(
  rows: readonly Row[],
  filters: readonly Filter[] = [],
  filterTable: FilterTable<Row>,
): readonly Row[] {
  const predicates = filters.map(({ Name = '', Values = [] }) => {
    const readField = Object.hasOwn(filterTable, Name) ? filterTable[Name] : undefined;
    if (readField === undefined) throw new AwsError('InvalidFilter', `The filter '${Name}' is invalid`);
    if (Values.length === 0)
      throw new AwsError('InvalidParameterValue', `The filter '${Name}' has no values`);
    const matchesValue = (value: string) => Values.some((pattern) => matchesWildcard(pattern, value));
    return (row: Row) => [readField(row) ?? []].flat().some(matchesValue);
  });
  return predicates.length === 0 ? rows : rows.filter((row) => predicates.every((matches) => matches(row)));
}
