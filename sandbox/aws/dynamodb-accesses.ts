import type { Access } from './aws-service.ts';

/** A DynamoDB request or response as JSON; the engine validates it. */
export type Json = Readonly<Record<string, unknown>>;
type Value = Readonly<Record<string, unknown>>;
type Item = Readonly<Record<string, Value>>;

/** Looks up what IAM accesses need of a table. */
export interface KeyNames {
  tableArn(table: string): string;
  partitionKey(table: string): Promise<string | undefined>;
}

const transactionActions: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};

/** Lists the accesses of a request. A transaction needs the permission of each of its actions. */
export async function listAccesses(
  operation: string,
  body: Json,
  tables: KeyNames,
): Promise<readonly Access[]> {
  switch (operation) {
    case 'TransactWriteItems':
      return Promise.all(
        ((body.TransactItems ?? []) as Readonly<Record<string, Json>>[])
          .flatMap((item) => Object.entries(item))
          .map(([kind, action]) =>
            itemAccess(
              transactionActions[kind] ?? kind,
              String(action.TableName),
              [itemOrKey(action)],
              tables,
            ),
          ),
      );
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Promise.all(
        Object.entries((body.RequestItems ?? {}) as Json).map(([table, requests]) =>
          itemAccess(operation, table, batchKeys(requests), tables),
        ),
      );
    case 'Query':
      return [await queryAccess(body, tables)];
    case 'PutItem':
    case 'GetItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return [await itemAccess(operation, String(body.TableName), [itemOrKey(body)], tables)];
    default: {
      const table = body.TableName ? tables.tableArn(String(body.TableName)) : undefined;
      const resource = table ?? String(body.StreamArn ?? '*');
      return [{ action: `dynamodb:${operation}`, resource }];
    }
  }
}

function itemOrKey(body: Json): Item {
  return (body.Item ?? body.Key ?? {}) as Item;
}

function batchKeys(requests: unknown): readonly Item[] {
  if (Array.isArray(requests))
    return requests.map(({ PutRequest, DeleteRequest }) => itemOrKey(PutRequest ?? DeleteRequest ?? {}));
  return (requests as { Keys?: readonly Item[] }).Keys ?? [];
}

async function itemAccess(
  operation: string,
  table: string,
  items: readonly Item[],
  tables: KeyNames,
): Promise<Access> {
  const key = (await tables.partitionKey(table)) ?? '';
  const leadingKeys = new Set(items.flatMap((item) => (item[key] ? [keyText(item[key])] : [])));
  return {
    action: `dynamodb:${operation}`,
    resource: tables.tableArn(table),
    conditions: { 'dynamodb:LeadingKeys': [...leadingKeys] },
  };
}

async function queryAccess(body: Json, tables: KeyNames): Promise<Access> {
  const table = String(body.TableName);
  const key = await tables.partitionKey(table);
  const names = (body.ExpressionAttributeNames ?? {}) as Readonly<Record<string, string>>;
  const values = (body.ExpressionAttributeValues ?? {}) as Item;
  const equalities = String(body.KeyConditionExpression ?? '').matchAll(/([#\w.-]+)\s*=\s*(:\w+)/g);
  const leadingKeys = [...equalities].flatMap(([, name = '', value = '']) =>
    (names[name] ?? name) === key && values[value] ? [keyText(values[value])] : [],
  );
  return {
    action: 'dynamodb:Query',
    resource: tables.tableArn(table),
    conditions: { 'dynamodb:LeadingKeys': leadingKeys },
  };
}

function keyText(value: Value): string {
  return String(Object.values(value)[0]);
}
