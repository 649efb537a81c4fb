import { pendingEffects } from '../../lib/connections/indexes.ts';
import { leasePartition } from '../../lib/storage/lease.ts';
import { type Assumptions, defaultAssumptions } from '../../sandbox/privatelink/assumptions.ts';
import type { Output } from '../../sandbox/privatelink/model.ts';
import { notificationBody } from '../../sandbox/privatelink/notification-body.ts';
import { createMemoryItems } from '../doubles/memory-table.ts';
import { createAws } from './aws.ts';
import { createMailbox } from './fake-mail.ts';
import { createFaults, type FaultKind } from './faults.ts';
import { checkConnectedState } from './final-connected-state.ts';
import { checkNotifications } from './final-notifications.ts';
import { checkFinalState } from './final-state.ts';
import { createWatch } from './invariant-checks/index.ts';
import type { BrokenInvariantError } from './invariants.ts';
import { createInvocations } from './invocations.ts';
import { deployLinkgate } from './linkgate.ts';
import { createRollout } from './mixed-versions.ts';
import { type Random, randomFrom } from './random.ts';
import { createScheduler } from './scheduler.ts';
import { createSlack } from './slack.ts';
import type { Mutant } from './wiring.ts';
import { createWorkload, type Step } from './workload.ts';

/** The report of one history. */
export interface SimulationReport {
  readonly seed: number;
  readonly turns: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly steps: ReadonlySet<Step>;
  /** The events, one line each. */
  readonly history: readonly string[];
  readonly broken: BrokenInvariantError | undefined;
}

export interface SimulationOptions {
  /** Runs in mode `observe` from the start, beside a script that answers requests. */
  readonly isObserving?: boolean;
  /** Runs over days, with lost permissions and restored tables. */
  readonly isLong?: boolean;
  readonly mutant?: Mutant;
}

const noon = Date.parse('2026-11-21T12:00:00Z');
const minute = 60_000;
/** The schedule of each sweep; less frequent over days, for speed. */
const periods = {
  short: { pending: minute, full: 15 * minute },
  long: { pending: 60 * minute, full: 120 * minute },
} as const;
/** The maximum time until the final state: linkgate retries a refused call after an hour at most. */
const maxRestMs = 6 * 60 * minute;
/** The longest of 1,500 histories has 15,000 turns; one whose messages multiply has no end. */
const maxTurns = 60_000;

/** Runs one history of linkgate with consumers, people, AWS and faults; the seed determines all of it. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  const stage = setUp(seed, options);
  const { scheduler, faults, items, watch, aws, linkgate, workload, note, history } = stage;
  const { isObserving = false, isLong = false } = options;
  const period = periods[isLong ? 'long' : 'short'];
  /** The time without changes before the state is final: two full sweeps. */
  const calm = 2 * period.full + minute;
  let endedAt: number | undefined;

  function every(period: number, scope: 'pending' | 'full'): void {
    scheduler.at(scheduler.now() + stage.random.below(period), function again() {
      void linkgate.schedule(scope);
      scheduler.at(scheduler.now() + period, again);
    });
  }

  /** Whether no effect is pending that this version can read and may carry out; a pause holds disconnects back. */
  function hasNoPendingEffect(): boolean {
    const due = items.page(pendingEffects.partition(aws.provider), {}).items;
    return (
      isObserving ||
      due.every(({ sk }) => watch.isUnreadable(sk) || watch.findRecord(sk)?.verdict?.outcome === 'hold')
    );
  }

  every(period.pending, 'pending');
  every(period.full, 'full');
  workload.run(10 + stage.random.below(70), () => {
    note('faults', 'end here');
    faults.end();
    endedAt = scheduler.now();
  });
  await scheduler.runUntil(() => {
    watch.assertInvariant(
      'the history ends',
      scheduler.turns() < maxTurns,
      `after ${scheduler.turns()} turns`,
    );
    if (watch.broken()) return true;
    if (endedAt === undefined || scheduler.now() < Math.max(stage.changedAt(), endedAt) + calm) return false;
    if (linkgate.isIdle() && hasNoPendingEffect()) return true;
    watch.assertInvariant(
      'the state becomes final',
      scheduler.now() < endedAt + maxRestMs + 2 * calm,
      'in time',
    );
    return false;
  });
  const then = new Date(scheduler.now());
  /** The maximum delay of due work: until the next sweep finds it, and its queue messages are handled. */
  const late = { pending: 2 * period.pending + minute, full: calm };
  if (!watch.broken()) checkFinalState(stage, then, late.pending);
  if (!watch.broken()) checkConnectedState(stage, then, late.pending);
  if (!watch.broken()) await checkNotifications(stage, then, late);
  return {
    seed,
    turns: scheduler.turns(),
    faults: faults.counts(),
    steps: workload.takenSteps(),
    history,
    broken: watch.broken(),
  };
}

