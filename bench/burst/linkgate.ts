import * as v from 'valibot';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { ec2ConnectionChanges } from '../../lib/aws/ec2-connection-changes.ts';
import { ec2Connections } from '../../lib/aws/ec2-connections.ts';
import {
  type Bus,
  BusMessage,
  type ConnectionEvent,
  eventSource,
} from '../../lib/connections/connection-event.ts';
import { formatAccountRegion } from '../../lib/locations/account-region.ts';
import { applyVerdicts } from '../../lib/reconcile/apply-verdicts.ts';
import { parseNotification } from '../../lib/reconcile/connection-notification.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { handleNotifications } from '../../lib/reconcile/handle-notifications.ts';
import { recordStates } from '../../lib/reconcile/record-states.ts';
import { serviceItem } from '../../lib/services/service.ts';
import type { Table } from '../../lib/storage/table.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import { chunks } from '../../lib/values/chunks.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { notificationBody } from '../../sandbox/privatelink/notification-body.ts';
import { anEntry, aService, noon, topicArn } from '../../test/builders.ts';
import { createMemoryItems, type Items } from '../../test/doubles/memory-table.ts';
import { type Clock, simulatedClock } from './clock.ts';
import { consumer, latencyMs, provider, simulatedEc2 } from './ec2.ts';
import { type Consumer, simulatedQueue } from './queue.ts';

/** The queue settings of resources/queues.cjs and serverless.yml. */
const queued = { batch: 10, concurrency: 10, visibility: 60 };
const minute = 60_000;

type Call = <T>(name: string, milliseconds: number, effect: () => T) => Promise<T>;

export interface Outcome {
  /** Seconds until EC2 shows all requests as accepted. */
  readonly seconds: number;
  /** AWS calls until no work is left. */
  readonly calls: ReadonlyMap<string, number>;
}

/** Runs linkgate's code from connection notifications to the last record, on EC2 with its token buckets. */
export async function runLinkgate(requests: number): Promise<Outcome> {
  const clock = simulatedClock(noon.getTime());
  const calls = new Map<string, number>();
  const count = (name: string) => calls.set(name, (calls.get(name) ?? 0) + 1);
  let accepted = 0;
  let acceptedAt = 0;

  const ec2 = simulatedEc2(clock, count, (effect) => {
    if (effect.type === 'notification') linkgate.enqueue(effect.topicArn, notificationBody(effect, 'text'));
    else if (effect.to === 'pending') {
      accepted++;
      acceptedAt = clock.now();
    }
  });
  const items = createMemoryItems();
  const { serviceId, begin } = ec2.burst(requests, topicArn);
  items.commit([
    { put: serviceItem(aService({ serviceId, topicArn })) },
    { put: entryItem(anEntry({ serviceId, accountId: consumer })) },
  ]);
  const linkgate = deploy(clock, ec2, items, count);
  begin();
  clock.at(clock.now() + minute, function everyMinute() {
    linkgate.sweep();
    if (accepted < requests) clock.at(clock.now() + minute, everyMinute);
  });
  await clock.runUntil(() => false);

  const deadLetters = linkgate.deadLetters();
  if (accepted !== requests || deadLetters > 0)
    throw new Error(`${accepted} of ${requests} were accepted, and there are ${deadLetters} dead letters`);
  return { seconds: (acceptedAt - noon.getTime()) / 1000, calls };
}

