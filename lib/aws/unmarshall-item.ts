import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item } from '../storage/table.ts';

/**
 * An item from DynamoDB's attributes. Each number becomes a JavaScript number, since JSON takes no BigInt; the item's kind
 * refuses one that was rounded.
 */
export function unmarshallItem(attributes: Record<string, AttributeValue>): Item {
  return unmarshall(attributes, { wrapNumbers: Number }) as Item;
}
