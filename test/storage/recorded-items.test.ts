import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { entryItem, readEntry } from '../../lib/allowlist/entry.ts';
import { findDigest } from '../../lib/approvals/digest.ts';
import { submitDecision, submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { findGroup } from '../../lib/approvers/approver-group.ts';
import { readOperationsNotice } from '../../lib/approvers/operations-notice.ts';
import { readOperationsRecipients } from '../../lib/approvers/operations-recipients.ts';
import { readAuditEntry, readAuditTrail } from '../../lib/audit/audit.ts';
import { isAwaitingApproval, readRecord, recordItem } from '../../lib/connections/connection-record.ts';
import {
  awaitingApproval,
  listEarlierConnections,
  pendingEffects,
  reevaluations,
} from '../../lib/connections/indexes.ts';
import { customerItem, readCustomer } from '../../lib/customers/customer.ts';
import { findAccountPointers } from '../../lib/customers/customer-by-account.ts';
import { listDeliveryFailures } from '../../lib/customers/delivery-failure.ts';
import { modeChangeItem, readModeChange } from '../../lib/mode/mode.ts';
import { findExpiryWarning, readExpiryWarningState } from '../../lib/notifications/expiry-warning-state.ts';
import { readThrottle, throttleItem } from '../../lib/notifications/throttle.ts';
import { readEmailRate } from '../../lib/outbox/email-rate.ts';
import { notificationRetries, readNotification } from '../../lib/outbox/notification.ts';
import { readEndpointQuota } from '../../lib/policy/endpoint-quota.ts';
import { applyLeaseKey, readApplyLease } from '../../lib/policy-as-code/apply-lease.ts';
import { chunkValues } from '../../lib/policy-as-code/chunked-item.ts';
import { findPlan } from '../../lib/policy-as-code/plan.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { applyVerdicts } from '../../lib/reconcile/apply-verdicts.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { reserveQuota } from '../../lib/reconcile/disconnect-quota.ts';
import { principalItem, readPrincipal } from '../../lib/services/allowed-principals/principal-record.ts';
import { readService, serviceItem } from '../../lib/services/service.ts';
import { parseEach, rethrow, UnsupportedSchemaVersionError } from '../../lib/storage/entity.ts';
import { withIdempotency } from '../../lib/storage/idempotency.ts';
import type { Item } from '../../lib/storage/table.ts';
import { readRestoredAt } from '../../lib/storage/table-identity.ts';
import { findJob, finishLocation } from '../../lib/sweep/job.ts';
import { acquireSweepLease, readSweepLease } from '../../lib/sweep/lease.ts';
import { emptySweep } from '../../lib/sweep/sweep.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import { callApi } from '../api/call-api.ts';
import { alice, hub } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

/** The recorded tables by schema version; test/storage/record-items.ts writes them. */
const folder = new URL('recorded/', import.meta.url);
const recorded = readdirSync(folder).map((file) => ({
  schemaVersion: file.replace('.jsonl', ''),
  items: readFileSync(new URL(file, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Item),
}));

interface EntityCodec {
  /** Reads only this item. */
  readonly read: (item: Item) => unknown;
  /** Rewrites the item without a change; absent for entities that are never changed or soon expire. */
  readonly write?: (item: Item) => Item;
  /** The first schema version of the entity. */
  readonly since: string;
}

const alone = (item: Item) => {
  const env = createTestEnv();
  env.put(item);
  env.advanceSeconds(10 * 365 * 86_400);
  return env;
};

const strict = (item: Item) => ({ ...alone(item), reportError: rethrow });

/** All entities by the prefix of their partition key. */
const entityCodecs: Readonly<Record<string, EntityCodec>> = {
  BY_ACCOUNT: {
    since: '1.0',
    read: (item) => {
      const [, ownerAccountId = '', serviceId = ''] = item.pk.split('#');
      const last = { ownerAccountId, serviceId, requestedAt: '~', endpointId: '' };
      return listEarlierConnections(last, 1, { ...alone(item), reportError: rethrow });
    },
  },
  REEVALUATE_AT: {
    since: '1.0',
    read: (item) => {
      const [accountId = '', region = ''] = item.pk.slice('REEVALUATE_AT#'.length).split('/');
      const deps = { ...alone(item), reportError: rethrow };
      return reevaluations.list({ accountId, region }, deps)[Symbol.asyncIterator]().next();
    },
  },
  ALLOWLIST: { since: '1.0', read: readEntry, write: (item) => entryItem(readEntry(item)) },
  APPROVERS: { since: '1.0', read: (item) => findGroup(item.sk, alone(item).table) },
  AUDIT: { since: '1.0', read: readAuditEntry },
  NOTIFICATION_THROTTLE: {
    since: '1.0',
    read: readThrottle,
    write: (item) => throttleItem(readThrottle(item)),
  },
  CONNECTION: { since: '1.0', read: readRecord, write: (item) => recordItem(readRecord(item)) },
  CONTACT_DELIVERY_FAILURE: {
    since: '1.0',
    read: async (item) => (await listDeliveryFailures(strict(item)))[0],
  },
  ENDPOINT_QUOTA: { since: '1.0', read: readEndpointQuota },
  CUSTOMER: { since: '1.0', read: readCustomer, write: (item) => customerItem(readCustomer(item)) },
  CUSTOMER_BY_ACCOUNT: {
    since: '1.0',
    read: async (item) =>
      (await findAccountPointers([item.pk.slice('CUSTOMER_BY_ACCOUNT#'.length)], alone(item).table))[0],
  },
  DISCONNECT_QUOTA: {
    since: '1.0',
    read: (item) => reserveQuota('vpce-svc-0123456789abcdef0', [], 0, alone(item).deps),
  },
  DIGEST: { since: '1.0', read: (item) => findDigest(item.sk, alone(item).table) },
  PENDING_EFFECT: { since: '1.0', read: pendingEffects.read },
  JOB: {
    since: '1.0',
    read: ({ pk, ...item }) => findJob(pk.slice('JOB#'.length), alone({ pk, ...item }).table),
  },
  IDEMPOTENCY: {
    since: '1.0',
    read: ({ pk, fingerprint, ...item }) => {
      const { put, deps } = createTestEnv();
      put({ pk, fingerprint, ...item });
      return withIdempotency(pk.slice('IDEMPOTENCY#'.length), String(fingerprint), deps);
    },
  },
  OPERATIONS_NOTICE: { since: '1.0', read: readOperationsNotice },
  OPERATIONS: { since: '1.0', read: readOperationsRecipients },
  MODE: { since: '1.0', read: readModeChange, write: (item) => modeChangeItem(readModeChange(item)) },
  LEASE: {
    since: '1.0',
    read: (item) => (item.sk === applyLeaseKey.sk ? readApplyLease(item) : readSweepLease(item)),
  },
  PLAN: {
    since: '1.0',
    // A plan has a head and parts.
    read: (item) => {
      const now = () => new Date(String(item.createdAt));
      const { table } = alone(item);
      return item.sk === 'PLAN'
        ? findPlan(String(item.planId), { table, now })
        : chunkValues(item, v.unknown());
    },
  },
  PRINCIPALS: { since: '1.0', read: readPrincipal, write: (item) => principalItem(readPrincipal(item)) },
  SERVICE: { since: '1.0', read: readService, write: (item) => serviceItem(readService(item)) },
  TABLE_IDENTITY: { since: '1.0', read: readRestoredAt },
  NOTIFICATION: { since: '1.0', read: readNotification },
  NOTIFICATION_RETRY: { since: '1.0', read: notificationRetries.read },
  EMAIL_RATE: { since: '1.0', read: readEmailRate },
  AWAITING_APPROVAL: {
    since: '1.0',
    read: (item) =>
      awaitingApproval
        .list(item.pk.slice('AWAITING_APPROVAL#'.length), strict(item))
        [Symbol.asyncIterator]()
        .next(),
  },
  EXPIRY_WARNING: {
    since: '1.0',
    read: (item) => findExpiryWarning(readExpiryWarningState(item), new Date(), alone(item).table),
  },
};

const findCodec = ({ pk }: Item) => pk.split('#')[0] ?? '';
const itemName = ({ pk, sk }: Item) => `${pk} ${sk}`;

describe.each(recorded)(
  'of the recorded items of schema version $schemaVersion,',
  ({ schemaVersion, items }) => {
    const each = items.map((item) => [itemName(item), item] as const);

    test('each entity of that version has at least one', () => {
      const expected = Object.keys(entityCodecs).filter(
        (kind) => (entityCodecs[kind]?.since ?? '') <= schemaVersion,
      );
      expect([...new Set(items.map(findCodec))].sort()).toEqual(expected.sort());
    });

    test.each(each)('%s is read', async (_name, item) => {
      expect(await entityCodecs[findCodec(item)]?.read(item)).toBeDefined();
    });

    test.each(each)(
      '%s of a newer minor version is read, and keeps its added attributes',
      async (_name, item) => {
        const { read, write } = entityCodecs[findCodec(item)] as EntityCodec;
        const newer = withAddedAttributes(item);
        expect(await read(newer)).toBeDefined();
        if (write) expect(write(newer)).toMatchObject({ later: newer.later, version: item.version });
      },
    );

    test.each(each)('%s of a newer major version is refused', async (_name, item) => {
      await expect(async () =>
        entityCodecs[findCodec(item)]?.read({ ...item, schemaVersion: '2.0' }),
      ).rejects.toThrow(UnsupportedSchemaVersionError);
    });

    test('all records but one of a newer major version are read', () => {
      const errors: unknown[] = [];
      const records = items.filter((item) => findCodec(item) === 'CONNECTION');
      const [first, ...otherRecords] = records;
      const mixed = [{ ...(first as Item), schemaVersion: '2.0' }, ...otherRecords];
      expect(parseEach(mixed, readRecord, (error) => errors.push(error))).toHaveLength(otherRecords.length);
      expect(errors).toEqual([expect.any(UnsupportedSchemaVersionError)]);
    });
  },
);

const anyDecision = { decision: 'approve', by: alice, ticket: 'CHG-1' } as const;

describe.each(recorded)('a table of schema version $schemaVersion', ({ items }) => {
  test('has open requests that a person can approve, with a continuous history', async () => {
    const { env, records } = createEnvWithItems(items);
    const open = records.filter((record) => isAwaitingApproval(record) && env.isRegistered(record.serviceId));
    expect(open.length).toBeGreaterThan(0);
    for (const { endpointId, state } of open) {
      const before = await readAuditTrail(endpointId, env.table);
      const decide = isConnected(state) ? submitStoredDecision : submitDecision;
      const answer = await decide(endpointId, anyDecision, env.deps);
      expect(answer.status).toBe('decided');
      const after = await readAuditTrail(endpointId, env.table);
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.at(-1)?.action).toBe('approved');
    }
  });

  test('has pending effects that are applied', async () => {
    const { env, records } = createEnvWithItems(items);
    const due = records.filter(({ pendingEffect }) => pendingEffect !== undefined);
    expect(due.length).toBeGreaterThan(0);
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: due.length, refused: 0 });
    for (const { endpointId } of due) expect(env.ec2.state(endpointId)).toBe('pending');
  });

  test('has an endpoint quota that still counts its endpoints', async () => {
    const { env, records } = createEnvWithItems(items);
    const [quota] = items.filter((item) => findCodec(item) === 'ENDPOINT_QUOTA').map(readEndpointQuota);
    const countedRecord = records.find(({ endpointId }) => quota?.endpointIds.includes(endpointId));
    const next: Connection = {
      ...toConnection(countedRecord),
      endpointId: 'vpce-0fedcba9876543210',
      state: 'pendingAcceptance',
    };
    env.ec2.show(next);
    expect((await decideConnection(next, env.deps)).outcome).toBe('ask');
  });

  test('has a sweep that resumes at its checkpoint, and a job that succeeds', async () => {
    const { env } = createEnvWithItems(items);
    expect((await acquireSweepLease(hub, 'full', env.deps))?.checkpoint).toBeDefined();
    env.advanceSeconds(60);
    expect((await sweepConnections(hub, 'full', env.deps)).status).toBe('done');
    const running = items.find((item) => item.status === 'running');
    const jobId = String(running?.jobId);
    for (const location of Object.keys(running?.locations ?? {})) {
      const [accountId = '', region = ''] = location.split('/');
      await finishLocation(jobId, { accountId, region }, emptySweep(), env.deps);
    }
    expect((await findJob(jobId, env.table))?.status).toBe('succeeded');
  });

  test('is listed without a service of a newer major version, with a warning that names the remedy', async () => {
    const { env } = createEnvWithItems(
      items.map((item) => (findCodec(item) === 'SERVICE' ? { ...item, schemaVersion: '2.0' } : item)),
    );
    const { status, body } = await callApi(env, 'GET', '/services');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      services: [],
      warnings: expect.arrayContaining([expect.stringContaining('deploy the newer version again')]),
    });
  });
});

