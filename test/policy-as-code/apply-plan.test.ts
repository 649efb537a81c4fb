import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { findGroup } from '../../lib/approvers/approver-group.ts';
import { findCustomer } from '../../lib/customers/customer.ts';
import { findUnfinishedApply } from '../../lib/policy-as-code/apply-lease.ts';
import { applyPlan } from '../../lib/policy-as-code/apply-plan.ts';
import { isMade } from '../../lib/policy-as-code/change.ts';
import { findPlan } from '../../lib/policy-as-code/plan.ts';
import { registeredServices } from '../../lib/services/registered-services.ts';
import { serviceItem } from '../../lib/services/service.ts';
import type { Table } from '../../lib/storage/table.ts';
import { aConfiguration, aGroup, alice, anEntry, aService, serviceId } from '../builders.ts';
import { mortal } from '../doubles/crash-injection.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument, allowing, applied, blocking, entryIn, follow, linesOf, planned } from './fixtures.ts';

const accounts = Array.from({ length: 200 }, (_, index) => String(200_000_000_000 + index));
const [one = '', two = '', three = ''] = accounts;
const people = { quorum: 1, slackUsers: [], emails: ['alice@example.com'] };

/** A world with something of each kind to add, to change and to remove. */
function aBusyWorld() {
  const world = createTestEnv({
    services: [
      aService({ managedBy: 'file' }),
      aService({ serviceId: serviceId(2), name: 'leaving', managedBy: 'file' }),
    ],
    entries: [
      anEntry({ accountId: one, managedBy: 'file', maxEndpoints: 1 }),
      anEntry({ accountId: two, managedBy: 'file' }),
      anEntry({ accountId: three, effect: 'block' }),
      anEntry({ serviceId: serviceId(2), accountId: one, managedBy: 'file' }),
    ],
    groups: [aGroup(), aGroup({ name: 'old', managedBy: 'file' })],
  });
  for (const number of [1, 2, 3])
    world.services.show(aConfiguration({ serviceId: serviceId(number), principals: [] }));
  return world;
}

const busy = aDocument({
  groups: [{ name: 'team', ...people }],
  services: [
    { serviceId: serviceId(1), name: 'orders', graceSeconds: 7200 },
    { serviceId: serviceId(3), name: 'new', approvers: 'team' },
  ],
  customers: [{ name: 'acme', accounts: [one, two], contact: { email: 'it@acme.example' } }],
  entries: [
    allowing(one, { maxEndpoints: 2 }),
    blocking('300000000000'),
    ...accounts.slice(3).map((account) => allowing(account, { service: 'new' })),
  ],
});

test.each([
  ['an entry', { entries: [allowing(one), allowing(two, { maxEndpoints: 2 ** 60 })] }],
  ['a note', { entries: [allowing(one), allowing(two, { note: 'half \ud83d' })] }],
])('of a plan with %s that the table does not take nothing is made', async (_what, document) => {
  const world = createTestEnv({ services: [aService({ managedBy: 'file' })] });
  const { plan } = await planned(world, aDocument({ services: [{ name: 'orders' }], ...document }));
  await expect(applyPlan(plan, world.deps)).rejects.toThrow('the policy cannot be carried out: 1 problem');
  expect(await entryIn(world, serviceId(1), one)).toBeUndefined();
  expect(await findUnfinishedApply(world.deps)).toEqual({});
});

/** Nothing is left to do by the file. */
async function isDone(world: TestEnv, document = busy): Promise<boolean> {
  const { changes } = await planned(world, document);
  const left = await entryIn(world, serviceId(2), one);
  return !changes.some(isMade) && left === undefined;
}

