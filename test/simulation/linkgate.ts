import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { answerDoorbells } from '../../lib/connection/answer-doorbells.ts';
import { applyVerdicts, type Mode } from '../../lib/connection/apply-verdicts.ts';
import { type Bus, BusMessage, eventSource } from '../../lib/connection/connection-event.ts';
import { readDoorbell } from '../../lib/connection/connection-notification.ts';
import { decideConnections } from '../../lib/connection/decide-connections.ts';
import { tendConnections } from '../../lib/connection/tend-connections.ts';
import type { WorkBell } from '../../lib/connection/work-bell.ts';
import { type Place, placeName } from '../../lib/place.ts';
import { reviewRequests, scopeOf } from '../../lib/policy/review-requests.ts';
import { checkServices } from '../../lib/service/check-service.ts';
import { placesOf } from '../../lib/service/registered-services.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import { SweepRequest, type Sweeps } from '../../lib/sweep/sweeps.ts';
import type { Table } from '../../lib/table/table.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { compilePattern } from '../../sandbox/aws/event-pattern.ts';
import type { Change } from '../doubles/memory-table.ts';
import type { Aws } from './aws.ts';
import type { Faults } from './faults.ts';
import type { Ending, Invocations, Run } from './invocations.ts';
import { createQueue, type Queue, type QueueSpec } from './queue.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Breaks the table on the way to a function, to see whether the invariants notice. */
export type Sabotage = (table: Table, run: Run) => Table;

export interface World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly invocations: Invocations;
  readonly aws: Aws;
  readonly note: (who: string, what: string) => void;
  readonly mode: { current: Mode };
  readonly modeRead: (run: Run, mode: Mode) => void;
  readonly sabotage: Sabotage;
}

export type Linkgate = ReturnType<typeof deployLinkgate>;

type Handler = (bodies: readonly string[], run: Run) => Promise<readonly number[]>;

const pattern = (name: string) =>
  compilePattern(
    JSON.parse(readFileSync(new URL(`../../rules/events/${name}.json`, import.meta.url), 'utf8')) as object,
  );
const isRequest = pattern('connection-request');
const isChange = pattern('connection-changed');
const isPending = pattern('connection-is-pending');

/** What serverless.yml and resources/ say of each queue and of the function behind it. */
const specs = {
  notifications: { seconds: 30, visibility: 60, batch: 10, concurrency: 10 },
  looks: { seconds: 30, visibility: 60, batch: 10, concurrency: 10, delay: 5 },
  requests: { seconds: 30, visibility: 60, batch: 10, concurrency: 10 },
  changes: { seconds: 30, visibility: 60, batch: 10, concurrency: 10 },
  serviceChanges: { seconds: 30, visibility: 120, batch: 10, concurrency: 10 },
  verdicts: { seconds: 75, visibility: 90, batch: 10, concurrency: 10, fifo: true },
  sweeps: { seconds: 300, visibility: 310, batch: 1, concurrency: 5 },
  records: { seconds: 60, visibility: 5, batch: 1, concurrency: 2 },
} as const satisfies Readonly<Record<string, Omit<QueueSpec, 'name'> & { seconds: number }>>;

type QueueName = keyof typeof specs;

