import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { readCounted } from '../../lib/allowlist/counted-endpoints.ts';
import { entryItem, readEntry } from '../../lib/allowlist/entry.ts';
import { findGroup } from '../../lib/approval/approver-group.ts';
import { decideAsRecorded, decideByPerson } from '../../lib/approval/decide-by-person.ts';
import { historyOf, readAuditEntry } from '../../lib/audit/audit.ts';
import { recordsBefore } from '../../lib/connection/account-history.ts';
import { dueEndpoints } from '../../lib/connection/agenda.ts';
import { applyVerdicts } from '../../lib/connection/apply-verdicts.ts';
import type { Connection } from '../../lib/connection/connection.ts';
import { isLive } from '../../lib/connection/connection.ts';
import { isOpen, readRecord, recordItem } from '../../lib/connection/connection-record.ts';
import { decideConnection } from '../../lib/connection/decide-connections.ts';
import { readPointer } from '../../lib/connection/due.ts';
import { waitingRequests } from '../../lib/connection/waiting.ts';
import { pointersOf } from '../../lib/customer/account-pointer.ts';
import { contactTroubles } from '../../lib/customer/contact-trouble.ts';
import { customerItem, readCustomer } from '../../lib/customer/customer.ts';
import { readTold } from '../../lib/customer/told.ts';
import { claim } from '../../lib/idempotency/claim.ts';
import { readSwitched, switchedItem } from '../../lib/mode/mode.ts';
import { findLease } from '../../lib/plan/apply-lease.ts';
import { valuesIn } from '../../lib/plan/parts.ts';
import { findPlan } from '../../lib/plan/plan.ts';
import { principalItem, readPrincipal } from '../../lib/principals/principal-record.ts';
import { claimCuts } from '../../lib/revocation/budget.ts';
import { readService, serviceItem } from '../../lib/service/service.ts';
import { findJob, finishPlace } from '../../lib/sweep/job.ts';
import { leaseOf } from '../../lib/sweep/lease.ts';
import { nothingSwept, sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import { NewerItemError, raise, readEach } from '../../lib/table/item.ts';
import { sinceIn } from '../../lib/table/lineage.ts';
import type { Item } from '../../lib/table/table.ts';
import { boardItem, readBoard } from '../../lib/telling/board.ts';
import { findDigest } from '../../lib/telling/digest.ts';
import { Expiring, findWarned } from '../../lib/telling/warned.ts';
import { ask } from '../api/ask.ts';
import { alice, hub } from '../builders.ts';
import { aWorld } from '../doubles/world.ts';

/** The tables of earlier versions, by the form of their items. test/table/record.ts makes them. */
const folder = new URL('recorded/', import.meta.url);
const recorded = readdirSync(folder).map((file) => ({
  form: file.replace('.jsonl', ''),
  items: readFileSync(new URL(file, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Item),
}));

interface Kind {
  /** What linkgate reads of an item, whatever else is in the table. */
  readonly read: (item: Item) => unknown;
  /** The item after a change that leaves everything in it as it was; left out for what is never changed, or soon gone. */
  readonly write?: (item: Item) => Item;
  /** The first form that has it. */
  readonly since: string;
}

const alone = (item: Item) => {
  const world = aWorld();
  world.put(item);
  world.wait(10 * 365 * 86_400);
  return world;
};

const strict = (item: Item) => ({ ...alone(item), report: raise });

/** All kinds of items, by how their partition begins. */
const kinds: Readonly<Record<string, Kind>> = {
  ACCOUNT: {
    since: '1.2',
    read: (item) => {
      const [, ownerAccountId = '', serviceId = ''] = item.pk.split('#');
      const last = { ownerAccountId, serviceId, requestedAt: '~', endpointId: '' };
      return recordsBefore(last, 1, { ...alone(item), report: raise });
    },
  },
  AGENDA: {
    since: '1.3',
    read: (item) => {
      const [accountId = '', region = ''] = item.pk.slice('AGENDA#'.length).split('/');
      const deps = { ...alone(item), report: raise };
      return dueEndpoints({ accountId, region }, deps.time, deps)[Symbol.asyncIterator]().next();
    },
  },
  ALLOWLIST: { since: '1.0', read: readEntry, write: (item) => entryItem(readEntry(item)) },
  APPROVERS: { since: '1.0', read: (item) => findGroup(item.sk, alone(item).table) },
  AUDIT: { since: '1.0', read: readAuditEntry },
  BOARDS: { since: '1.2', read: readBoard, write: (item) => boardItem(readBoard(item)) },
  CONNECTIONS: { since: '1.0', read: readRecord, write: (item) => recordItem(readRecord(item)) },
  CONTACT_TROUBLES: { since: '1.3', read: async (item) => (await contactTroubles(strict(item)))[0] },
  COUNTED: { since: '1.0', read: readCounted },
  CUSTOMERS: { since: '1.3', read: readCustomer, write: (item) => customerItem(readCustomer(item)) },
  CUSTOMER_OF: {
    since: '1.3',
    read: async (item) => (await pointersOf([item.pk.slice('CUSTOMER_OF#'.length)], alone(item).table))[0],
  },
  CUTS: {
    since: '1.3',
    read: (item) => claimCuts('vpce-svc-0123456789abcdef0', [], 0, alone(item).deps),
  },
  DIGESTS: { since: '1.2', read: (item) => findDigest(item.sk, alone(item).table) },
  DUE: { since: '1.0', read: readPointer },
  JOB: {
    since: '1.0',
    read: ({ pk, ...item }) => findJob(pk.slice('JOB#'.length), alone({ pk, ...item }).table),
  },
  IDEMPOTENCY: {
    since: '1.1',
    read: ({ pk, fingerprint, ...item }) => {
      const { put, deps } = aWorld();
      put({ pk, fingerprint, ...item });
      return claim(pk.slice('IDEMPOTENCY#'.length), String(fingerprint), deps);
    },
  },
  MODE: { since: '1.1', read: readSwitched, write: (item) => switchedItem(readSwitched(item)) },
  PLAN: {
    since: '1.3',
    // Beside its head a plan has parts.
    read: (item) => {
      const now = () => new Date(String(item.createdAt));
      const { table } = alone(item);
      return item.sk === 'PLAN' ? findPlan(String(item.planId), { table, now }) : valuesIn(item, v.unknown());
    },
  },
  POLICY: { since: '1.3', read: (item) => findLease(strict(item)) },
  PRINCIPALS: { since: '1.3', read: readPrincipal, write: (item) => principalItem(readPrincipal(item)) },
  SERVICES: { since: '1.0', read: readService, write: (item) => serviceItem(readService(item)) },
  SWEEP: {
    since: '1.0',
    read: (item) =>
      leaseOf(hub, item.sk === 'full' ? 'full' : 'pending', { ...alone(item).deps, report: raise }),
  },
  TABLE: { since: '1.3', read: sinceIn },
  TOLD: { since: '1.3', read: readTold },
  WAITING: {
    since: '1.2',
    read: (item) =>
      waitingRequests(item.pk.slice('WAITING#'.length), strict(item))[Symbol.asyncIterator]().next(),
  },
  WARNED: {
    since: '1.3',
    read: (item) => findWarned(v.parse(Expiring, item), new Date(), alone(item).table),
  },
};

const kindOf = ({ pk }: Item) => pk.split('#')[0] ?? '';
const nameOf = ({ pk, sk }: Item) => `${pk} ${sk}`;

describe.each(recorded)('the items of form $form', ({ form, items }) => {
  const each = items.map((item) => [nameOf(item), item] as const);

  test('are of every kind that there was', () => {
    const expected = Object.keys(kinds).filter((kind) => (kinds[kind]?.since ?? '') <= form);
    expect([...new Set(items.map(kindOf))].sort()).toEqual(expected.sort());
  });

  test.each(each)('%s is read', async (_name, item) => {
    expect(await kinds[kindOf(item)]?.read(item)).toBeDefined();
  });

  test.each(each)(
    '%s is read when a newer minor version wrote it, and keeps what that added',
    async (_name, item) => {
      const { read, write } = kinds[kindOf(item)] as Kind;
      const newer = withMore(item);
      expect(await read(newer)).toBeDefined();
      if (write) expect(write(newer)).toMatchObject({ later: newer.later, version: item.version });
    },
  );

  test.each(each)('%s is refused when a newer major version wrote it', async (_name, item) => {
    await expect(async () => kinds[kindOf(item)]?.read({ ...item, form: '2.0' })).rejects.toThrow(
      NewerItemError,
    );
  });

  test('of which one is too new keep no other from being read', () => {
    const errors: unknown[] = [];
    const records = items.filter((item) => kindOf(item) === 'CONNECTIONS');
    const [first, ...others] = records;
    const mixed = [{ ...(first as Item), form: '2.0' }, ...others];
    expect(readEach(mixed, readRecord, (error) => errors.push(error))).toHaveLength(others.length);
    expect(errors).toEqual([expect.any(NewerItemError)]);
  });
});

const anyonesWord = { decision: 'approve', by: alice, ticket: 'CHG-1' } as const;

describe.each(recorded)('a table of form $form', ({ items }) => {
  test('has open requests that a person approves, and whose story goes on', async () => {
    const { world, records } = worldOf(items);
    const open = records.filter((record) => isOpen(record) && world.isRegistered(record.serviceId));
    expect(open.length).toBeGreaterThan(0);
    for (const { endpointId, state } of open) {
      const before = await historyOf(endpointId, world.table);
      const decide = isLive(state) ? decideAsRecorded : decideByPerson;
      const answer = await decide(endpointId, anyonesWord, world.deps);
      expect(answer.status).toBe('decided');
      const after = await historyOf(endpointId, world.table);
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.at(-1)?.action).toBe('approved');
    }
  });

  test('has verdicts that are due, which EC2 is asked for', async () => {
    const { world, records } = worldOf(items);
    const due = records.filter(({ effect }) => effect !== undefined);
    expect(due.length).toBeGreaterThan(0);
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ asked: due.length, refused: 0 });
    for (const { endpointId } of due) expect(world.ec2.state(endpointId)).toBe('pending');
  });

  test('counts the endpoints that it counted', async () => {
    const { world, records } = worldOf(items);
    const [counted] = items.filter((item) => kindOf(item) === 'COUNTED').map(readCounted);
    const theirs = records.find(({ endpointId }) => counted?.endpointIds.includes(endpointId));
    const next: Connection = {
      ...connectionOf(theirs),
      endpointId: 'vpce-0fedcba9876543210',
      state: 'pendingAcceptance',
    };
    world.ec2.show(next);
    expect((await decideConnection(next, world.deps)).outcome).toBe('ask');
  });

  test('has a pass that goes on where it stood, and a job that comes to its end', async () => {
    const { world } = worldOf(items);
    expect((await leaseOf(hub, 'full', world.deps))?.checkpoint).toBeDefined();
    world.wait(60);
    expect((await sweepConnections(hub, 'full', world.deps)).status).toBe('done');
    const running = items.find((item) => item.status === 'running');
    const jobId = String(running?.jobId);
    for (const place of Object.keys(running?.places ?? {})) {
      const [accountId = '', region = ''] = place.split('/');
      await finishPlace(jobId, { accountId, region }, nothingSwept(), world.deps);
    }
    expect((await findJob(jobId, world.table))?.status).toBe('succeeded');
  });

  test('in which a newer major version wrote is listed without that, with what to do about it', async () => {
    const { world } = worldOf(
      items.map((item) => (kindOf(item) === 'SERVICES' ? { ...item, form: '2.0' } : item)),
    );
    const { status, body } = await ask(world, 'GET', '/services');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      services: [],
      warnings: expect.arrayContaining([expect.stringContaining('deploy the newer version again')]),
    });
  });
});