describe('an apply', () => {
  test('makes the table what the file says, and signs what it makes', async () => {
    const world = aBusyWorld();
    await follow(world, busy);
    expect(await entryIn(world, serviceId(1), one)).toMatchObject({
      maxEndpoints: 2,
      managedBy: 'file',
      changedBy: alice,
      changedAt: world.time.toISOString(),
    });
    expect(await entryIn(world, serviceId(1), two)).toBeUndefined();
    expect(await entryIn(world, serviceId(1), '300000000000')).toMatchObject({ effect: 'block' });
    expect(await registeredServices(world.deps)).toMatchObject([
      { name: 'orders', graceSeconds: 7200, managedBy: 'file' },
      { name: 'new', approvers: 'team', managedBy: 'file', registeredBy: alice },
    ]);
    expect(await findGroup('team', world.table)).toMatchObject({
      emails: ['alice@example.com'],
      managedBy: 'file',
    });
    expect(await findGroup('old', world.table)).toBeUndefined();
    expect(await findCustomer('acme', world.table)).toMatchObject({
      accounts: [one, two],
      managedBy: 'file',
    });
    expect([...world.subscriptions.keys()]).toEqual(['alice@example.com']);
    expect(await isDone(world)).toBe(true);
  });

  test('leaves alone what others look after', async () => {
    const world = aBusyWorld();
    await follow(world, aDocument({ ...busy, entries: [allowing(three)] }));
    expect(await entryIn(world, serviceId(1), three)).toMatchObject({ effect: 'block', version: 1 });
  });

  test('takes over what others look after where told', async () => {
    const world = aBusyWorld();
    await follow(world, aDocument({ ...busy, entries: [allowing(three)] }), true);
    expect(await entryIn(world, serviceId(1), three)).toMatchObject({ effect: 'allow', managedBy: 'file' });
  });

  test('says again that it is done where it is asked again', async () => {
    const world = aBusyWorld();
    const { plan } = await follow(world, busy);
    expect(await applyPlan(plan, world.deps)).toMatchObject({ status: 'done', warnings: [] });
  });

  test('does as much as there is time for, and goes on when it is called again', async () => {
    const world = aBusyWorld();
    const { plan } = await planned(world, busy);
    const short = { ...world.deps, table: slow(world), remaining: () => world.left };
    const states = [];
    for (let call = 0; call < 50; call++) {
      world.left = 15_000;
      const { status, done, of } = await applyPlan(plan, short);
      states.push(done);
      if (status === 'done') expect(done).toBe(of);
      if (status === 'done') break;
    }
    expect(states.length).toBeGreaterThan(3);
    expect(await isDone(world)).toBe(true);
  });

  test('moves an account between customers, and from one entry to another, without losing it', async () => {
    const world = aBusyWorld();
    await follow(
      world,
      aDocument({
        customers: [
          { name: 'a', accounts: [one] },
          { name: 'b', accounts: [two] },
        ],
      }),
    );
    await follow(
      world,
      aDocument({
        customers: [
          { name: 'a', accounts: [two] },
          { name: 'b', accounts: [one] },
        ],
      }),
    );
    expect(await findCustomer('a', world.table)).toMatchObject({ accounts: [two] });
    expect(await findCustomer('b', world.table)).toMatchObject({ accounts: [one] });
  });
});

/** A table each of whose writes takes a second. */
function slow(world: TestEnv): Table {
  return {
    ...world.table,
    async write(writes) {
      world.left -= 1_000;
      return world.table.write(writes);
    },
  };
}

