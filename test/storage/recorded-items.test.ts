import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { entryItem, readEntry } from '../../lib/allowlist/entry.ts';
import { submitDecision, submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { readAuditTrail } from '../../lib/audit/audit.ts';
import { isAwaitingApproval, readRecord, recordItem } from '../../lib/connections/connection-record.ts';
import { customerItem, readCustomer } from '../../lib/customers/customer.ts';
import { findItemEntity, itemEntities } from '../../lib/doctor/item-entities.ts';
import { modeChangeItem, readModeChange } from '../../lib/mode/mode.ts';
import { expiryWarningsEntity } from '../../lib/notifications/expiry-warnings.ts';
import { readThrottle, throttleItem } from '../../lib/notifications/throttle.ts';
import { readEndpointQuota } from '../../lib/policy/endpoint-quota.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { applyVerdicts } from '../../lib/reconcile/apply-verdicts.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { principalItem, readPrincipal } from '../../lib/services/allowed-principals/principal-record.ts';
import { readService, serviceItem } from '../../lib/services/service.ts';
import { UnsupportedSchemaVersionError } from '../../lib/storage/entity.ts';
import { itemKindOfKey } from '../../lib/storage/item-remedy.ts';
import type { Item } from '../../lib/storage/table.ts';
import { findJob, finishLocation } from '../../lib/sweep/job.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
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

/** Rewrites an item without a change, for the entities that linkgate changes later. */
const rewrites: Readonly<Record<string, (item: Item) => Item>> = {
  ALLOWLIST: (item) => entryItem(readEntry(item)),
  NOTIFICATION_THROTTLE: (item) => throttleItem(readThrottle(item)),
  CONNECTION: (item) => recordItem(readRecord(item)),
  CUSTOMER: (item) => customerItem(readCustomer(item)),
  EXPIRY_WARNINGS: (item) => expiryWarningsEntity.item(expiryWarningsEntity.read(item)),
  MODE: (item) => modeChangeItem(readModeChange(item)),
  PRINCIPALS: (item) => principalItem(readPrincipal(item)),
  SERVICE: (item) => serviceItem(readService(item)),
};

describe.each(recorded)('of the recorded items of schema version $schemaVersion,', ({ items }) => {
  const each = items.map((item) => [`${item.pk} ${item.sk}`, item] as const);

  test('each entity has at least one', () => {
    expect([...new Set(items.map(itemKindOfKey))].sort()).toEqual([...itemEntities.keys()].sort());
  });

  test.each(each)('%s is read, and refused in a newer major version', (_name, item) => {
    expect(findItemEntity(item)?.read(item)).toBeDefined();
    const newer = { ...item, schemaVersion: '2.0' };
    expect(() => findItemEntity(item)?.read(newer)).toThrow(UnsupportedSchemaVersionError);
  });

  test.each(each)('%s of a newer minor version is read, and keeps its added attributes', (_name, item) => {
    const newer = withAddedAttributes(item);
    expect(findItemEntity(item)?.read(newer)).toBeDefined();
    const rewritten = rewrites[itemKindOfKey(item)]?.(newer);
    if (rewritten) expect(rewritten).toMatchObject({ later: newer.later, version: item.version });
  });
});

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
    const [quota] = items.filter((item) => itemKindOfKey(item) === 'ENDPOINT_QUOTA').map(readEndpointQuota);
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
      items.map((item) => (itemKindOfKey(item) === 'SERVICE' ? { ...item, schemaVersion: '2.0' } : item)),
    );
    const { status, body } = await callApi(env, 'GET /services');
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
  const records = items.filter((item) => itemKindOfKey(item) === 'CONNECTION').map(readRecord);
  env.ec2.show(...records.filter(({ endedAt }) => endedAt === undefined).map(toConnection));
  // The recording ends with an interrupted sweep; its lease has just expired.
  const leases = items
    .filter((item) => itemKindOfKey(item) === 'LEASE')
    .flatMap(({ leaseUntil }) => leaseUntil ?? []);
  env.time = new Date(String(leases.sort().at(-1)));
  const registered = new Set(items.filter((item) => itemKindOfKey(item) === 'SERVICE').map(({ sk }) => sk));
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
