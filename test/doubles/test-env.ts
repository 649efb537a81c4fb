import { type AllowlistEntry, entryItem } from '../../lib/allowlist/entry.ts';
import type { Api } from '../../lib/api/env.ts';
import { type ApproverGroup, defaultGroup, groupItem } from '../../lib/approvers/approver-group.ts';
import { auditTrail } from '../../lib/audit/audit.ts';
import type { Subscription, Subscriptions } from '../../lib/channels/email/subscriptions.ts';
import { awaitingApprovalWrites } from '../../lib/connections/awaiting-approval.ts';
import type { ConnectionEvent } from '../../lib/connections/connection-event.ts';
import {
  type ConnectionRecord,
  readRecord,
  recordItem,
  recordKey,
} from '../../lib/connections/connection-record.ts';
import { byAccountWrites } from '../../lib/connections/connections-by-account.ts';
import { pendingEffectWrites } from '../../lib/connections/pending-effects.ts';
import { reevaluationWrites } from '../../lib/connections/reevaluations.ts';
import { type AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import type { NotificationTarget } from '../../lib/notifications/notification.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import type { ApplyDeps } from '../../lib/reconcile/apply-verdicts.ts';
import { type Service, serviceItem } from '../../lib/services/service.ts';
import type { Item } from '../../lib/storage/table.ts';
import type { SweepDeps } from '../../lib/sweep/sweep-connections.ts';
import type { SweepRequest } from '../../lib/sweep/sweep-queue.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { alice, hub, noon, topicArn } from '../builders.ts';
import { aDeployment } from './deployment.ts';
import { fakeConnections } from './fake-connections.ts';
import { fakeServices } from './fake-services.ts';
import { itemsInMemory, memoryTable } from './memory-table.ts';

/** Everything that linkgate's functions run with, in memory. */
export type TestEnv = ReturnType<typeof createTestEnv>;

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

export function createTestEnv({
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
  const ec2 = fakeConnections(...connections);
  const published: ConnectionEvent[] = [];
  const rings: string[] = [];
  const sweeps: (SweepRequest & { afterSeconds?: number })[] = [];
  const notices: (NotificationTarget & { afterSeconds?: number })[] = [];
  const errors: unknown[] = [];
  const world = {
    table,
    ec2,
    services: fakeServices(),
    published,
    rings,
    requestedSweeps: sweeps,
    notices,
    errors,
    removals: [] as { item: Item; by: string }[],
    time: noon,
    mode: 'enforce' as Mode,
    /** Milliseconds left for a run. */
    left: 75_000,
    slept: 0,
    /** By name: the current value, then the one before. */
    secrets: new Map<string, readonly string[]>(),
    /** By address: whose mails it is sent, once it is confirmed. */
    subscriptions: new Map() as Subscribed,
    consumerSubscriptions: new Map() as Subscribed,
    /** As `auth.test` shows it. */
    slackApp: {
      teamId: 'T01LOCAL',
      botUserId: 'U01BOT',
      url: 'https://local.slack.com/',
      scopes: ['chat:write', 'commands'],
    },
    /** Puts an entry or a service there, whatever was there before. */
    put(...changed: readonly Item[]) {
      for (const item of changed) items.commit([{ put: item }]);
    },
    async record(endpointId: string): Promise<ConnectionRecord | undefined> {
      const [item] = await table.get([recordKey(endpointId)]);
      return item && readRecord(item);
    },
    async actions(endpointId: string): Promise<string[]> {
      return (await auditTrail(endpointId, table)).map(({ action }) => action);
    },
    /** Moves time on. */
    wait(seconds: number) {
      world.time = new Date(world.time.getTime() + seconds * 1000);
    },
  };
  let ids = 0;
  const deps: Mutable<Api & ApplyDeps & SweepDeps> = {
    table,
    connectionsIn: (_place: AccountRegion) => ec2,
    servicesIn: (_place: AccountRegion) => world.services,
    bus: {
      async publish(events) {
        published.push(...events);
      },
    },
    bell: {
      async enqueue(location) {
        rings.push(formatAccountRegion(location));
      },
    },
    consumers: { enqueue: async () => {} },
    notices: {
      async enqueue(subjects) {
        notices.push(...subjects);
      },
      async enqueueAfter(afterSeconds, subjects) {
        notices.push(...subjects.map((subject) => ({ ...subject, afterSeconds })));
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
        world.secrets.set(name, [value()]);
        return true;
      },
      read: async (name) => world.secrets.get(name) ?? [],
      async rotate(name, value) {
        const [current] = world.secrets.get(name) ?? [];
        if (current === value) return false;
        world.secrets.set(name, current === undefined ? [value] : [value, current]);
        return true;
      },
      async forgetPrevious(name) {
        world.secrets.set(name, (world.secrets.get(name) ?? []).slice(0, 1));
      },
    },
    subscriptions: subscriptionsIn(world.subscriptions),
    consumerSubscriptions: subscriptionsIn(world.consumerSubscriptions),
    slackWith: () => ({ authTest: async () => world.slackApp }),
    slackRequestUrl: 'https://receivers.example.com/slack',
    mode: async () => world.mode,
    modeParameter: {
      read: async () => ({ mode: world.mode, changedAt: '2026-11-01T00:00:00.000Z' }),
      async write(mode) {
        world.mode = mode;
      },
      makeOnce: async () => false,
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
    logRemoval(removal) {
      world.removals.push(removal);
    },
    deployment: aDeployment(),
    apiId: 'api-1',
    reportError: (error) => {
      errors.push(error);
    },
  };
  return Object.assign(world, { deps });
}

type Subscribed = Map<string, Omit<Subscription, 'address'>>;

function subscriptionsIn(subscribed: Subscribed): Subscriptions {
  return {
    all: async () => [...subscribed].map(([address, subscription]) => ({ address, ...subscription })),
    async subscribe(address) {
      subscribed.set(address, {});
    },
    async narrow(arn, address) {
      subscribed.set(address, { arn, readers: [address] });
    },
    async unsubscribe(wanted) {
      for (const [address, { arn }] of subscribed) if (arn === wanted) subscribed.delete(address);
    },
  };
}

/** A record as it stands in the table, with all that points at it. */
function itemsOf(record: ConnectionRecord): Item[] {
  const pointers = [pendingEffectWrites, awaitingApprovalWrites, byAccountWrites, reevaluationWrites].flatMap(
    (writes) => writes(undefined, record),
  );
  return [recordItem(record), ...pointers.flatMap((write) => ('put' in write ? [write.put] : []))];
}