describe('an apply is refused', () => {
  const moves: readonly [string, (world: TestEnv) => void, string][] = [
    [
      'an entry that it changes was changed',
      (world) => world.put(entryItem(anEntry({ accountId: one, version: 9 }))),
      `account ${one} at ${serviceId(1)}`,
    ],
    [
      'an entry that it leaves alone was changed',
      (world) => world.put(entryItem(anEntry({ accountId: three, version: 9 }))),
      `account ${three} at ${serviceId(1)}`,
    ],
    [
      'an entry was added',
      (world) => world.put(entryItem(anEntry({ serviceId: '*' }))),
      'account 022222222222 at *',
    ],
    [
      'a service was changed',
      (world) => world.put(serviceItem(aService({ managedBy: 'file', policyRevision: 9 }))),
      `service ${serviceId(1)}`,
    ],
  ];
  test.each(moves)('when %s since the plan was made', async (_name, move, moved) => {
    const world = aBusyWorld();
    const { plan } = await planned(world, busy);
    move(world);
    await expect(applied(plan, world.deps)).rejects.toMatchObject({ name: 'StalePlanError', moved: [moved] });
    expect(await entryIn(world, serviceId(1), '300000000000')).toBeUndefined();
    expect(await findUnfinishedApply(world.deps)).toEqual({});
  });

  test('not when linkgate only looked at a service again', async () => {
    const world = aBusyWorld();
    const { plan } = await planned(world, busy);
    world.put(serviceItem(aService({ managedBy: 'file', version: 9, checkedAt: world.time.toISOString() })));
    expect(await applied(plan, world.deps)).toMatchObject({ status: 'done' });
  });

  test('when an entry is changed while it runs, by name, and the others before it are made', async () => {
    const world = aBusyWorld();
    const { plan } = await planned(world, busy);
    const table = beforeWrite(world.table, 2, () =>
      world.put(
        entryItem(anEntry({ serviceId: serviceId(3), accountId: accounts[50] ?? '', effect: 'block' })),
      ),
    );
    await expect(applied(plan, { ...world.deps, table })).rejects.toMatchObject({
      moved: [`account ${accounts[50]} at ${serviceId(3)}`],
    });
    expect(await entryIn(world, serviceId(3), accounts[49] ?? '')).toBeDefined();
    expect(await entryIn(world, serviceId(3), accounts[51] ?? '')).toBeUndefined();
    expect(await findUnfinishedApply(world.deps)).toMatchObject({
      interrupted: { by: alice, done: expect.any(Number) },
    });
  });

  test('while another plan is applied', async () => {
    const world = aBusyWorld();
    const [first, second] = [await planned(world, busy), await planned(world, aDocument())];
    world.left = 14_500;
    await applyPlan(first.plan, { ...world.deps, table: slow(world), remaining: () => world.left });
    await expect(applied(second.plan, world.deps)).rejects.toMatchObject({ name: 'ApplyRunningError' });
  });
});

/** Does something right before the nth write, from the first one that carries more than one item on. */
function beforeWrite(table: Table, nth: number, act: () => void): Table {
  let writes = 0;
  return {
    ...table,
    async write(some) {
      if (some.length > 2 && ++writes === nth - 1) act();
      return table.write(some);
    },
  };
}

test.each([1, 2, 3, 5, 8])('of two applies at once one wins whole (interleaved by %s)', async (pace) => {
  const world = aBusyWorld();
  const other = aDocument({ ...busy, entries: [blocking(one), allowing(two)] });
  const plans = [await planned(world, busy), await planned(world, other)];
  let turn = 0;
  const yielding: Table = {
    ...world.table,
    async get(keys) {
      for (let step = 0; step < turn++ % pace; step++) await Promise.resolve();
      return world.table.get(keys);
    },
  };
  const results = await Promise.allSettled(
    plans.map(({ plan }) => applied(plan, { ...world.deps, table: yielding })),
  );
  const won = results.filter(({ status }) => status === 'fulfilled');
  expect(won).toHaveLength(1);
  const winner = results[0]?.status === 'fulfilled' ? busy : other;
  expect(await isDone(world, winner)).toBe(true);
});

