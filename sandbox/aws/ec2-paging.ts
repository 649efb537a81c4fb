import type { OperationContext } from './aws-service.ts';
import { AwsError } from './aws-service.ts';

interface PageRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/** A row's place in the order of pages; rows may come and go between two pages. */
type Key = number | string;

const bounds = { min: 5, max: 1000 };

/** One page of rows, which come in ascending order of their keys. A token is good for the same operation, account and Region only. */
export function page<Row>(
  operation: string,
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
  { MaxResults: size = bounds.max, NextToken: token }: PageRequest,
  { caller }: OperationContext,
): { readonly rows: readonly Row[]; readonly NextToken: string | undefined } {
  if (size < bounds.min || size > bounds.max)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between ${bounds.min} and ${bounds.max}.`,
    );
  const scope = `${operation} ${caller.accountId} ${caller.region}`;
  const after = token === undefined ? undefined : keyIn(token, scope);
  const start = after === undefined ? 0 : rows.findIndex((row) => keyOf(row) > after);
  const found = start < 0 ? [] : rows.slice(start, start + size);
  const last = found.at(-1);
  const more = last !== undefined && start + size < rows.length;
  return { rows: found, NextToken: more ? tokenFor(keyOf(last), scope) : undefined };
}

function tokenFor(key: Key, scope: string): string {
  return Buffer.from(JSON.stringify([scope, key])).toString('base64');
}

function keyIn(token: string, scope: string): Key {
  try {
    const [tokenScope, key] = JSON.parse(Buffer.from(token, 'base64').toString());
    if (tokenScope === scope) return key;
  } catch {
    // Not one of ours: refused below like one of another operation.
  }
  throw new AwsError('InvalidNextToken', `The token '${token}' is invalid`);
}
