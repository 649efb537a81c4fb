import { describe, expect, test } from '@jest/globals';
import { createSqs } from '../../sandbox/aws/sqs.ts';
import { createFaults } from '../../sandbox/faults.ts';
import { createInFlight } from '../../sandbox/in-flight.ts';
import type { Outcome } from '../../sandbox/lambda/execution-environment.ts';
import { mapQueue, type SqsMapping } from '../../sandbox/lambda/sqs-mapping.ts';
import { mapStream, type StreamMapping, type StreamRecord } from '../../sandbox/lambda/stream-mapping.ts';
import { createIds, manualClock } from './aws/manual-clock.ts';

const queueArn = 'arn:aws:sqs:us-east-1:111111111111:jobs';
const deadLetterArn = 'arn:aws:sqs:us-east-1:111111111111:jobs-dlq';
const failure: Outcome = { ok: false, error: { errorType: 'Error', errorMessage: 'no' } };

/** Waits until all resolved promises have run. */
const waitForPromises = () => new Promise((resolve) => setImmediate(resolve));

interface SqsEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

function aMappedQueue(
  answer: (bodies: string[], event: SqsEvent) => Outcome | Promise<Outcome> = () => ({
    ok: true,
    value: null,
  }),
  mapping: Partial<SqsMapping> = {},
) {
  const clock = manualClock();
  const sqs = createSqs({ clock, id: createIds() });
  const inFlight = createInFlight();
  const faults = createFaults();
  sqs.createQueue(deadLetterArn);
  sqs.createQueue(queueArn, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetterArn, maxReceiveCount: 2 }),
  });
  const batches: string[][] = [];
  mapQueue(
    {
      queueArn,
      batchSize: 10,
      maximumConcurrency: 2,
      ...mapping,
    },
    {
      queues: sqs,
      inFlight,
      faults,
      invoke: async (event) => {
        const bodies = (event as SqsEvent).Records.map(({ body }) => body);
        batches.push(bodies);
        return answer(bodies, event as SqsEvent);
      },
    },
  );
  async function send(...bodies: string[]) {
    for (const body of bodies) sqs.deliver(queueArn, { body });
    await pass(0);
  }
  async function pass(milliseconds: number) {
    clock.advance(milliseconds);
    await waitForPromises();
  }
  return { sqs, faults, batches, send, pass };
}

describe('a queue', () => {
  test('deletes handled messages', async () => {
    const { sqs, batches, send } = aMappedQueue();
    await send('a', 'b');
    expect(batches).toEqual([['a', 'b']]);
    expect(sqs.counts(queueArn)).toEqual({ visible: 0, handled: 0, delayed: 0, failed: 0 });
  });

  test('makes only reported failures visible again', async () => {
    const { batches, send, pass } = aMappedQueue((_, { Records }) => ({
      ok: true,
      value: {
        batchItemFailures: Records.filter(({ body }) => body === 'bad').map(({ messageId }) => ({
          itemIdentifier: messageId,
        })),
      },
    }));
    await send('good', 'bad');
    await pass(29_000);
    expect(batches).toHaveLength(1);
    await pass(1000);
    expect(batches).toEqual([['good', 'bad'], ['bad']]);
  });

  test.each([
    ['a function that throws', failure],
    [
      'a name that was not in the batch',
      { ok: true, value: { batchItemFailures: [{ itemIdentifier: 'x' }] } },
    ],
  ] as const)('counts a whole batch as failed after %s, and dead-letters it', async (_, outcome) => {
    const { sqs, send, pass } = aMappedQueue(() => outcome);
    await send('a', 'b');
    await pass(30_000);
    await pass(30_000);
    expect(sqs.receive(deadLetterArn, 10).map(({ body }) => body)).toEqual(['a', 'b']);
  });

  test('respects its maximum concurrency', async () => {
    const finish: (() => void)[] = [];
    const { batches, send } = aMappedQueue(
      () => new Promise((resolve) => finish.push(() => resolve({ ok: true, value: null }))),
      { batchSize: 1 },
    );
    await send('a', 'b', 'c');
    expect(batches).toHaveLength(2);
    finish[0]?.();
    await waitForPromises();
    expect(batches).toHaveLength(3);
  });
});

describe('a fault of a queue', () => {
  test('that drops loses the message', async () => {
    const { sqs, faults, batches, send } = aMappedQueue();
    faults.replace([{ delivery: 'sqs', rate: 1, count: 1, drop: true }]);
    await send('lost', 'kept');
    expect(batches).toEqual([['kept']]);
    expect(sqs.isBusy()).toBe(false);
  });

  test('that duplicates delivers the message twice', async () => {
    const { faults, batches, send } = aMappedQueue();
    faults.replace([{ delivery: 'sqs', rate: 1, count: 1, duplicate: true }]);
    await send('a', 'b');
    expect(batches).toEqual([['a'], ['a', 'b']]);
  });

  test('that delays delivers each message late, once, with the same receive count', async () => {
    const { sqs, faults, batches, send, pass } = aMappedQueue();
    faults.replace([{ delivery: 'sqs', rate: 1, delayMs: 500 }]);
    await send('a');
    expect(batches).toEqual([]);
    expect(sqs.counts(queueArn)).toMatchObject({ delayed: 1 });
    await pass(500);
    await pass(500);
    expect(batches).toEqual([['a']]);
  });
});

