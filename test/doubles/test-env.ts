import { type AllowlistEntry, entryItem } from '../../lib/allowlist/entry.ts';
import type { ApiDeps } from '../../lib/api/env.ts';
import { type ApproverGroup, defaultGroup, groupItem } from '../../lib/approvers/approver-group.ts';
import { readAuditTrail } from '../../lib/audit/audit.ts';
import type { Subscription, Subscriptions } from '../../lib/channels/email/subscriptions.ts';
import type { ConnectionEvent } from '../../lib/connections/connection-event.ts';
import {
  type ConnectionRecord,
  readRecord,
  recordItem,
  recordKey,
} from '../../lib/connections/connection-record.ts';
import { recordIndexWrites } from '../../lib/connections/indexes.ts';
import { type AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import {
  findNotification,
  type Notification,
  type NotificationKind,
  type NotificationTarget,
} from '../../lib/outbox/notification.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import type { ApplyDeps } from '../../lib/reconcile/apply-verdicts.ts';
import { type Service, serviceItem } from '../../lib/services/service.ts';
import type { Item } from '../../lib/storage/table.ts';
import type { SweepDeps } from '../../lib/sweep/sweep.ts';
import type { SweepRequest } from '../../lib/sweep/sweep-queue.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { alice, hub, noon, topicArn } from '../builders.ts';
import { fakeConnections } from './fake-connections.ts';
import { aDeployment } from './fake-deployment.ts';
import { fakeServices } from './fake-services.ts';
import { createMemoryItems, memoryTable } from './memory-table.ts';

/** The dependencies of linkgate's functions, in memory. */
export type TestEnv = ReturnType<typeof createTestEnv>;

/** Allows a test to replace dependencies. */
type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

interface TestEnvContents {
  readonly services?: readonly Service[];
  readonly entries?: readonly AllowlistEntry[];
  readonly connections?: readonly Connection[];
  readonly records?: readonly ConnectionRecord[];
  readonly groups?: readonly ApproverGroup[];
}

/** The group that setup creates. */
const setupGroup = { name: defaultGroup, quorum: 1, slackUsers: [], emails: [], version: 1 };

export function createTestEnv({
  services = [],
  entries = [],
  connections = [],
  records = [],
  groups = [setupGroup],
}: TestEnvContents = {}) {
  const items = createMemoryItems();
  const seed = [
    ...groups.map(groupItem),
    ...services.map(serviceItem),
    ...entries.map(entryItem),
    ...records.flatMap(recordAndPointers),
  ];
  for (const item of seed) items.commit([{ put: item }]);
  const table = memoryTable(items);
  const ec2 = fakeConnections(...connections);
  const published: ConnectionEvent[] = [];
  const applyRequests: string[] = [];
  const sweeps: (SweepRequest & { afterSeconds?: number })[] = [];
  const queuedNotifications: (NotificationTarget & { afterSeconds?: number })[] = [];
  const errors: unknown[] = [];
  const env = {
    table,
    ec2,
    services: fakeServices(),
    published,
    applyRequests: applyRequests,
    requestedSweeps: sweeps,
    queuedNotifications,
    errors,
    removals: [] as { item: Item; by: string }[],
    time: noon,
    mode: 'enforce' as Mode,
    /** The remaining milliseconds of a run. */
    remainingMs: 75_000,
    sleptMs: 0,
    /** The values of each secret by name: the current one, then the previous one. */
    secrets: new Map<string, readonly string[]>(),
    /** Subscriptions by address. */
    subscriptions: new Map() as SubscriptionsByAddress,
    customerSubscriptions: new Map() as SubscriptionsByAddress,
    operationsSubscriptions: new Map() as SubscriptionsByAddress,
    /** The response of `auth.test`. */
    slackApp: {
      teamId: 'T01LOCAL',
      botUserId: 'U01BOT',
      url: 'https://local.slack.com/',
      scopes: ['chat:write', 'commands'],
    },
    /** Puts items without conditions. */
    put(...changed: readonly Item[]) {
      for (const item of changed) items.commit([{ put: item }]);
    },
    async record(endpointId: string): Promise<ConnectionRecord | undefined> {
      const [item] = await table.get([recordKey(endpointId)]);
      return item && readRecord(item);
    },
    /** What the audience of a target received. */
    notification: (id: string, kind: NotificationKind = 'request'): Promise<Notification> =>
      findNotification({ kind, id }, table),
    async actions(endpointId: string): Promise<string[]> {
      return (await readAuditTrail(endpointId, table)).map(({ action }) => action);
    },
    /** Advances the time. */
    advanceSeconds(seconds: number) {
      env.time = new Date(env.time.getTime() + seconds * 1000);
    },
  };
  let ids = 0;
  const deps: Mutable<ApiDeps & ApplyDeps & SweepDeps> = {
    table,
    connectionsClient: (_place: AccountRegion) => ec2,
    servicesClient: (_place: AccountRegion) => env.services,
    bus: {
      async publish(events) {
        published.push(...events);
      },
    },
    applyQueue: {
      async enqueue(location) {
        applyRequests.push(formatAccountRegion(location));
      },
    },
    customerNotificationQueue: { enqueue: async () => {}, enqueueAfter: async () => {} },
    notificationQueue: {
      async enqueue(subjects) {
        queuedNotifications.push(...subjects);
      },
      async enqueueAfter(afterSeconds, subjects) {
        queuedNotifications.push(...subjects.map((subject) => ({ ...subject, afterSeconds })));
      },
    },
    sweepQueue: {
      async enqueue(sweep, options) {
        sweeps.push({ ...sweep, ...options });
      },
    },
    secrets: {
      async createIfMissing(name, value) {
        if (env.secrets.has(name)) return false;
        env.secrets.set(name, [value()]);
        return true;
      },
      read: async (name) => env.secrets.get(name) ?? [],
      async rotate(name, value) {
        const [current] = env.secrets.get(name) ?? [];
        if (current === value) return false;
        env.secrets.set(name, current === undefined ? [value] : [value, current]);
        return true;
      },
      async dropPrevious(name) {
        env.secrets.set(name, (env.secrets.get(name) ?? []).slice(0, 1));
      },
    },
    subscriptions: fakeSubscriptions(env.subscriptions),
    customerSubscriptions: fakeSubscriptions(env.customerSubscriptions),
    operationsSubscriptions: fakeSubscriptions(env.operationsSubscriptions),
    slackWith: () => ({ authTest: async () => env.slackApp }),
    slackRequestUrl: 'https://receivers.example.com/slack',
    mode: async () => env.mode,
    modeParameter: {
      read: async () => ({ mode: env.mode, changedAt: '2026-11-01T00:00:00.000Z' }),
      async write(mode) {
        env.mode = mode;
      },
      createIfMissing: async () => false,
    },
    async sleep(milliseconds) {
      env.sleptMs += milliseconds;
      env.remainingMs -= milliseconds;
      env.advanceSeconds(milliseconds / 1000);
    },
    remainingMs: () => env.remainingMs,
    rules: connectionRules,
    hub,
    topicArn,
    caller: alice,
    requestId: 'request-1',
    now: () => env.time,
    id: () => `id-${++ids}`,
    newSigningKey: () => 'a-key',
    random: () => 0,
    logRemoval(removal) {
      env.removals.push(removal);
    },
    deployment: aDeployment(),
    apiId: 'api-1',
    reportError: (error) => {
      errors.push(error);
    },
  };
  return Object.assign(env, { deps });
}

type SubscriptionsByAddress = Map<string, Omit<Subscription, 'address'>>;

function fakeSubscriptions(subscribed: SubscriptionsByAddress): Subscriptions {
  return {
    list: async () => [...subscribed].map(([address, subscription]) => ({ address, ...subscription })),
    async subscribe(address) {
      subscribed.set(address, {});
    },
    async setAddressFilter(arn, address) {
      subscribed.set(address, { arn, filterAddresses: [address] });
    },
    async unsubscribe(subscriptionArn) {
      for (const [address, { arn }] of subscribed) if (arn === subscriptionArn) subscribed.delete(address);
    },
  };
}

/** Returns the items of a record and of its pointers. */
function recordAndPointers(record: ConnectionRecord): Item[] {
  const pointers = recordIndexWrites(undefined, record);
  return [recordItem(record), ...pointers.flatMap((write) => ('put' in write ? [write.put] : []))];
}
