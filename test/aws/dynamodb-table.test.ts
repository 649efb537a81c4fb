import { type DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { dynamoDbTable } from '../../lib/aws/dynamodb-table.ts';
import { TableBusyError } from '../../lib/storage/table.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

const item = { pk: 'A', sk: '1', version: 3, name: 'orders' };
const key = { pk: 'A', sk: '1' };

function createStubbedTable(...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<DynamoDBClient>(...answers);
  const pauses: number[] = [];
  const sleep = async (milliseconds: number) => {
    pauses.push(milliseconds);
  };
  const table = dynamoDbTable(client, 'linkgate-test', { sleep, random: () => 1 });
  return { table, sent, pauses, inputs: () => sent.map(({ input }) => input) };
}

function aCancellation(...codes: readonly string[]) {
  const CancellationReasons = codes.map((Code) => ({ Code }));
  return new TransactionCanceledException({ message: 'cancelled', $metadata: {}, CancellationReasons });
}

describe('items are read by key', () => {
  test('with consistent reads, and each key once', async () => {
    const { table, sent } = createStubbedTable({ Responses: { 'linkgate-test': [marshall(item)] } });
    expect(await table.get([key, key])).toEqual([item]);
    expect(sent).toEqual([
      {
        command: 'BatchGetItem',
        input: { RequestItems: { 'linkgate-test': { Keys: [marshall(key)], ConsistentRead: true } } },
      },
    ]);
  });

  test('with numbers that JSON can represent', async () => {
    const large = { ...marshall(item), size: { N: '9007199254740993' }, share: { N: '0.5' } };
    const { table } = createStubbedTable({ Responses: { 'linkgate-test': [large] } }, { Items: [large] });
    const pages = [await table.get([key])];
    for await (const page of table.query('A')) pages.push(page);
    expect(pages).toHaveLength(2);
    for (const items of pages)
      expect(JSON.parse(JSON.stringify(items))).toEqual([{ ...item, size: 2 ** 53, share: 0.5 }]);
  });

  test('in batches of a hundred keys', async () => {
    const { table, sent } = createStubbedTable();
    await table.get(Array.from({ length: 101 }, (_, index) => ({ pk: 'A', sk: `${index}` })));
    expect(sent).toHaveLength(2);
  });

  test('again after a delay if DynamoDB leaves keys unprocessed', async () => {
    const { table, pauses } = createStubbedTable(
      { Responses: {}, UnprocessedKeys: { 'linkgate-test': { Keys: [marshall(key)] } } },
      { Responses: { 'linkgate-test': [marshall(item)] } },
    );
    expect(await table.get([key])).toEqual([item]);
    expect(pauses).toHaveLength(1);
  });

  test('with a limited number of retries: keys that stay unprocessed are an error', async () => {
    const unread = { Responses: {}, UnprocessedKeys: { 'linkgate-test': { Keys: [marshall(key)] } } };
    const { table } = createStubbedTable(...Array.from({ length: 20 }, () => unread));
    await expect(table.get([key])).rejects.toThrow(TableBusyError);
  });

  test('without a call for an empty list of keys', async () => {
    const { table, sent } = createStubbedTable();
    expect(await table.get([])).toEqual([]);
    expect(sent).toEqual([]);
  });
});

describe('a partition is read', () => {
  test('with consistent reads, page after page', async () => {
    const { table, inputs } = createStubbedTable(
      { Items: [marshall(item)], LastEvaluatedKey: marshall(key) },
      { Items: [] },
    );
    const pages: unknown[] = [];
    for await (const page of table.query('A', { limit: 1 })) pages.push(page);
    expect(pages).toEqual([[item], []]);
    expect(inputs()).toMatchObject([
      { ConsistentRead: true, KeyConditionExpression: 'pk = :pk', Limit: 1 },
      { ExclusiveStartKey: marshall(key) },
    ]);
  });

  test('in descending order for the newest first', async () => {
    const { table, inputs } = createStubbedTable({ Items: [] });
    for await (const page of table.query('A', { newestFirst: true })) expect(page).toEqual([]);
    expect(inputs()).toMatchObject([{ ScanIndexForward: false }]);
  });

  test('from a given sort key on', async () => {
    const { table, inputs } = createStubbedTable({ Items: [] });
    for await (const page of table.query('A', { after: '1' })) expect(page).toEqual([]);
    expect(inputs()).toMatchObject([{ ExclusiveStartKey: marshall(key) }]);
  });
});

describe('items are written', () => {
  test('in one transaction, each with its condition', async () => {
    const { table, inputs } = createStubbedTable();
    const remove = { pk: 'A', sk: '2' };
    const isWritten = await table.write([
      { put: { ...item, pk: 'B' }, expected: 0 },
      { put: item, expected: 2 },
      { remove, expected: 7 },
      { put: { ...item, pk: 'C' } },
    ]);
    expect(isWritten).toBe(true);
    expect(inputs()).toMatchObject([
      {
        TransactItems: [
          { Put: { TableName: 'linkgate-test', ConditionExpression: 'attribute_not_exists(pk)' } },
          {
            Put: {
              Item: marshall(item),
              ConditionExpression: 'version = :expected',
              ExpressionAttributeValues: { ':expected': { N: '2' } },
            },
          },
          { Delete: { Key: marshall(remove), ConditionExpression: 'version = :expected' } },
          { Put: expect.not.objectContaining({ ConditionExpression: expect.anything() }) },
        ],
      },
    ]);
  });

  test('not at all if a condition fails, even beside a conflict', async () => {
    const { table, sent } = createStubbedTable(
      aCancellation('ConditionalCheckFailed', 'TransactionConflict'),
    );
    expect(await table.write([{ put: item, expected: 2 }])).toBe(false);
    expect(sent).toHaveLength(1);
  });

  describe.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'after DynamoDB cancels a transaction with %s',
    (code) => {
      test('again, with growing delays', async () => {
        const { table, sent, pauses } = createStubbedTable(
          aCancellation(code, 'None'),
          aCancellation('None', code),
        );
        expect(await table.write([{ put: item, expected: 2 }])).toBe(true);
        expect(sent).toHaveLength(3);
        expect(pauses).toEqual([50, 100]);
      });

      test('with a limited number of retries, and then TableBusyError is thrown', async () => {
        const { table } = createStubbedTable(...Array.from({ length: 20 }, () => aCancellation(code)));
        await expect(table.write([{ put: item }])).rejects.toThrow(TableBusyError);
      });
    },
  );

  test('or any other error is thrown to the caller', async () => {
    const { table } = createStubbedTable(awsError('AccessDeniedException'));
    await expect(table.write([{ put: item }])).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

test.each(['ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded'])(
  'every call throws TableBusyError if %s outlasts the retries of the SDK',
  async (code) => {
    const { table } = createStubbedTable(...Array.from({ length: 3 }, () => awsError(code)));
    await expect(table.get([key])).rejects.toThrow(TableBusyError);
    await expect(table.query('A')[Symbol.asyncIterator]().next()).rejects.toThrow(TableBusyError);
    await expect(table.write([{ put: item }])).rejects.toThrow(TableBusyError);
  },
);