const record = (number: number, pk = 'ENTRY') =>
  ({
    eventID: `${number}`,
    dynamodb: { SequenceNumber: `${number}`, Keys: { pk: { S: pk } } },
  }) as StreamRecord;

function aMappedStream(answer: (numbers: string[]) => Outcome, mapping: Partial<StreamMapping> = {}) {
  const clock = manualClock();
  const faults = createFaults();
  const batches: string[] = [];
  const discardedBatches: unknown[] = [];
  const take = mapStream(
    {
      streamArn: 'arn:stream',
      functionArn: 'arn:function',
      batchSize: 100,
      windowSeconds: 0,
      maximumRetries: 1,
      filters: ['{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"ENTRY"}]}}}}'],
      ...mapping,
    },
    {
      clock,
      faults,
      inFlight: createInFlight(),
      invoke: async (event) => {
        const numbers = (event as { Records: readonly StreamRecord[] }).Records.map(({ eventID }) => eventID);
        batches.push(numbers.join(' '));
        return answer(numbers);
      },
      sendToOnFailure: (metadata) => discardedBatches.push(metadata),
    },
  );
  async function pass(milliseconds: number) {
    clock.advance(milliseconds);
    await waitForPromises();
  }
  return { faults, batches, discardedBatches, take, pass };
}

const success: Outcome = { ok: true, value: null };
const failOn = (bad: string) => (numbers: string[]) => (numbers.includes(bad) ? failure : success);

describe('a stream', () => {
  test('delivers matching records in order', async () => {
    const { take, batches, pass } = aMappedStream(() => success, {
      batchSize: 2,
    });
    take([record(1), record(2, 'AUDIT'), record(3), record(4)]);
    await pass(0);
    expect(batches).toEqual(['1 3', '4']);
  });

  test('collects records during its window', async () => {
    const { take, batches, pass } = aMappedStream(() => success, { windowSeconds: 10 });
    take([record(1)]);
    await pass(9000);
    take([record(2)]);
    expect(batches).toEqual([]);
    await pass(1000);
    take([record(3)]);
    await pass(10_000);
    expect(batches).toEqual(['1 2', '3']);
  });

  test('continues from the lowest failed record', async () => {
    let isFirst = true;
    const { take, batches, pass } = aMappedStream(() => {
      const batchItemFailures = isFirst ? [{ itemIdentifier: '3' }, { itemIdentifier: '2' }] : [];
      isFirst = false;
      return { ok: true, value: { batchItemFailures } };
    });
    take([1, 2, 3].map((number) => record(number)));
    await pass(0);
    await pass(1000);
    expect(batches).toEqual(['1 2 3', '2', '3']);
  });

  test('holds records behind a failing batch, and sends only its metadata to the destination', async () => {
    const { take, batches, discardedBatches, pass } = aMappedStream(failOn('1'));
    take([record(1)]);
    take([record(2)]);
    await pass(0);
    expect(batches).toEqual(['1']);
    await pass(1000);
    await pass(0);
    expect(batches).toEqual(['1', '1', '2']);
    expect(discardedBatches).toMatchObject([
      {
        requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 2 },
        DDBStreamBatchInfo: { startSequenceNumber: '1', endSequenceNumber: '1', batchSize: 1 },
      },
    ]);
    expect(JSON.stringify(discardedBatches)).not.toContain('ENTRY');
  });

  test('bisects a failing batch and discards only the bad record', async () => {
    const { take, discardedBatches, pass } = aMappedStream(failOn('3'));
    take([1, 2, 3, 4].map((number) => record(number)));
    for (let second = 0; second < 6; second += 1) await pass(1000);
    expect(discardedBatches).toMatchObject([
      { DDBStreamBatchInfo: { startSequenceNumber: '3', batchSize: 1 } },
    ]);
  });
});

describe('a fault of a stream', () => {
  test.each([
    ['drops', { drop: true }, []],
    ['duplicates', { duplicate: true }, ['1', '1']],
    ['delays', { delayMs: 500 }, ['1']],
  ])('that %s has its effect', async (_, effect, expected) => {
    const { faults, take, batches, pass } = aMappedStream(() => success);
    faults.replace([{ delivery: 'streams', rate: 1, count: 1, ...effect }]);
    take([record(1)]);
    await waitForPromises();
    if ('delayMs' in effect) expect(batches).toEqual([]);
    await pass(500);
    expect(batches).toEqual(expected);
  });
});
