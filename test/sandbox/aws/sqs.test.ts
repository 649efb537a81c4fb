import { expect, test } from '@jest/globals';
import { createSqs } from '../../../sandbox/aws/sqs.ts';
import { createIds, manualClock } from './manual-clock.ts';

const arn = 'arn:aws:sqs:us-east-1:111111111111:jobs';
const fifoArn = `${arn}.fifo`;
const deadLetterArn = 'arn:aws:sqs:us-east-1:111111111111:jobs-dlq';

function aQueue(queueArn = arn, attributes: Record<string, string> = {}) {
  const clock = manualClock();
  const sqs = createSqs({ clock, id: createIds() });
  sqs.createQueue(queueArn, attributes);
  const bodies = (max = 10) => sqs.receive(queueArn, max).map(({ body }) => body);
  return { clock, sqs, bodies };
}

test('messages behind a failed one of their group do not count as busy', () => {
  const { sqs } = aQueue(fifoArn, { ContentBasedDeduplication: 'true' });
  sqs.onArrival(fifoArn, () => {});
  for (const body of ['a', 'b']) sqs.deliver(fifoArn, { body, groupId: 'g' });
  expect(sqs.isBusy()).toBe(true);
  const [first] = sqs.receive(fifoArn, 1);
  expect(sqs.isBusy()).toBe(true);
  sqs.returnAfterFailure(fifoArn, first?.receiptHandle ?? '', 30);
  expect(sqs.isBusy()).toBe(false);
});

test('a received message is hidden until its visibility timeout, and then has another receipt handle', () => {
  const { clock, sqs } = aQueue(arn, { VisibilityTimeout: '60' });
  sqs.deliver(arn, { body: 'a' });
  const [first] = sqs.receive(arn, 1);
  clock.advance(59_000);
  expect(sqs.receive(arn, 1)).toEqual([]);
  clock.advance(1000);
  expect(sqs.receive(arn, 1)).toMatchObject([{ body: 'a' }]);
  sqs.delete(arn, first?.receiptHandle ?? '');
  expect(sqs.counts(arn).handled).toBe(1);
});

test('a message older than the retention period is deleted', () => {
  const { clock, sqs, bodies } = aQueue(arn, { MessageRetentionPeriod: '60' });
  sqs.deliver(arn, { body: 'a' });
  clock.advance(60_000);
  expect(bodies()).toEqual([]);
});

test('a FIFO queue delivers one batch per group at a time, in order, and other groups in parallel', () => {
  const { sqs, bodies } = aQueue(fifoArn);
  for (const [body, groupId] of [
    ['a1', 'a'],
    ['b1', 'b'],
    ['a2', 'a'],
  ] as const)
    sqs.deliver(fifoArn, { body, groupId, deduplicationId: body });
  const [first] = sqs.receive(fifoArn, 1);
  expect(first?.body).toBe('a1');
  expect(bodies()).toEqual(['b1']);
  sqs.delete(fifoArn, first?.receiptHandle ?? '');
  expect(bodies()).toEqual(['a2']);
});

test('a FIFO queue drops duplicates for five minutes', () => {
  const { clock, sqs, bodies } = aQueue(fifoArn, { ContentBasedDeduplication: 'true' });
  const send = () => sqs.deliver(fifoArn, { body: 'same', groupId: 'a' });
  expect(send().messageId).toBe(send().messageId);
  const [received] = sqs.receive(fifoArn, 10);
  sqs.delete(fifoArn, received?.receiptHandle ?? '');
  clock.advance(300_000);
  send();
  expect(bodies()).toEqual(['same']);
});

