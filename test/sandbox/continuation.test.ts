import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createEvents } from '../../sandbox/aws/events.ts';
import { createSns } from '../../sandbox/aws/sns.ts';
import { createSqs } from '../../sandbox/aws/sqs.ts';
import { createFaults } from '../../sandbox/faults.ts';
import { createInFlight } from '../../sandbox/in-flight.ts';
import { mapQueue } from '../../sandbox/lambda/sqs-mapping.ts';
import { mapStream, type StreamRecord } from '../../sandbox/lambda/stream-mapping.ts';
import { openStore, type Store } from '../../sandbox/persistence.ts';
import { restoredState } from '../../sandbox/privatelink/model.ts';
import { createPrivateLink } from '../../sandbox/privatelink/privatelink.ts';
import { createTokenBuckets } from '../../sandbox/privatelink/token-buckets.ts';
import { createSlack } from '../../sandbox/slack/slack.ts';
import { createTimers } from '../../sandbox/timers.ts';
import { createIds, manualClock } from './aws/manual-clock.ts';
import { anEndpoint, aService, provider } from './privatelink/builders.ts';

let folder: string;
let store: Store;
let clock: ReturnType<typeof manualClock>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkgate-test-'));
  store = openStore(join(folder, 'sandbox.sqlite'));
  clock = manualClock();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

/** Closes the store and opens it again, like a new process. */
function restart() {
  const time = clock.now();
  store.close();
  store = openStore(join(folder, 'sandbox.sqlite'));
  clock = manualClock(time);
}

const queueArn = 'arn:aws:sqs:us-east-1:111111111111:jobs';
const fifoArn = `${queueArn}.fifo`;
const startSqs = () => createSqs({ clock, id: ids, openMap: store.openMap });
const ids = createIds();

test('a queue keeps its messages in order, with visibility, delays and counts', () => {
  const before = startSqs();
  before.createQueue(queueArn, { VisibilityTimeout: '60', Policy: '{}' });
  for (const body of ['a', 'b', 'c']) before.deliver(queueArn, { body });
  before.deliver(queueArn, { body: 'late' }, 30);
  before.receive(queueArn, 1);
  restart();

  const after = startSqs();
  expect(after.counts(queueArn)).toMatchObject({ visible: 2, handled: 1, delayed: 1 });
  after.createQueue(queueArn, { VisibilityTimeout: '90' });
  expect(after.find(queueArn)?.attributes).toMatchObject({ VisibilityTimeout: '90', Policy: '{}' });
  expect(after.receive(queueArn, 10).map(({ body }) => body)).toEqual(['b', 'c']);
  clock.advance(60_000);
  expect(after.receive(queueArn, 10)).toMatchObject([
    { body: 'a', attributes: { ApproximateReceiveCount: '2' } },
    { body: 'late' },
  ]);
});

test('a FIFO queue keeps its deduplication ids', () => {
  const message = { body: 'a', groupId: 'g', deduplicationId: 'once' };
  const before = startSqs();
  before.createQueue(fifoArn);
  const { messageId, sequenceNumber } = before.deliver(fifoArn, message);
  restart();
  const after = startSqs();
  expect(after.deliver(fifoArn, message)).toMatchObject({ messageId });
  expect(after.counts(fifoArn).visible).toBe(1);
  const next = after.deliver(fifoArn, { ...message, deduplicationId: 'other' });
  expect(next.sequenceNumber > sequenceNumber).toBe(true);
});

test('messages in flight at a kill are delivered at once, with the same receive count', () => {
  const before = startSqs();
  before.createQueue(queueArn, { VisibilityTimeout: '600' });
  before.deliver(queueArn, { body: 'a' });
  before.receive(queueArn, 1);
  restart();
  const queues = startSqs();
  const received: unknown[] = [];
  mapQueue(
    { queueArn, batchSize: 10, maximumConcurrency: 2 },
    {
      queues,
      inFlight: createInFlight(),
      faults: createFaults(),
      invoke: async (event) => {
        received.push(event);
        return { ok: true, value: null };
      },
    },
  );
  clock.advance(0);
  expect(received).toMatchObject([
    { Records: [{ body: 'a', attributes: { ApproximateReceiveCount: '1' } }] },
  ]);
});

const topicArn = 'arn:aws:sns:us-east-1:111111111111:news';
const createPolicy = (Service: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sns:Publish', Resource: topicArn }],
  });

