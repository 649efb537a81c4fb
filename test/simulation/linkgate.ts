import { recordPartitions } from '../../lib/connections/connection-record.ts';
import { enqueueDueRetries } from '../../lib/outbox/notification.ts';
import { affectedScope } from '../../lib/reconcile/reevaluate.ts';
import { readLocations } from '../../lib/services/registered-services.ts';
import type { ItemChange } from '../doubles/memory-table.ts';
import type { Aws } from './aws.ts';
import type { Mailbox } from './fake-mail.ts';
import type { Faults } from './faults.ts';
import { handlers } from './handlers.ts';
import type { InvocationResult, Invocations, Run } from './invocations.ts';
import type { VersionRollout } from './mixed-versions.ts';
import { createQueue, type Queue, type QueueSpec } from './queue.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Slack } from './slack.ts';
import { createWiring, type Mutant } from './wiring.ts';

export interface SimulationDeps {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rollout: VersionRollout;
  readonly invocations: Invocations;
  readonly aws: Aws;
  readonly slack: Slack;
  readonly mailbox: Mailbox;
  readonly note: (subject: string, event: string) => void;
  readonly mutant: Mutant;
}

export type LinkgateUnderTest = ReturnType<typeof deployLinkgate>;

/** The settings of each queue and its function in serverless.yml and resources/. */
const specs = {
  notifications: { seconds: 30, visibility: 60, batch: 10, concurrency: 10 },
  rechecks: { seconds: 30, visibility: 60, batch: 10, concurrency: 10, delay: 5 },
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
export function deployLinkgate(deps: SimulationDeps) {
  const { random, scheduler, faults, invocations, note, mutant } = deps;
  const memory: Parameters<typeof mutant>[2] = new Map();
  let changePolicy: () => Promise<unknown> = async () => {};
  const queues = Object.fromEntries(
    (Object.keys(specs) as QueueName[]).map((name) => [name, createNamedQueue(name)]),
  ) as Queues;
  const wiring = createWiring(deps, queues, () => changePolicy());

  function wire(run: Run) {
    const wired = wiring(run);
    return { ...wired, ...mutant(wired, run, memory) };
  }

  function createNamedQueue(name: QueueName): Queue {
    const { seconds, ...spec } = specs[name];
    const consume = (bodies: readonly string[]): Promise<InvocationResult<readonly number[]>> =>
      invocations.invoke(name, seconds, (run) => handlers[name](bodies, wire(run)));
    return createQueue({ name, ...spec }, consume, random, scheduler, faults, note);
  }

  return {
    queues,
    wire,
    /** Sets the action between the last read of apply-verdicts and its call. */
    beforeCalls(change: typeof changePolicy): void {
      changePolicy = change;
    },
    /** Handles a record of the table's stream. */
    recordChanged(change: ItemChange): void {
      if (affectedScope(change.before, change.after) || hasApprovalRequestAfter(change))
        queues.records.send(JSON.stringify(change));
    },
    /** Requests a sweep of all locations, as the schedule does. */
    schedule: (scope: 'pending' | 'full') =>
      invocations.invoke('schedule', 300, async (run) => {
        const deps = wire(run);
        if (scope === 'pending') await enqueueDueRetries(deps);
        for (const location of await readLocations(deps)) await deps.sweepQueue.enqueue({ location, scope });
      }),
    isIdle: () => invocations.running() === 0 && Object.values(queues).every((queue) => queue.size() === 0),
  };
}

/** Whether the stream's filter matches a record with an approval request. */
function hasApprovalRequestAfter({ after }: ItemChange): boolean {
  return after !== undefined && recordPartitions.includes(after.pk) && 'approvalRequest' in after;
}
