import {
  type AttributeValue,
  BatchGetItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { formatKey } from '../storage/entity.ts';
import { type Item, type Key, type Table, TableBusyError, type Write } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import { unmarshallItem } from './unmarshall-item.ts';

/** The maximum number of keys in one BatchGetItem call. */
const maxKeysPerBatchGet = 100;
/** Concurrent transactions on one item cancel each other. The next attempt usually succeeds. */
const maxTableAttempts = 6;
/** Transient cancellation reasons. The SDK does not retry them. */
const retryableReasons = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);
/** Throttling errors. The SDK throws them after its own retries. */
const dynamoDbThrottlingErrors = new Set([
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
]);

export function dynamoDbTable(
  dynamodb: DynamoDBClient,
  tableName: string,
  { sleep, random }: { sleep: (milliseconds: number) => Promise<void>; random: () => number },
): Table {
  /** Computes an exponential backoff with jitter, so that colliding writers do not collide again. */
  const backOff = (attempt: number) => sleep(random() * 50 * 2 ** attempt);

  async function getBatch(keys: readonly Key[]): Promise<Item[]> {
    const items: Item[] = [];
    let unread: Record<string, AttributeValue>[] = keys.map(({ pk, sk }) => marshall({ pk, sk }));
    for (let attempt = 0; unread.length > 0; attempt++) {
      if (attempt === maxTableAttempts) throw new TableBusyError(`${unread.length} keys were not read`);
      if (attempt > 0) await backOff(attempt);
      const { Responses, UnprocessedKeys } = await dynamodb
        .send(
          new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys: unread, ConsistentRead: true } } }),
        )
        .catch(throwTableError);
      items.push(...(Responses?.[tableName] ?? []).map(unmarshallItem));
      unread = UnprocessedKeys?.[tableName]?.Keys ?? [];
    }
    return items;
  }

  return {
    async get(keys) {
      const uniqueKeys = [...new Map(keys.map((key) => [formatKey(key), key])).values()];
      return (await Promise.all(chunks(uniqueKeys, maxKeysPerBatchGet).map(getBatch))).flat();
    },

    async *query(pk, { limit, after, newestFirst } = {}) {
      let start: Record<string, AttributeValue> | undefined =
        after === undefined ? undefined : marshall({ pk, sk: after });
      do {
        const query = new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: marshall({ ':pk': pk }),
          ...(limit !== undefined && { Limit: limit }),
          ...(newestFirst && { ScanIndexForward: false }),
          ...(start && { ExclusiveStartKey: start }),
        });
        const { Items = [], LastEvaluatedKey } = await dynamodb.send(query).catch(throwTableError);
        yield Items.map(unmarshallItem);
        start = LastEvaluatedKey;
      } while (start);
    },

    async identity() {
      const { Table: description } = await dynamodb.send(new DescribeTableCommand({ TableName: tableName }));
      // DynamoDB gives each table its own TableId, also a restored table with an old name (DynamoDB API reference,
      // TableDescription).
      return (
        description?.TableId ?? `${description?.TableArn} ${description?.CreationDateTime?.toISOString()}`
      );
    },

    async write(writes) {
      for (let attempt = 0; ; attempt++) {
        try {
          const TransactItems = writes.map((write) => toTransactItem(tableName, write));
          await dynamodb.send(new TransactWriteItemsCommand({ TransactItems })).catch(throwTableError);
          return true;
        } catch (error) {
          const codes = error instanceof TransactionCanceledException ? cancellationCodes(error) : [];
          if (codes.includes('ConditionalCheckFailed')) return false;
          const reason = codes.find((code) => retryableReasons.has(code));
          if (reason === undefined) throw error;
          if (attempt === maxTableAttempts) throw new TableBusyError(reason, { cause: error });
          await backOff(attempt);
        }
      }
    },
  };
}

function throwTableError(error: unknown): never {
  if (error instanceof Error && dynamoDbThrottlingErrors.has(error.name))
    throw new TableBusyError(error.name, { cause: error });
  throw error;
}

function cancellationCodes({ CancellationReasons = [] }: TransactionCanceledException): string[] {
  return CancellationReasons.flatMap(({ Code }) => Code ?? []);
}

function toTransactItem(TableName: string, write: Write): TransactWriteItem {
  const condition = versionCondition(write.expected);
  return 'put' in write
    ? { Put: { TableName, Item: marshall(write.put, { removeUndefinedValues: true }), ...condition } }
    : { Delete: { TableName, Key: marshall({ pk: write.remove.pk, sk: write.remove.sk }), ...condition } };
}

function versionCondition(expected: number | undefined) {
  if (expected === undefined) return {};
  if (expected === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: 'version = :expected',
    ExpressionAttributeValues: marshall({ ':expected': expected }),
  };
}