export type SimulationStage = ReturnType<typeof setUp>;

/** Creates all parts of the simulation at the start. */
function setUp(
  seed: number,
  { isObserving = false, isLong = false, mutant = () => ({}) }: SimulationOptions = {},
) {
  const random = randomFrom(seed);
  const scheduler = createScheduler(random, noon, random.pick([5, 50, 500]));
  const faults = createFaults(random);
  const assumptions = assumptionsFrom(random);
  const items = createMemoryItems();
  const history: string[] = [];
  const note = (subject: string, event: string) => {
    history.push(`${new Date(scheduler.now()).toISOString().slice(11, 23)} ${subject}: ${event}`);
  };
  note('seed', `${seed}: ${JSON.stringify(assumptions)}`);
  const watch = createWatch(items, note, scheduler.now);
  const rollout = createRollout(random);
  const invocations = createInvocations(random, scheduler, faults, rollout, note, watch.recordError);
  let changedAt = noon;

  function handleEffect(effect: Output): void {
    changedAt = scheduler.now();
    if (effect.type === 'state-change') {
      note('EC2', `${effect.endpointId} is ${effect.to}`);
      watch.recordState(effect.endpointId, effect.to);
    } else {
      const Message = notificationBody(effect, assumptions.notificationBody);
      const notification = { Type: 'Notification', TopicArn: effect.topicArn, Message };
      linkgate.queues.notifications.send(JSON.stringify(notification));
    }
  }

  const aws = createAws(random, scheduler, faults, assumptions, items, {
    ...watch,
    observeEffect: handleEffect,
    observeChange: (call) => watch.observeChange(call, aws.privateLink.state),
    observeWrites(run, changes) {
      watch.observeWrites(run, changes);
      if (changes.some(({ after }) => after?.pk !== leasePartition)) changedAt = scheduler.now();
      for (const change of changes) linkgate.recordChanged(change);
    },
  });
  if (isObserving) aws.parameter.mode = 'observe';
  const slack = createSlack(random, scheduler, watch);
  const mailbox = createMailbox(scheduler);
  const deps = { random, scheduler, faults, rollout, invocations, aws, slack, mailbox, note, mutant };
  const linkgate = deployLinkgate(deps);
  const workload = createWorkload(deps, linkgate, watch, items, { isObserving, isLong });
  linkgate.beforeCalls(workload.changePolicy);
  return { ...deps, items, watch, linkgate, workload, history, changedAt: () => changedAt };
}

function assumptionsFrom(random: Random): Assumptions {
  return {
    ...defaultAssumptions,
    notificationBody: random.pick(['camel', 'pascal', 'text', 'no-ids']),
    notifications: random.chance(0.8),
    endpointIdFilter: random.pick(['accepted', 'refused']),
    repeatedAccept: random.pick(['ok', 'unsuccessful']),
    maxIdsPerCall: random.pick([1, 3, 100]),
    pendingAfterMs: random.pick([0, 100, 2_000, 10_000]),
    availableAfterMs: random.pick([0, 100, 5_000, 2 * minute]),
    deletedAfterMs: random.pick([0, 100, 5_000]),
    deletedListedMs: random.pick([0, minute, 60 * minute]),
  };
}
