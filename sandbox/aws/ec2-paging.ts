import type { OperationContext } from './aws-service.ts';
import { AwsError } from './aws-service.ts';

interface PageRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/** The sort key of a row. Rows may appear and disappear between two pages. */
type Key = number | string;

const pageSizeBounds = { min: 5, max: 1000 };

/** Returns one page of rows in ascending order of their keys. A token is valid only for its operation, account and Region. */
export function paginate<Row>(
  operation: string,
  rows: readonly Row[],
  sortKey: (row: Row) => Key,
  { MaxResults: size = pageSizeBounds.max, NextToken: token }: PageRequest,
  { caller }: OperationContext,
): { readonly rows: readonly Row[]; readonly NextToken: string | undefined } {
  if (size < pageSizeBounds.min || size > pageSizeBounds.max)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between ${pageSizeBounds.min} and ${pageSizeBounds.max}.`,
    );
  const scope = `${operation} ${caller.accountId} ${caller.region}`;
  const after = token === undefined ? undefined : decodePageKey(token, scope);
  const start = after === undefined ? 0 : rows.findIndex((row) => sortKey(row) > after);
  const page = start < 0 ? [] : rows.slice(start, start + size);
  const last = page.at(-1);
  const more = last !== undefined && start + size < rows.length;
  return { rows: page, NextToken: more ? encodePageToken(sortKey(last), scope) : undefined };
}

function encodePageToken(key: Key, scope: string): string {
  return Buffer.from(JSON.stringify([scope, key])).toString('base64');
}

function decodePageKey(token: string, scope: string): Key {
  try {
    const [tokenScope, key] = JSON.parse(Buffer.from(token, 'base64').toString());
    if (tokenScope === scope) return key;
  } catch {
    // The token is malformed; the check below refuses it like a token of another operation.
  }
  throw new AwsError('InvalidNextToken', `The token '${token}' is invalid`);
}
