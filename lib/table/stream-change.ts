import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { Item } from './table.ts';

/** An item before and after it was written, as the table's stream tells it. */
export function changeIn({ dynamodb }: DynamoDBRecord) {
  return {
    before: imageOf(dynamodb?.OldImage),
    after: imageOf(dynamodb?.NewImage),
    sequenceNumber: dynamodb?.SequenceNumber ?? '',
  };
}

function imageOf(image: object | undefined): Item | undefined {
  return image && (unmarshall(image as Record<string, AttributeValue>) as Item);
}
