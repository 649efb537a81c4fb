import { dueIn } from '../../lib/connection/due.ts';
import { type Assumptions, defaultAssumptions } from '../../sandbox/privatelink/assumptions.ts';
import type { Effect } from '../../sandbox/privatelink/model.ts';
import { notificationBody } from '../../sandbox/privatelink/notification-body.ts';
import { itemsInMemory } from '../doubles/memory-table.ts';
import { checkAtRest } from './at-rest.ts';
import { createAws } from './aws.ts';
import { createFaults, type FaultKind } from './faults.ts';
import { createInvocations } from './invocations.ts';
import { deployLinkgate, type Sabotage } from './linkgate.ts';
import { type Random, randomFrom } from './random.ts';
import { createScheduler } from './scheduler.ts';
import { createStory } from './story.ts';
import { createWatch } from './watch.ts';

/** What came of one history. */
export interface Report {
  readonly seed: number;
  readonly turns: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** What happened, a line each. */
  readonly history: readonly string[];
  readonly broken: Error | undefined;
}

const noon = Date.parse('2026-11-21T12:00:00Z');
const minute = 60_000;
/** How long nothing may have changed before it is at rest: two whole passes. */
const calm = 31 * minute;
/** How long it may take until it is at rest: what EC2 refused is tried again after an hour at the most. */
const patience = 6 * 60 * minute;

/** One history of linkgate among consumers, people, AWS and faults, all of it chosen by the seed. */
export async function simulate(seed: number, sabotage?: Sabotage): Promise<Report> {
  const random = randomFrom(seed);
  const scheduler = createScheduler(random, noon, random.pick([5, 50, 500]));
  const faults = createFaults(random);
  const assumptions = assumptionsFrom(random);
  const items = itemsInMemory();
  const history: string[] = [];
  const note = (who: string, what: string) => {
    history.push(`${new Date(scheduler.now()).toISOString().slice(11, 23)} ${who}: ${what}`);
  };
  note('seed', `${seed}: ${JSON.stringify(assumptions)}`);
  const watch = createWatch(items, note, scheduler.now);
  const invocations = createInvocations(random, scheduler, faults, note);
  let changedAt = noon;
  let endedAt: number | undefined;

  function happened(effect: Effect): void {
    changedAt = scheduler.now();
    if (effect.type === 'state-change') note('EC2', `${effect.endpointId} is ${effect.to}`);
    else {
      const Message = notificationBody(effect, assumptions.notificationBody);
      linkgate.queues.notifications.send(
        JSON.stringify({ Type: 'Notification', TopicArn: effect.topicArn, Message }),
      );
    }
  }

  const aws = createAws(random, scheduler, faults, assumptions, items, {
    read: watch.read,
    changing: (call) => watch.changing(call, aws.privateLink.state),
    happened,
    written(_run, changes) {
      watch.written(changes);
      if (changes.some(({ after }) => !after?.pk.startsWith('SWEEP#'))) changedAt = scheduler.now();
      for (const change of changes) linkgate.recordChanged(change);
    },
  });
  const world = {
    random,
    scheduler,
    faults,
    invocations,
    aws,
    note,
    sabotage: sabotage ?? ((table) => table),
    mode: { current: 'act' as const },
    modeRead: watch.modeRead,
  };
  const linkgate = deployLinkgate(world);
  const story = createStory(world, linkgate, watch);
  linkgate.beforeCalls(story.changeMind);

  function every(period: number, pass: 'pending' | 'full'): void {
    scheduler.at(scheduler.now() + random.below(period), function again() {
      void linkgate.schedule(pass);
      scheduler.at(scheduler.now() + period, again);
    });
  }

  every(minute, 'pending');
  every(15 * minute, 'full');
  story.tell(10 + random.below(70), () => {
    note('faults', 'end here');
    faults.end();
    world.mode.current = 'act';
    endedAt = scheduler.now();
    changedAt = scheduler.now();
  });

  await scheduler.runUntil(() => {
    if (watch.broken()) return true;
    if (endedAt === undefined || scheduler.now() < changedAt + calm) return false;
    if (linkgate.isIdle() && items.page(dueIn(aws.provider), {}).items.length === 0) return true;
    watch.mustHold(scheduler.now() < endedAt + patience, 'it comes to rest');
    return false;
  });
  if (!watch.broken()) checkAtRest(aws, items, watch, new Date(scheduler.now()));
  return { seed, turns: scheduler.turns(), faults: faults.counts(), history, broken: watch.broken() };
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
