import { isDeepStrictEqual } from 'node:util';
import type { CallerLocation } from './aws-service.ts';
import type { Json } from './dynamodb-accesses.ts';

/** A stream record as Lambda passes it to functions. */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly eventVersion: string;
  readonly eventSource: 'aws:dynamodb';
  readonly awsRegion: string;
  readonly eventSourceARN: string;
  readonly userIdentity?: { readonly type: 'Service'; readonly principalId: string };
  readonly dynamodb: Json & { readonly Keys: Json; readonly SequenceNumber: string };
}

interface Stream {
  readonly arn: string;
  iterator: string;
}

/** The position of the reader in a stream. */
export interface StreamPosition {
  readonly streamArn: string;
  readonly sequenceNumber: string;
}

/** Returns the consumer of a table's records; undefined while there is none. */
export type FindStreamConsumer = (
  tableArn: string,
) => ((records: readonly StreamRecord[]) => void) | undefined;

/** The maximum number of records of one write. A shorter answer is the end of the stream. */
const recordsOfOneTransaction = 100;

/**
 * Reads the stream of a table after each write instead of polling: only the sandbox writes to the table.
 * The engine has one shard per stream.
 */
export function createStreamReader({
  call,
  now,
  findConsumer,
  positions,
}: {
  call: (location: CallerLocation, operation: string, body: Json) => Promise<Json>;
  now: () => number;
  findConsumer: FindStreamConsumer;
  positions: Map<string, StreamPosition>;
}) {
  const streams = new Map<string, Promise<Stream | undefined>>();
  const reading = new Map<string, Promise<void>>();
  const queued = new Map<string, Promise<void>>();
  const expiring: { tableArn: string; key: unknown }[] = [];

  async function open(
    location: CallerLocation,
    table: string,
    tableArn: string,
  ): Promise<Stream | undefined> {
    const tableDescription = (await call(location, 'DescribeTable', { TableName: table })).Table as Json;
    if (tableDescription.LatestStreamArn === undefined) return undefined;
    const StreamArn = String(tableDescription.LatestStreamArn);
    const { StreamDescription } = await call(location, 'DescribeStream', { StreamArn });
    const [shard] = (StreamDescription as { Shards: { ShardId: string }[] }).Shards;
    const position = positions.get(tableArn);
    const { ShardIterator } = await call(location, 'GetShardIterator', {
      StreamArn,
      ShardId: shard?.ShardId,
      ...(position?.streamArn === StreamArn
        ? { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position.sequenceNumber }
        : { ShardIteratorType: 'TRIM_HORIZON' }),
    });
    return { arn: StreamArn, iterator: String(ShardIterator) };
  }

  async function readOn(
    location: CallerLocation,
    tableArn: string,
    stream: Stream,
    consume: (records: readonly StreamRecord[]) => void,
  ) {
    for (;;) {
      const answer = await call(location, 'GetRecords', { ShardIterator: stream.iterator });
      stream.iterator = String(answer.NextShardIterator);
      const records = answer.Records as StreamRecord[];
      const last = records.at(-1);
      if (!last) return;
      consume(records.map((record) => toLambdaStreamRecord(record, location, tableArn, stream.arn)));
      positions.set(tableArn, {
        streamArn: stream.arn,
        sequenceNumber: last.dynamodb.SequenceNumber,
      });
      // Each later write causes another read.
      if (records.length < recordsOfOneTransaction) return;
    }
  }

  function toLambdaStreamRecord(
    record: StreamRecord,
    { region }: CallerLocation,
    tableArn: string,
    streamArn: string,
  ): StreamRecord {
    const { userIdentity: _, ...rest } = record;
    const isTtlDeletion =
      record.eventName === 'REMOVE' &&
      expiring.some((one) => one.tableArn === tableArn && isDeepStrictEqual(one.key, record.dynamodb.Keys));
    return {
      ...rest,
      awsRegion: region,
      eventSourceARN: streamArn,
      dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: Math.floor(now() / 1000) },
      ...(isTtlDeletion && { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } }),
    };
  }

  return {
    /**
     * One read at a time per table keeps the records in order. The next read returns the records of writes
     * during this one.
     */
    read(location: CallerLocation, table: string): Promise<void> {
      const tableArn = `arn:aws:dynamodb:${location.region}:${location.accountId}:table/${table}`;
      const queuedRead = queued.get(tableArn);
      if (queuedRead) return queuedRead;
      const next = (reading.get(tableArn) ?? Promise.resolve()).then(async () => {
        queued.delete(tableArn);
        const consume = findConsumer(tableArn);
        if (!consume) return;
        const opened = streams.get(tableArn) ?? open(location, table, tableArn);
        streams.set(tableArn, opened);
        const stream = await opened;
        if (stream) await readOn(location, tableArn, stream, consume);
      });
      queued.set(tableArn, next);
      reading.set(
        tableArn,
        next.catch(() => {}),
      );
      return next;
    },

    /** Records the deletion of this key as one of the DynamoDB service (time to live). */
    async asService(tableArn: string, key: Json, action: () => Promise<unknown>): Promise<void> {
      const one = { tableArn, key };
      expiring.push(one);
      try {
        await action();
      } finally {
        expiring.splice(expiring.indexOf(one), 1);
      }
    },
  };
}