describe('an apply that is killed at any moment', () => {
  /** Kills it at each of its calls in turn. */
  async function killedEverywhere(
    then: (world: TestEnv, isBegun: boolean) => Promise<void>,
    document = busy,
  ): Promise<number> {
    let kills = 0;
    for (const moment of ['before', 'after'] as const)
      for (let nth = 1; ; nth++) {
        const world = aBusyWorld();
        const { plan } = await planned(world, document);
        const { dyingTable, isKilled } = mortal(nth, moment);
        await applied(plan, { ...world.deps, table: dyingTable(world.table) }).catch(() => {});
        if (!isKilled()) break;
        kills++;
        world.wait(60);
        await then(world, (await findUnfinishedApply(world.deps)).interrupted !== undefined);
      }
    return kills;
  }

  test('is finished by the next apply of the file', async () => {
    const kills = await killedEverywhere(async (world) => {
      await follow(world, busy);
      expect(await isDone(world)).toBe(true);
      expect(await findUnfinishedApply(world.deps)).toEqual({});
    });
    expect(kills).toBeGreaterThan(20);
  });

  test('is finished by another call for its own plan', async () => {
    await killedEverywhere(async (world) => {
      const plan = await findPlan('id-1', world.deps);
      if (plan) await applied(plan, world.deps);
      expect(await isDone(world)).toBe(true);
    });
  });

  test.each(['its own plan', 'another'])(
    'has taken out a service and all of its entries by %s',
    async (which) => {
      const leaving = aDocument({
        groups: [{ name: 'old', quorum: 1, slackUsers: [], emails: [] }],
        services: [{ serviceId: serviceId(1), name: 'orders' }],
        entries: [allowing(one, { maxEndpoints: 1 }), allowing(two)],
      });
      const kills = await killedEverywhere(async (world) => {
        const plan = which === 'another' ? undefined : await findPlan('id-1', world.deps);
        if (plan) await applied(plan, world.deps);
        else await follow(world, leaving);
        expect(await isDone(world, leaving)).toBe(true);
        expect(await registeredServices(world.deps)).toMatchObject([{ name: 'orders' }]);
      }, leaving);
      expect(kills).toBeGreaterThan(5);
    },
  );

  test('is undone by the next apply of the former file', async () => {
    const former = aDocument({
      groups: [{ name: 'old', quorum: 1, slackUsers: [], emails: ['bob@example.com'] }],
      services: [
        { serviceId: serviceId(1), name: 'orders' },
        { serviceId: serviceId(2), name: 'leaving' },
      ],
      entries: [allowing(one, { maxEndpoints: 1 }), allowing(two), allowing(one, { service: 'leaving' })],
    });
    await killedEverywhere(async (world) => {
      await follow(world, former);
      const { changes } = await planned(world, former);
      expect(linesOf(changes.filter(({ kind }) => kind !== 'principal'))).toEqual([
        `left entry ${three} at orders`,
      ]);
      expect(await findUnfinishedApply(world.deps)).toEqual({});
    });
  });

  test('leaves no entry half written, and is shown until one comes to its end', async () => {
    let shown = 0;
    await killedEverywhere(async (world, isInterrupted) => {
      if (isInterrupted) shown++;
      const entry = await entryIn(world, serviceId(1), one);
      expect([1, 2]).toContain(entry?.maxEndpoints);
      expect(entry?.version === 1).toBe(entry?.maxEndpoints === 1);
    });
    expect(shown).toBeGreaterThan(10);
  });

  test('changes nothing more where it was only taken for dead', async () => {
    const world = aBusyWorld();
    const { plan } = await planned(world, busy);
    let isAsleep = true;
    const sleepy: Table = {
      ...world.table,
      async write(writes) {
        if (isAsleep && writes.length > 50) {
          isAsleep = false;
          world.wait(60);
          await follow(world, aDocument({ services: [{ name: 'orders' }, { name: 'leaving' }] }));
        }
        return world.table.write(writes);
      },
    };
    await expect(applied(plan, { ...world.deps, table: sleepy })).rejects.toMatchObject({
      name: 'ApplyRunningError',
    });
    expect(await entryIn(world, serviceId(3), accounts[9] ?? '')).toBeUndefined();
  });
});
