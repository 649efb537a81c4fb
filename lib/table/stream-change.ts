import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { itemFrom } from './attributes.ts';
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
  return image && itemFrom(image as Record<string, AttributeValue>);
}
