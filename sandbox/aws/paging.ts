import { AwsError } from './aws-service.ts';

/** The sort key of a row. Rows may appear and disappear between two pages. */
type Key = number | string;

/**
 * Returns one page of rows in ascending order of their keys. A token is valid only in its scope: an operation with its
 * account and Region.
 */
export function paginate<Row>(
  rows: readonly Row[],
  sortKey: (row: Row) => Key,
  page: { readonly size: number; readonly token: string | undefined; readonly scope?: string },
): { readonly rows: readonly Row[]; readonly NextToken: string | undefined } {
  const { size, token, scope = '' } = page;
  const after = token === undefined ? undefined : decodePageKey(token, scope);
  const ordered = rows.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  const start = after === undefined ? 0 : ordered.findIndex((row) => sortKey(row) > after);
  const selected = start < 0 ? [] : ordered.slice(start, start + size);
  const last = selected.at(-1);
  const hasMore = last !== undefined && start + size < rows.length;
  return { rows: selected, NextToken: hasMore ? encodePageToken(sortKey(last), scope) : undefined };
}

function encodePageToken(key: Key, scope: string): string {
  return Buffer.from(JSON.stringify([scope, key])).toString('base64');
}

function decodePageKey(token: string, scope: string): Key {
  try {
    const [tokenScope, key] = JSON.parse(Buffer.from(token, 'base64').toString());
    if (tokenScope === scope) return key;
  } catch {
    // The token is malformed; the error below refuses it like a token of another operation.
  }
  throw new AwsError('InvalidNextToken', `The token '${token}' is invalid`);
}