test('a consumer is called for new messages, at the end of a delay, and for failed messages that are visible again', () => {
  const { clock, sqs } = aQueue();
  const received: string[] = [];
  sqs.onArrival(arn, () => {
    for (const { body, receiptHandle } of sqs.receive(arn, 10)) {
      received.push(body);
      if (received.length === 1) sqs.returnAfterFailure(arn, receiptHandle, 20);
      else sqs.delete(arn, receiptHandle);
    }
  });
  sqs.deliver(arn, { body: 'now' });
  sqs.deliver(arn, { body: 'later' }, 10);
  clock.advance(0);
  expect(received).toEqual(['now']);
  clock.advance(10_000);
  expect(received).toEqual(['now', 'later']);
  clock.advance(10_000);
  expect(received).toEqual(['now', 'later', 'now']);
});

test('a queue is busy with receivable and in-flight messages, not with delayed or failed ones', () => {
  const { clock, sqs } = aQueue();
  sqs.deliver(arn, { body: 'nobody consumes this queue yet' });
  expect(sqs.isBusy()).toBe(false);
  sqs.onArrival(arn, () => {});
  sqs.deliver(arn, { body: 'delayed' }, 10);
  expect(sqs.isBusy()).toBe(true);
  const [message] = sqs.receive(arn, 1);
  expect(sqs.isBusy()).toBe(true);
  sqs.returnAfterFailure(arn, message?.receiptHandle ?? '', 30);
  expect(sqs.isBusy()).toBe(false);
  clock.advance(30_000);
  expect(sqs.isBusy()).toBe(true);
});

test('a queue accepts messages of a service only for the sources in its policy', () => {
  const source = 'arn:aws:events:us-east-1:111111111111:rule/mine';
  const Policy = JSON.stringify({
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: arn,
      Condition: { ArnEquals: { 'aws:SourceArn': source } },
    },
  });
  const { sqs } = aQueue(arn, { Policy });
  expect(sqs.acceptsFrom(arn, 'events.amazonaws.com', source)).toBe(true);
  expect(sqs.acceptsFrom(arn, 'events.amazonaws.com', `${source}-not`)).toBe(false);
  expect(sqs.acceptsFrom(arn, 'sns.amazonaws.com', source)).toBe(false);
});

test('a queue of a user is FIFO exactly if its name ends in .fifo, and is returned when it is created again', () => {
  const { service } = createSqs({ clock: manualClock(), id: createIds() });
  const context = { caller: { accountId: '111111111111', region: 'us-east-1' }, origin: 'http://sqs' };
  const createQueue = (QueueName: string, Attributes = {}) =>
    service.operations.CreateQueue?.({ QueueName, Attributes } as never, context as never);
  for (let time = 0; time < 2; time += 1)
    expect(createQueue('mine', { DelaySeconds: '5' })).toEqual({ QueueUrl: 'http://sqs/111111111111/mine' });
  expect(() => createQueue('mine', { DelaySeconds: '6' })).toThrow('DelaySeconds');
  expect(createQueue('mine.fifo', { FifoQueue: 'true' })).toBeDefined();
  expect(() => createQueue('other.fifo')).toThrow('not valid');
  expect(() => createQueue('other', { FifoQueue: 'true' })).toThrow('not valid');
});

test('a redrive moves messages of a dead-letter queue to their source queue', () => {
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadLetterArn, maxReceiveCount: 1 });
  const { sqs, clock, bodies } = aQueue(arn, { RedrivePolicy, VisibilityTimeout: '1' });
  sqs.createQueue(deadLetterArn);
  const context = { caller: { accountId: '111111111111', region: 'us-east-1' }, origin: 'http://sqs' };
  const startMove = (SourceArn: string) =>
    sqs.service.operations.StartMessageMoveTask?.({ SourceArn } as never, context as never);
  sqs.deliver(arn, { body: 'it failed' });
  sqs.receive(arn, 1);
  clock.advance(1000);
  expect(bodies()).toEqual([]);
  expect(sqs.counts(deadLetterArn).visible).toBe(1);
  expect(() => startMove(arn)).toThrow('Dead Letter Queue');
  expect(() => startMove(`${arn}-not`)).toThrow("doesn't exist");
  startMove(deadLetterArn);
  expect(bodies()).toEqual(['it failed']);
});