test('topics, rules, faults, token buckets and timers continue', () => {
  const fired: unknown[] = [];
  function start() {
    const { openMap } = store;
    const timers = createTimers(clock, openMap);
    return {
      sns: createSns({ clock, id: ids, origin: 'http://sandbox', openMap, deliver() {} }),
      events: createEvents({ clock, id: ids, openMap, deliver: (target) => fired.push(target.Id) }),
      faults: createFaults(() => 0, openMap),
      buckets: createTokenBuckets(openMap('ec2/token-buckets')),
      timers,
      planTimer: timers.on('sns', (payload) => fired.push(payload)),
    };
  }
  const location = { accountId: '111111111111', region: 'us-east-1' };
  const before = start();
  before.sns.createTopic(topicArn);
  before.sns.setAttributes(topicArn, { Policy: createPolicy('vpce.amazonaws.com') });
  const subscription = before.sns.subscribe(topicArn, 'sqs', queueArn);
  before.events.createRule({
    arn: 'arn:aws:events:us-east-1:111111111111:rule/ours',
    name: 'ours',
    busArn: 'arn:aws:events:us-east-1:111111111111:event-bus/default',
    state: 'ENABLED',
    pattern: '{"source":["ours"]}',
    targets: [{ Id: 'queue', Arn: queueArn }],
  });
  before.faults.replace([{ delivery: 'sns', rate: 1, count: 2, drop: true }]);
  before.faults.findDeliveryFault('sns');
  for (let calls = 0; calls < 10; calls += 1)
    before.buckets.take(location, 'AcceptVpcEndpointConnections', clock.now());
  before.planTimer(clock.now() + 500, 'late');
  restart();

  const after = start();
  after.sns.createTopic(topicArn, { DisplayName: 'Fresh news' });
  expect(after.sns.acceptsFrom(topicArn, 'vpce.amazonaws.com', 'arn:aws:ec2:::x')).toBe(true);
  expect(after.sns.subscribe(topicArn, 'sqs', queueArn)).toBe(subscription);
  after.events.putAwsEvent('111111111111', 'us-east-1', { source: 'ours', 'detail-type': 'x', detail: {} });
  expect(fired.splice(0)).toEqual(['queue']);
  const findFault = () => after.faults.findDeliveryFault('sns')?.drop;
  expect([findFault(), findFault()]).toEqual([true, undefined]);
  expect(after.buckets.take(location, 'AcceptVpcEndpointConnections', clock.now())).toBe(false);
  // A timer fires once, and only after `resume`.
  clock.advance(1000);
  expect(fired).toEqual([]);
  after.timers.resume();
  clock.advance(0);
  expect(fired).toEqual(['late']);
  restart();
  start().timers.resume();
  clock.advance(1000);
  expect(fired).toEqual(['late']);
});

test('Slack keeps its messages and credentials', async () => {
  const start = () =>
    createSlack({ origin: 'http://sandbox', clock, faults: createFaults(), openMap: store.openMap });
  const before = start();
  const { botToken } = before.credentials;
  await before.handle(
    new Request('http://sandbox/slack/api/chat.postMessage', {
      method: 'POST',
      headers: { authorization: `Bearer ${botToken}` },
      body: JSON.stringify({ channel: 'C01OPS', text: 'hello' }),
    }),
  );
  restart();
  const after = start();
  expect(after.credentials.botToken).toBe(botToken);
  const response = await after.handle(new Request('http://sandbox/slack/messages?channel=C01OPS'));
  expect(await response.json()).toMatchObject({ messages: [{ text: 'hello' }] });
});

test('stream records that were delivered and not handled are delivered again', async () => {
  const batches: unknown[] = [];
  const start = (invoke: () => Promise<{ ok: true; value: null }>) =>
    mapStream(
      {
        streamArn: 'arn:stream',
        functionArn: 'arn:function',
        batchSize: 10,
        windowSeconds: 0,
        maximumRetries: 1,
        filters: ['{"eventID":[{"exists":true}]}'],
      },
      {
        clock,
        inFlight: createInFlight(),
        faults: createFaults(),
        pendingRecords: store.openMap('records'),
        sendToOnFailure() {},
        invoke: (event) => {
          batches.push((event as { Records: StreamRecord[] }).Records.map(({ eventID }) => eventID));
          return invoke();
        },
      },
    );
  const records = ['1', '2'].map(
    (eventID) => ({ eventID, dynamodb: { SequenceNumber: eventID } }) satisfies StreamRecord,
  );
  start(() => new Promise(() => {}))(records);
  expect(batches).toEqual([['1', '2']]);
  restart();
  start(async () => ({ ok: true, value: null }));
  clock.advance(0);
  expect(batches).toEqual([
    ['1', '2'],
    ['1', '2'],
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(store.openMap('records').size).toBe(0);
});

test('a connection in transition reaches its next state, and sends the notification', () => {
  const start = () =>
    createPrivateLink({
      id: () => `${ids()}`.padEnd(17, '0'),
      state: restoredState({
        services: store.record('services'),
        endpoints: store.record('endpoints'),
        notifications: store.record('notifications'),
        tags: store.record('tags'),
      }),
    });
  const before = start();
  const service = aService(before);
  const endpoint = anEndpoint(before, service, { now: clock.now() });
  before.advance(clock.now());
  before.accept(provider, service.id, [endpoint.id], clock.now());
  const { serial } = before.state;
  restart();

  const after = start();
  expect(after.state.serial).toBe(serial);
  expect(after.isSettled()).toBe(false);
  expect(after.advance(clock.now() + 60_000)).toMatchObject([
    { type: 'state-change', to: 'pending' },
    { type: 'notification', event: 'Accept' },
    { type: 'state-change', to: 'available' },
  ]);
});