/** Creates an environment with the recorded items and EC2 as recorded. */
function createEnvWithItems(items: readonly Item[]) {
  const env = createTestEnv();
  env.put(...items);
  const records = items.filter((item) => findCodec(item) === 'CONNECTION').map(readRecord);
  env.ec2.show(...records.filter(({ endedAt }) => endedAt === undefined).map(toConnection));
  // The recording ends with an interrupted sweep; its lease has just expired.
  const leases = items
    .filter((item) => findCodec(item) === 'LEASE')
    .flatMap(({ leaseUntil }) => leaseUntil ?? []);
  env.time = new Date(String(leases.sort().at(-1)));
  const registered = new Set(items.filter((item) => findCodec(item) === 'SERVICE').map(({ sk }) => sk));
  return {
    env: Object.assign(env, { isRegistered: (serviceId: string) => registered.has(serviceId) }),
    records,
  };
}

function toConnection(record: Connection | undefined): Connection {
  if (!record) throw new Error('there is no such connection');
  const { location, serviceId, endpointId, ownerAccountId, state, requestedAt } = record;
  return { location, serviceId, endpointId, ownerAccountId, state, requestedAt };
}

/** Adds an attribute to the item and to each object in it, as a later minor version may. */
function withAddedAttributes(item: Item): Item & { readonly later: unknown } {
  return { ...(addAttributes(item) as Item), schemaVersion: '1.99', later: { than: 'this' } };
}

function addAttributes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(addAttributes);
  if (typeof value !== 'object' || value === null) return value;
  const isMap = Object.keys(value).some((key) => key.includes('/'));
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, addAttributes(one)]));
  return isMap ? inner : { ...inner, later: 'than this' };
}
