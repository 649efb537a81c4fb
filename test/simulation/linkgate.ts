import { recordPartitions } from '../../lib/connections/connection-record.ts';
import { affectedScope } from '../../lib/reconcile/reevaluate.ts';
import { readLocations } from '../../lib/services/registered-services.ts';
import type { ItemChange } from '../doubles/memory-table.ts';
import type { Aws } from './aws.ts';
import type { Mailbox } from './fake-mail.ts';
import type { Faults } from './faults.ts';
import { handlers } from './handlers.ts';
import type { Ending, Invocations, Run } from './invocations.ts';
import type { Rollout } from './mixed-versions.ts';
import { createQueue, type Queue, type QueueSpec } from './queue.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Slack } from './slack.ts';
import { createWiring, type Sabotage } from './wiring.ts';

export interface World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rollout: Rollout;
  readonly invocations: Invocations;
  readonly aws: Aws;
  readonly slack: Slack;
  readonly mailbox: Mailbox;
  readonly note: (who: string, what: string) => void;
  readonly sabotage: Sabotage;
}

export type Linkgate = ReturnType<typeof deployLinkgate>;

/** What serverless.yml and resources/ say of each queue and of the function behind it. */
const specs = {
  notifications: { seconds: 30, visibility: 60, batch: 10, concurrency: 10 },
  looks: { seconds: 30, visibility: 60, batch: 10, concurrency: 10, delay: 5 },
  requests: { seconds: 30, visibility: 60, batch: 10, concurrency: 10 },
  changes: { seconds: 30, visibility: 60, batch: 10, concurrency: 10 },
  serviceChanges: { seconds: 30, visibility: 120, batch: 10, concurrency: 10 },
  verdicts: { seconds: 75, visibility: 90, batch: 10, concurrency: 10, fifo: true },
  sweepQueue: { seconds: 300, visibility: 310, batch: 1, concurrency: 5 },
  notificationQueue: { seconds: 60, visibility: 90, batch: 10, concurrency: 2 },
  records: { seconds: 60, visibility: 5, batch: 1, concurrency: 2 },
} as const satisfies Readonly<Record<string, Omit<QueueSpec, 'name'> & { seconds: number }>>;

export type QueueName = keyof typeof specs;
export type Queues = Readonly<Record<QueueName, Queue>>;

/** linkgate's functions between the queues. */
export function deployLinkgate(world: World) {
  const { random, scheduler, faults, invocations, note, sabotage } = world;
  let changeMind: () => Promise<unknown> = async () => {};
  const queues = Object.fromEntries(
    (Object.keys(specs) as QueueName[]).map((name) => [name, queueNamed(name)]),
  ) as Queues;
  const wiring = createWiring(world, queues, () => changeMind());

  function wire(run: Run) {
    const wired = wiring(run);
    return { ...wired, ...sabotage(wired, run) };
  }

  function queueNamed(name: QueueName): Queue {
    const { seconds, ...spec } = specs[name];
    const consume = (bodies: readonly string[]): Promise<Ending<readonly number[]>> =>
      invocations.invoke(name, seconds, (run) => handlers[name](bodies, wire(run)));
    return createQueue({ name, ...spec }, consume, random, scheduler, faults, note);
  }

  return {
    queues,
    wire,
    /** What may happen between the actor's last look and its call. */
    beforeCalls(happen: typeof changeMind): void {
      changeMind = happen;
    },
    /** The table's stream. */
    recordChanged(change: ItemChange): void {
      if (affectedScope(change.before, change.after) || isAsked(change))
        queues.records.send(JSON.stringify(change));
    },
    /** A schedule asks for a pass over every place. */
    schedule: (scope: 'pending' | 'full') =>
      invocations.invoke('schedule', 300, async (run) => {
        const deps = wire(run);
        for (const location of await readLocations(deps)) await deps.sweepQueue.enqueue({ location, scope });
      }),
    isIdle: () => invocations.running() === 0 && Object.values(queues).every((queue) => queue.size() === 0),
  };
}

/** What the stream's filter lets through beside what policy rests on. */
function isAsked({ after }: ItemChange): boolean {
  return after !== undefined && recordPartitions.includes(after.pk) && 'approvalRequest' in after;
}
