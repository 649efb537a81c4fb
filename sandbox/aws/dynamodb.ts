import { inMemory, type OpenMap } from '../persistence.ts';
import type { WireRequest, WireResponse } from '../wire/wire.ts';
import { AwsError, type CallerLocation } from './aws-service.ts';
import { type Json, type KeyNames, listAccesses } from './dynamodb-accesses.ts';
import type { Engine } from './dynamodb-engine.ts';
import { createStreamReader, type FindStreamConsumer, type StreamPosition } from './dynamodb-streams.ts';

const writeOperations = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems'];

/** DynamoDB: one engine per account and Region, with requests and responses translated to AWS's form. */
export function createDynamoDb({
  now,
  findConsumer,
  start,
  openMap = inMemory,
}: {
  now: () => number;
  findConsumer: FindStreamConsumer;
  start: (location: CallerLocation) => Promise<Engine>;
  openMap?: OpenMap;
}) {
  const engines = new Map<string, Promise<Engine>>();
  const recoverable = openMap<true>('dynamodb/recoverable');
  const partitionKeys = new Map<string, string>();
  const positions = openMap<StreamPosition>('dynamodb/stream-positions');
  const streams = createStreamReader({ call, now, findConsumer, positions });

  // The ARN prefix of the engine itself, which its responses contain and its requests need.
  let engineArns = 'arn:aws:dynamodb:dynoxide:000000000000:';

  function startEngineOnce(location: CallerLocation): Promise<Engine> {
    const id = `${location.accountId} ${location.region}`;
    const engine = engines.get(id) ?? start(location);
    engines.set(id, engine);
    return engine;
  }

  async function forward(
    location: CallerLocation,
    target: string,
    body: string,
  ): Promise<{ status: number; text: string }> {
    const { url, tenant } = await startEngineOnce(location);
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': target,
        'x-amz-date': '20260101T000000Z',
        authorization: `AWS4-HMAC-SHA256 Credential=${tenant}${location.accountId}/20260101/${location.region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: body.replaceAll(arnPrefix(location), engineArns),
    });
    const text = await response.text();
    engineArns = ownArns.exec(text)?.[0] ?? engineArns;
    return { status: response.status, text: text.replaceAll(engineArns, arnPrefix(location)) };
  }

  /** Forwards a request to the engine of the caller's account and Region. */
  async function handle(request: WireRequest, location: CallerLocation, input: Json): Promise<WireResponse> {
    const target = String(request.headers['x-amz-target'] ?? '');
    const operation = target.split('.').at(-1) ?? '';
    const text = request.body.toString();
    if (/ContinuousBackups$/.test(operation)) return continuousBackups(operation, input, location);

    const answer = await forward(location, target, text);
    if (answer.status === 200 && writeOperations.includes(operation))
      await Promise.all(tablesOfRequest(operation, input).map((table) => streams.read(location, table)));
    return response(answer.status, answer.text);
  }

  /** Runs an operation for the sandbox itself. Throws `AwsError`. */
  async function call(location: CallerLocation, operation: string, body: Json): Promise<Json> {
    const service = /Stream|Shard|Records/.test(operation) ? 'DynamoDBStreams' : 'DynamoDB';
    const { status, body: text } = await handle(
      {
        method: 'POST',
        url: '/',
        headers: { 'x-amz-target': `${service}_20120810.${operation}` },
        body: Buffer.from(JSON.stringify(body)),
      },
      location,
      body,
    );
    const answer = parse(text);
    if (status === 200) return answer;
    const code = String(answer.__type).split('#').at(-1) ?? '';
    throw new AwsError(code, String(answer.message ?? answer.Message), status);
  }

  /** The engine has no backups. The sandbox only stores the setting of point-in-time recovery. */
  async function continuousBackups(
    operation: string,
    body: Json,
    location: CallerLocation,
  ): Promise<WireResponse> {
    const table = String(body.TableName);
    const arn = `${arnPrefix(location)}table/${table}`;
    const tableResponse = await forward(
      location,
      'DynamoDB_20120810.DescribeTable',
      JSON.stringify({ TableName: table }),
    );
    if (tableResponse.status !== 200)
      return response(
        400,
        JSON.stringify({
          __type: 'com.amazonaws.dynamodb.v20120810#TableNotFoundException',
          message: `Table not found: ${table}`,
        }),
      );
    const specification = body.PointInTimeRecoverySpecification as
      | { PointInTimeRecoveryEnabled?: boolean }
      | undefined;
    if (operation === 'UpdateContinuousBackups')
      if (specification?.PointInTimeRecoveryEnabled) recoverable.set(arn, true);
      else recoverable.delete(arn);
    const status = recoverable.has(arn) ? 'ENABLED' : 'DISABLED';
    return response(
      200,
      JSON.stringify({
        ContinuousBackupsDescription: {
          ContinuousBackupsStatus: 'ENABLED',
          PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: status },
        },
      }),
    );
  }

  async function partitionKey(location: CallerLocation, TableName: string): Promise<string | undefined> {
    const arn = `${arnPrefix(location)}table/${TableName}`;
    const known = partitionKeys.get(arn);
    if (known !== undefined) return known;
    // A missing table has no key; the call itself then returns the error.
    const { Table } = (await call(location, 'DescribeTable', { TableName }).catch(() => ({}))) as {
      Table?: { KeySchema: { AttributeName: string; KeyType: string }[] };
    };
    const key = Table?.KeySchema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName;
    if (key !== undefined) partitionKeys.set(arn, key);
    return key;
  }

  return {
    signingName: 'dynamodb' as const,
    handle,
    call,
    accesses(operation: string, body: Json, location: CallerLocation) {
      const tables: KeyNames = {
        tableArn: (table) => `${arnPrefix(location)}table/${table}`,
        partitionKey: (table) => partitionKey(location, table),
      };
      return listAccesses(operation, body, tables);
    },
    /** Delivers the undelivered records of a table's stream. */
    readStream(tableArn: string) {
      const { location, table } = parseTableArn(tableArn);
      return streams.read(location, table);
    },
    /** Deletes the items whose time to live is over, as the service does. */
    async expire(tableArn: string) {
      const { location, table: TableName } = parseTableArn(tableArn);
      const { TimeToLiveDescription } = await call(location, 'DescribeTimeToLive', { TableName });
      const attribute = (TimeToLiveDescription as Json).AttributeName;
      if (attribute === undefined) return;
      const expiry = {
        ExpressionAttributeNames: { '#ttl': attribute },
        ExpressionAttributeValues: { ':now': { N: String(Math.floor(now() / 1000)) } },
      };
      const { KeySchema } = (await call(location, 'DescribeTable', { TableName })).Table as {
        KeySchema: { AttributeName: string }[];
      };
      let ExclusiveStartKey: unknown;
      do {
        const page = await call(location, 'Scan', {
          TableName,
          FilterExpression: '#ttl <= :now',
          ...expiry,
          ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
        });
        for (const item of page.Items as Json[]) {
          const Key = Object.fromEntries(KeySchema.map(({ AttributeName: name }) => [name, item[name]]));
          await streams.asService(tableArn, Key, () =>
            call(location, 'DeleteItem', {
              TableName,
              Key,
              ConditionExpression: '#ttl <= :now',
              ...expiry,
            }).catch(rethrowUnlessConditionFailed),
          );
        }
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
    },
    stop() {
      for (const engine of engines.values()) void engine.then(({ stop }) => stop());
      engines.clear();
    },
  };
}

/** Ignores a failed condition: a write after the scan may have renewed or deleted the item. */
function rethrowUnlessConditionFailed(error: AwsError) {
  if (error.code !== 'ConditionalCheckFailedException') throw error;
}

function tablesOfRequest(operation: string, body: Json): readonly string[] {
  if (operation === 'BatchWriteItem') return Object.keys(body.RequestItems as Json);
  if (operation !== 'TransactWriteItems') return [String(body.TableName)];
  const items = body.TransactItems as Readonly<Record<string, Json>>[];
  return [...new Set(items.flatMap((item) => Object.values(item).map(({ TableName }) => String(TableName))))];
}

/** dynoxide and DynamoDB Local each use an account and a Region of their own in ARNs. */
const ownArns = /arn:aws:dynamodb:(?:dynoxide|ddblocal):000000000000:/;

function parseTableArn(tableArn: string): { location: CallerLocation; table: string } {
  const [, , , region = '', accountId = '', path = ''] = tableArn.split(':');
  return { location: { accountId, region }, table: path.replace('table/', '') };
}

function arnPrefix({ accountId, region }: CallerLocation): string {
  return `arn:aws:dynamodb:${region}:${accountId}:`;
}

function parse(text: string): Json {
  return JSON.parse(text || '{}') as Json;
}

function response(status: number, body: string): WireResponse {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body };
}
