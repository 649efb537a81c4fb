import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item } from '../storage/table.ts';

/**
 * Converts DynamoDB attributes to an item. A number becomes a JavaScript number, because JSON has no BigInt. The entity refuses a
 * number without full precision.
 */
export function unmarshallItem(attributes: Record<string, AttributeValue>): Item {
  return unmarshall(attributes, { wrapNumbers: Number }) as Item;
}
