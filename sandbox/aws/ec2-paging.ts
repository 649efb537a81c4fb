import { AwsError, type OperationContext } from './aws-service.ts';
import { paginate } from './paging.ts';

interface PageRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

const pageSizeBounds = { min: 5, max: 1000 };

/** Returns one page of numbered resources, oldest first. */
export function paginateBySerial<Row>(
  operation: string,
  rows: readonly Row[],
  serial: (row: Row) => number,
  { MaxResults: size = pageSizeBounds.max, NextToken: token }: PageRequest,
  { caller: { accountId, region } }: OperationContext,
) {
  if (size < pageSizeBounds.min || size > pageSizeBounds.max)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between ${pageSizeBounds.min} and ${pageSizeBounds.max}.`,
    );
  return paginate(rows, serial, { size, token, scope: `${operation} ${accountId} ${region}` });
}
