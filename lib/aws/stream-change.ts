import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { Item, TableChange } from '../storage/table.ts';
import { unmarshallItem } from './unmarshall-item.ts';

/** Parses a stream record: the item before and after the write. */
export function streamChange({
  dynamodb,
}: DynamoDBRecord): TableChange & { readonly sequenceNumber: string } {
  return {
    before: unmarshallImage(dynamodb?.OldImage),
    after: unmarshallImage(dynamodb?.NewImage),
    sequenceNumber: dynamodb?.SequenceNumber ?? '',
  };
}

function unmarshallImage(image: object | undefined): Item | undefined {
  return image && unmarshallItem(image as Record<string, AttributeValue>);
}