/** A world with what was recorded, right after that, and EC2 as it was remembered. */
function worldOf(items: readonly Item[]) {
  const world = aWorld();
  world.put(...items);
  const records = items.filter((item) => kindOf(item) === 'CONNECTIONS').map(readRecord);
  world.ec2.show(...records.filter(({ goneAt }) => goneAt === undefined).map(connectionOf));
  // The last thing that was recorded is a pass, which was cut short: its lease has just run out.
  const leases = items.filter((item) => kindOf(item) === 'SWEEP').map(({ heldUntil }) => String(heldUntil));
  world.time = new Date(leases.sort().at(-1) ?? 0);
  const registered = new Set(items.filter((item) => kindOf(item) === 'SERVICES').map(({ sk }) => sk));
  return {
    world: Object.assign(world, { isRegistered: (serviceId: string) => registered.has(serviceId) }),
    records,
  };
}

function connectionOf(record: Connection | undefined): Connection {
  if (!record) throw new Error('there is no such connection');
  const { place, serviceId, endpointId, ownerAccountId, state, requestedAt } = record;
  return { place, serviceId, endpointId, ownerAccountId, state, requestedAt };
}

/** As the next minor version might write it: with another attribute, here and in each object within. */
function withMore(item: Item): Item & { readonly later: unknown } {
  return { ...(more(item) as Item), form: '1.99', later: { than: 'this' } };
}

function more(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(more);
  if (typeof value !== 'object' || value === null) return value;
  const isMap = Object.keys(value).some((key) => key.includes('/'));
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, more(one)]));
  return isMap ? inner : { ...inner, later: 'than this' };
}