/** linkgate's functions between the queues, as thin as in functions/. */
export function deployLinkgate(world: World) {
  const { random, scheduler, faults, invocations, aws, note, mode, modeRead, sabotage } = world;
  const queues = Object.fromEntries(
    (Object.keys(specs) as QueueName[]).map((name) => [name, queueNamed(name)]),
  ) as Record<QueueName, Queue>;

  let changeMind: () => Promise<unknown> = async () => {};

  function queueNamed(name: QueueName): Queue {
    const { seconds, ...spec } = specs[name];
    const consume = (bodies: readonly string[]): Promise<Ending<readonly number[]>> =>
      invocations.invoke(name, seconds, (run) => handlers[name](bodies, run));
    return createQueue({ name, ...spec }, consume, random, scheduler, faults, note);
  }

  /** All that a function may be wired with. */
  function wire(run: Run) {
    const table = aws.tableFor(run);
    const bus: Bus = {
      async publish(events) {
        if (events.length > 0) await run.call('send', () => events.forEach(deliver));
      },
    };
    const bell: WorkBell = {
      ring: (place) =>
        run.call('send', () => queues.verdicts.send(JSON.stringify({ place }), { group: placeName(place) })),
    };
    const sweeps: Sweeps = {
      request: (request, options) =>
        run.call('send', () => queues.sweeps.send(JSON.stringify(request), options)),
    };
    return {
      table: sabotage(table, run),
      bell,
      bus,
      sweeps,
      connectionsIn: aws.connectionsFor(run),
      servicesIn: aws.servicesFor(run),
      rules: connectionRules,
      async mode() {
        if (faults.draw('last look')) await changeMind();
        const current = await run.call('mode', () => mode.current).catch(() => 'observe' as const);
        modeRead(run, current);
        return current;
      },
      now: run.now,
      sleep: run.sleep,
      remaining: run.remaining,
      requestId: run.requestId,
      report: run.report,
    };
  }

  /** EventBridge, with the rules that are deployed. */
  function deliver({ type, ...detail }: Parameters<Bus['publish']>[0][number]): void {
    const event = { source: eventSource, 'detail-type': type, ...provider(detail.connection.place), detail };
    const body = JSON.stringify(event);
    if (isRequest(event)) queues.requests.send(body);
    if (isChange(event)) queues.changes.send(body);
    if (isPending(event)) queues.looks.send(body);
  }

  const answer: Handler = async (bodies, run) => {
    const doorbells = bodies.map(readDoorbell).filter((doorbell) => doorbell !== undefined);
    await answerDoorbells(doorbells, wire(run));
    return [];
  };

  const handlers: Readonly<Record<QueueName, Handler>> = {
    notifications: answer,
    looks: answer,
    async requests(bodies, run) {
      const requests = bodies.map((body) => eventIn(body).connection);
      return failedOf(await decideConnections(requests, wire(run)));
    },
    changes: async (bodies, run) => failedOf(await tendConnections(bodies.map(eventIn), wire(run))),
    async verdicts(bodies, run) {
      const places = new Map(
        bodies
          .map((body) => (JSON.parse(body) as { place: Place }).place)
          .map((place) => [placeName(place), place]),
      );
      for (const place of places.values()) await applyVerdicts(place, wire(run));
      return [];
    },
    async serviceChanges(bodies, run) {
      const results = await checkServices(bodies, wire(run));
      return results.some((result) => 'error' in result) ? bodies.map((_, index) => index) : [];
    },
    async sweeps(bodies, run) {
      for (const body of bodies) {
        const request = v.parse(SweepRequest, JSON.parse(body));
        const wired = wire(run);
        const sweep = await sweepConnections(request.place, request.pass, wired);
        if (sweep.status === 'unfinished') await wired.sweeps.request(request);
        note(run.requestId, `${request.pass} sweep is ${sweep.status}`);
      }
      return [];
    },
    async records(bodies, run) {
      for (const body of bodies) {
        const { before, after } = JSON.parse(body) as Change;
        const scope = scopeOf(before, after);
        if (scope) await reviewRequests(scope, wire(run));
      }
      return [];
    },
  };

  return {
    queues,
    wire,
    /** What may happen between the actor's last look and its call. */
    beforeCalls(happen: typeof changeMind): void {
      changeMind = happen;
    },
    /** The table's stream. */
    recordChanged(change: Change): void {
      if (scopeOf(change.before, change.after)) queues.records.send(JSON.stringify(change));
    },
    /** A schedule asks for a pass over every place. */
    schedule: (pass: 'pending' | 'full') =>
      invocations.invoke('schedule', 300, async (run) => {
        const { table, sweeps } = wire(run);
        for (const place of await placesOf(table)) await sweeps.request({ place, pass });
      }),
    isIdle: () => invocations.running() === 0 && Object.values(queues).every((queue) => queue.size() === 0),
  };
}

function eventIn(body: string) {
  return v.parse(v.pipe(v.string(), v.parseJson(), BusMessage), body).detail;
}

function failedOf(results: readonly object[]): number[] {
  return results.flatMap((result, index) => ('error' in result ? [index] : []));
}

function provider({ accountId, region }: Place) {
  return { account: accountId, region };
}
