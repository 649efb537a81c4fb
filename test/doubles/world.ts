import { type AllowlistEntry, entryItem } from '../../lib/allowlist/entry.ts';
import type { Api } from '../../lib/api/env.ts';
import { type ApproverGroup, defaultGroup, groupItem } from '../../lib/approval/approver-group.ts';
import { historyOf } from '../../lib/audit/audit.ts';
import type { Applying } from '../../lib/connection/apply-verdicts.ts';
import type { Connection } from '../../lib/connection/connection.ts';
import type { ConnectionEvent } from '../../lib/connection/connection-event.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../../lib/connection/connection-record.ts';
import { transitionWrites } from '../../lib/connection/transition.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import { type Place, placeName } from '../../lib/place.ts';
import { type Service, serviceItem } from '../../lib/service/service.ts';
import type { Sweeping } from '../../lib/sweep/sweep-connections.ts';
import type { SweepRequest } from '../../lib/sweep/sweeps.ts';
import type { Item } from '../../lib/table/table.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { alice, hub, noon, topicArn } from '../builders.ts';
import { aDeployment } from './deployment.ts';
import { itemsInMemory, memoryTable } from './memory-table.ts';
import { shownConnections } from './shown-connections.ts';
import { shownServices } from './shown-services.ts';

/** Everything that linkgate's functions run with, in memory. */
export type World = ReturnType<typeof aWorld>;

/** A test may replace what its subject runs with. */
type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

interface Contents {
  readonly services?: readonly Service[];
  readonly entries?: readonly AllowlistEntry[];
  readonly connections?: readonly Connection[];
  readonly records?: readonly ConnectionRecord[];
  readonly groups?: readonly ApproverGroup[];
}

/** What setup makes. */
const groupFromSetup = { name: defaultGroup, quorum: 1, slackUsers: [], emails: [], version: 1 };

export function aWorld({
  services = [],
  entries = [],
  connections = [],
  records = [],
  groups = [groupFromSetup],
}: Contents = {}) {
  const items = itemsInMemory();
  const seed = [
    ...groups.map(groupItem),
    ...services.map(serviceItem),
    ...entries.map(entryItem),
    ...records.flatMap(itemsOf),
  ];
  for (const item of seed) items.commit([{ put: item }]);
  const table = memoryTable(items);
  const ec2 = shownConnections(...connections);
  const published: ConnectionEvent[] = [];
  const rings: string[] = [];
  const sweeps: (SweepRequest & { afterSeconds?: number })[] = [];
  const errors: unknown[] = [];
  const world = {
    table,
    ec2,
    services: shownServices(),
    published,
    rings,
    requestedSweeps: sweeps,
    errors,
    time: noon,
    mode: 'act' as Mode,
    /** Milliseconds left for a run. */
    left: 75_000,
    slept: 0,
    secrets: new Map<string, string>(),
    /** Puts an entry or a service there, whatever was there before. */
    put(...changed: readonly Item[]) {
      for (const item of changed) items.commit([{ put: item }]);
    },
    async record(endpointId: string): Promise<ConnectionRecord | undefined> {
      const [item] = await table.get([recordKey(endpointId)]);
      return item && readRecord(item);
    },
    async actions(endpointId: string): Promise<string[]> {
      return (await historyOf(endpointId, table)).map(({ action }) => action);
    },
    /** Moves time on. */
    wait(seconds: number) {
      world.time = new Date(world.time.getTime() + seconds * 1000);
    },
  };
  let ids = 0;
  const deps: Mutable<Api & Applying & Sweeping> = {
    table,
    connectionsIn: (_place: Place) => ec2,
    servicesIn: (_place: Place) => world.services,
    bus: {
      async publish(events) {
        published.push(...events);
      },
    },
    bell: {
      async ring(place) {
        rings.push(placeName(place));
      },
    },
    sweeps: {
      async request(sweep, options) {
        sweeps.push({ ...sweep, ...options });
      },
    },
    secrets: {
      async makeOnce(name, value) {
        if (world.secrets.has(name)) return false;
        world.secrets.set(name, value());
        return true;
      },
    },
    mode: async () => world.mode,
    modeParameter: {
      read: async () => ({ mode: world.mode, changedAt: '2026-11-01T00:00:00.000Z' }),
      async write(mode) {
        world.mode = mode;
      },
    },
    async sleep(milliseconds) {
      world.slept += milliseconds;
      world.left -= milliseconds;
      world.wait(milliseconds / 1000);
    },
    remaining: () => world.left,
    rules: connectionRules,
    hub,
    topicArn,
    caller: alice,
    requestId: 'request-1',
    now: () => world.time,
    id: () => `id-${++ids}`,
    newKey: () => 'a-key',
    random: () => 0,
    deployment: aDeployment(),
    apiId: 'api-1',
    report: (error) => {
      errors.push(error);
    },
  };
  return Object.assign(world, { deps });
}

/** A record as it stands in the table, with the pointer to what is due. */
function itemsOf(record: ConnectionRecord) {
  const { effect: _effect, ...before } = record;
  const writes = transitionWrites(
    { ...before, version: record.version - 1 },
    { record, happenings: [] },
    'request-0',
  );
  return writes.flatMap((write) => ('put' in write ? [write.put] : []));
}
