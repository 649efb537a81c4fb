import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { Change, Item } from '../storage/table.ts';
import { itemFrom } from './attributes.ts';

/** An item before and after it was written, as the table's stream tells it. */
export function streamChange({ dynamodb }: DynamoDBRecord): Change & { readonly sequenceNumber: string } {
  return {
    before: imageOf(dynamodb?.OldImage),
    after: imageOf(dynamodb?.NewImage),
    sequenceNumber: dynamodb?.SequenceNumber ?? '',
  };
}

function imageOf(image: object | undefined): Item | undefined {
  return image && itemFrom(image as Record<string, AttributeValue>);
}