/** Connects the functions to their queues, as functions/ does. */
function deploy(
  clock: Clock,
  ec2: ReturnType<typeof simulatedEc2>,
  items: Items,
  count: (name: string) => void,
) {
  const call: Call = async (name, milliseconds, effect) => {
    count(name);
    await clock.sleep(milliseconds);
    return effect();
  };
  const runtime = {
    table: simulatedTable(items, call),
    bus: { publish: sendInBatches(call, deliver) },
    applyQueue: { enqueue: () => call('SendMessageBatch', latencyMs.other, () => verdicts.send('')) },
    // The policy accepts every request, so linkgate notifies no approver.
    notificationQueue: { enqueue: async () => {}, enqueueAfter: async () => {} },
    customerNotificationQueue: { enqueue: async () => {}, enqueueAfter: async () => {} },
    connectionsClient: () => ({
      ...ec2Connections(ec2.client(), provider, console.error),
      ...ec2ConnectionChanges(ec2.client(1)),
    }),
    mode: () => call('GetParameter', latencyMs.other, () => 'enforce' as const),
    rules: connectionRules,
    sleep: clock.sleep,
    now: () => new Date(clock.now()),
    requestId: 'bench',
    reportError: (error: unknown) => count(`reported: ${error}`),
  };

  /** The dependencies of a run with a time limit in seconds. */
  function run(seconds: number) {
    const deadline = clock.now() + seconds * 1000;
    return { ...runtime, remainingMs: () => deadline - clock.now() };
  }

  function deliver({ type, ...detail }: ConnectionEvent): void {
    const body = JSON.stringify({ source: eventSource, 'detail-type': type, detail });
    (type === 'Connection Request' ? decisions : changes).send(body);
    if (type === 'Connection Changed' && detail.connection.state === 'pending')
      delayedNotifications.send(body);
  }

  const answer: Consumer = async (bodies) => {
    const notifications = bodies.map(parseNotification);
    const readable = notifications.filter((notification) => notification !== undefined);
    const { failedLocations } = await handleNotifications(readable, run(30));
    return notifications.flatMap((notification, index) =>
      notification && failedLocations.has(formatAccountRegion(notification.location)) ? [index] : [],
    );
  };
  const notifications = simulatedQueue(queued, clock, answer);
  const delayedNotifications = simulatedQueue({ ...queued, delay: 15 }, clock, answer);
  const decisions = simulatedQueue(queued, clock, async (bodies) => {
    const requests = bodies.map((body) => parseEvent(body).connection);
    return failedIndexes(await decideConnections(requests, run(30)));
  });
  const changes = simulatedQueue(queued, clock, async (bodies) =>
    failedIndexes(await recordStates(bodies.map(parseEvent), run(30))),
  );
  const verdicts = simulatedQueue({ ...queued, concurrency: 1 }, clock, async () => {
    await applyVerdicts(provider, run(75));
    return [];
  });
  const sweeps = simulatedQueue({ batch: 1, concurrency: 5, visibility: 310 }, clock, async () => {
    const { status } = await sweepConnections(provider, 'pending', run(300));
    if (status === 'unfinished') sweeps.send('');
    return [];
  });
  const queues = [notifications, delayedNotifications, decisions, changes, verdicts, sweeps];

  return {
    enqueue: (TopicArn: string, Message: string) =>
      notifications.send(JSON.stringify({ Type: 'Notification', TopicArn, Message })),
    sweep: () => sweeps.send(''),
    deadLetters: () => queues.reduce((sum, queue) => sum + queue.deadLetters(), 0),
  };
}

function simulatedTable(items: Items, call: Call): Table {
  return {
    async get(keys) {
      const read = (some: typeof keys) => call('BatchGetItem', latencyMs.dynamodb, () => items.read(some));
      return (await Promise.all(chunks(keys, 100).map(read))).flat();
    },
    async *query(pk, options = {}) {
      let start = options.after;
      do {
        const page = await call('Query', latencyMs.dynamodb, () => items.page(pk, options, start));
        yield page.items;
        start = page.next;
      } while (start !== undefined);
    },
    identity: async () => 'one',
    write: (writes) =>
      call('TransactWriteItems', latencyMs.dynamodb, () => items.commit(writes) !== undefined),
  };
}

function sendInBatches(call: Call, deliver: (event: ConnectionEvent) => void): Bus['publish'] {
  return async (events) => {
    for (const some of chunks(events, 10))
      await call('PutEvents', latencyMs.other, () => some.forEach(deliver));
  };
}

function parseEvent(body: string) {
  return v.parse(v.pipe(v.string(), v.parseJson(), BusMessage), body).detail;
}

function failedIndexes(results: readonly object[]): number[] {
  return results.flatMap((result, index) => ('error' in result ? [index] : []));
}
