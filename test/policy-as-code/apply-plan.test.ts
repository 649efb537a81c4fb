import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { findGroup } from '../../lib/approvers/approver-group.ts';
import { customerEntity, customerKey } from '../../lib/customers/customer.ts';
import { findUnfinishedApply } from '../../lib/policy-as-code/apply-lease.ts';
import { applyPlan } from '../../lib/policy-as-code/apply-plan.ts';
import { isApplicable } from '../../lib/policy-as-code/change.ts';
import { findPlan } from '../../lib/policy-as-code/plan.ts';
import { listRegisteredServices } from '../../lib/services/registered-services.ts';
import { serviceItem } from '../../lib/services/service.ts';
import type { Item, Table } from '../../lib/storage/table.ts';
import { aConfiguration, aGroup, alice, anEntry, aService, serviceId } from '../builders.ts';
import { createCrashingProcess } from '../doubles/crash-injection.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import {
  aDocument,
  allowEntry,
  applyToEnd,
  blockEntry,
  findEntry,
  formatChanges,
  planAndApply,
  planDocument,
} from './fixtures.ts';

const accounts = Array.from({ length: 200 }, (_, index) => String(200_000_000_000 + index));
const [one = '', two = '', three = ''] = accounts;
const people = { quorum: 1, slackUsers: [], emails: ['alice@example.com'] };

/** A table with an item of each kind to add, to change and to remove. */
function createBusyEnv() {
  const env = createTestEnv({
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
    env.services.setConfiguration(aConfiguration({ serviceId: serviceId(number), principals: [] }));
  return env;
}

const busy = aDocument({
  groups: [{ name: 'team', ...people }],
  services: [
    { serviceId: serviceId(1), name: 'orders', graceSeconds: 7200 },
    { serviceId: serviceId(3), name: 'new', approvers: 'team' },
  ],
  customers: [{ name: 'acme', accounts: [one, two], contact: { email: 'it@acme.example' } }],
  entries: [
    allowEntry(one, { maxEndpoints: 2 }),
    blockEntry('300000000000'),
    ...accounts.slice(3).map((account) => allowEntry(account, { service: 'new' })),
  ],
});

test.each([
  ['a number', { entries: [allowEntry(one), allowEntry(two, { maxEndpoints: 2 ** 60 })] }],
  ['a note', { entries: [allowEntry(one), allowEntry(two, { note: 'half \ud83d' })] }],
])(
  'an apply of a plan with %s that the table cannot store fails and changes nothing',
  async (_what, document) => {
    const env = createTestEnv({ services: [aService({ managedBy: 'file' })] });
    const { plan } = await planDocument(env, aDocument({ services: [{ name: 'orders' }], ...document }));
    await expect(applyPlan(plan, env.deps)).rejects.toThrow('the policy cannot be applied: 1 problem');
    expect(await findEntry(env, serviceId(1), one)).toBeUndefined();
    expect(await findUnfinishedApply(env.deps)).toEqual({});
  },
);

/** Whether the table equals the file. */
async function isApplied(env: TestEnv, document = busy): Promise<boolean> {
  const { changes } = await planDocument(env, document);
  const removedEntry = await findEntry(env, serviceId(2), one);
  return !changes.some(isApplicable) && removedEntry === undefined;
}

describe('an apply', () => {
  test('makes the table equal to the file, and records who applied it', async () => {
    const env = createBusyEnv();
    await planAndApply(env, busy);
    expect(await findEntry(env, serviceId(1), one)).toMatchObject({
      maxEndpoints: 2,
      managedBy: 'file',
      changedBy: alice,
      changedAt: env.time.toISOString(),
    });
    expect(await findEntry(env, serviceId(1), two)).toBeUndefined();
    expect(await findEntry(env, serviceId(1), '300000000000')).toMatchObject({ effect: 'block' });
    expect(await listRegisteredServices(env.deps)).toMatchObject([
      { name: 'orders', graceSeconds: 7200, managedBy: 'file' },
      { name: 'new', approvers: 'team', managedBy: 'file', registeredBy: alice },
    ]);
    expect(await findGroup('team', env.table)).toMatchObject({
      emails: ['alice@example.com'],
      managedBy: 'file',
    });
    expect(await findGroup('old', env.table)).toBeUndefined();
    expect(await customerEntity.find(customerKey('acme'), env.table)).toMatchObject({
      accounts: [one, two],
      managedBy: 'file',
    });
    expect([...env.subscriptions.keys()]).toEqual(['alice@example.com']);
    expect(await isApplied(env)).toBe(true);
  });

  test.each([
    ['does not change', false, { effect: 'block', version: 1 }],
    ['takes over', true, { effect: 'allow', managedBy: 'file' }],
  ])('%s an item that others manage, with --take-ownership %s', async (_what, takeOwnership, entry) => {
    const env = createBusyEnv();
    await planAndApply(env, aDocument({ ...busy, entries: [allowEntry(three)] }), takeOwnership);
    expect(await findEntry(env, serviceId(1), three)).toMatchObject(entry);
  });

  test('answers `done` when it is called again after its end', async () => {
    const env = createBusyEnv();
    const { plan } = await planAndApply(env, busy);
    expect(await applyPlan(plan, env.deps)).toMatchObject({ status: 'done', warnings: [] });
  });

  test('applies as many changes as its time allows, and continues when it is called again', async () => {
    const env = createBusyEnv();
    const { plan } = await planDocument(env, busy);
    const short = { ...env.deps, table: slow(env), remainingMs: () => env.remainingMs };
    const states = [];
    for (let call = 0; call < 50; call++) {
      env.remainingMs = 15_000;
      const { status, done, of } = await applyPlan(plan, short);
      states.push(done);
      if (status === 'done') expect(done).toBe(of);
      if (status === 'done') break;
    }
    expect(states.length).toBeGreaterThan(3);
    expect(await isApplied(env)).toBe(true);
  });

  test('moves accounts from one customer to another in both directions', async () => {
    const env = createBusyEnv();
    for (const [first, second] of [
      [one, two],
      [two, one],
    ]) {
      const customers = [
        { name: 'a', accounts: [first ?? ''] },
        { name: 'b', accounts: [second ?? ''] },
      ];
      await planAndApply(env, aDocument({ customers }));
      expect(await customerEntity.find(customerKey('a'), env.table)).toMatchObject({ accounts: [first] });
      expect(await customerEntity.find(customerKey('b'), env.table)).toMatchObject({ accounts: [second] });
    }
  });
});

/** A table each of whose writes takes a second. */
function slow(env: TestEnv): Table {
  return {
    ...env.table,
    async write(writes) {
      env.remainingMs -= 1_000;
      return env.table.write(writes);
    },
  };
}

describe('an apply of a plan', () => {
  const moves: readonly [what: string, item: Item, name: string][] = [
    [
      'an entry of the plan was changed',
      entryItem(anEntry({ accountId: one, version: 9 })),
      `account ${one} at ${serviceId(1)}`,
    ],
    [
      'another entry was changed',
      entryItem(anEntry({ accountId: three, version: 9 })),
      `account ${three} at ${serviceId(1)}`,
    ],
    ['an entry was added', entryItem(anEntry({ serviceId: '*' })), 'account 022222222222 at *'],
    [
      'a service was changed',
      serviceItem(aService({ managedBy: 'file', policyRevision: 9 })),
      `service ${serviceId(1)}`,
    ],
  ];
  test.each(moves)('is refused if %s since the plan was made', async (_what, item, name) => {
    const env = createBusyEnv();
    const { plan } = await planDocument(env, busy);
    env.put(item);
    await expect(applyToEnd(plan, env.deps)).rejects.toMatchObject({
      name: 'StalePlanError',
      changedItems: [name],
    });
    expect(await findEntry(env, serviceId(1), '300000000000')).toBeUndefined();
    expect(await findUnfinishedApply(env.deps)).toEqual({});
  });

  test('is not refused if linkgate only checked a service since the plan was made', async () => {
    const env = createBusyEnv();
    const { plan } = await planDocument(env, busy);
    env.put(serviceItem(aService({ managedBy: 'file', version: 9, checkedAt: env.time.toISOString() })));
    expect(await applyToEnd(plan, env.deps)).toMatchObject({ status: 'done' });
  });

  test('stops at an entry that changed during the apply, and names it', async () => {
    const env = createBusyEnv();
    const { plan } = await planDocument(env, busy);
    const table = beforeWrite(env.table, 2, () =>
      env.put(
        entryItem(anEntry({ serviceId: serviceId(3), accountId: accounts[50] ?? '', effect: 'block' })),
      ),
    );
    await expect(applyToEnd(plan, { ...env.deps, table })).rejects.toMatchObject({
      changedItems: [`account ${accounts[50]} at ${serviceId(3)}`],
    });
    expect(await findEntry(env, serviceId(3), accounts[49] ?? '')).toBeDefined();
    expect(await findEntry(env, serviceId(3), accounts[51] ?? '')).toBeUndefined();
    expect(await findUnfinishedApply(env.deps)).toMatchObject({
      interrupted: { by: alice, done: expect.any(Number) },
    });
  });

  test('is refused while another plan is applied', async () => {
    const env = createBusyEnv();
    const [first, second] = [await planDocument(env, busy), await planDocument(env, aDocument())];
    env.remainingMs = 14_500;
    await applyPlan(first.plan, { ...env.deps, table: slow(env), remainingMs: () => env.remainingMs });
    await expect(applyToEnd(second.plan, env.deps)).rejects.toMatchObject({ name: 'ApplyRunningError' });
  });
});

/** Runs a callback right before the nth write, counted from the first write of more than one item. */
function beforeWrite(table: Table, nth: number, interfere: () => void): Table {
  let writes = 0;
  return {
    ...table,
    async write(some) {
      if (some.length > 2 && ++writes === nth - 1) interfere();
      return table.write(some);
    },
  };
}

test.each([1, 2, 3, 5, 8])(
  'of two concurrent applies, one fails and the other makes the table equal to its file (interleaved by %s)',
  async (pace) => {
    const env = createBusyEnv();
    const other = aDocument({ ...busy, entries: [blockEntry(one), allowEntry(two)] });
    const plans = [await planDocument(env, busy), await planDocument(env, other)];
    let turn = 0;
    const yielding: Table = {
      ...env.table,
      async get(keys) {
        for (let step = 0; step < turn++ % pace; step++) await Promise.resolve();
        return env.table.get(keys);
      },
    };
    const results = await Promise.allSettled(
      plans.map(({ plan }) => applyToEnd(plan, { ...env.deps, table: yielding })),
    );
    const won = results.filter(({ status }) => status === 'fulfilled');
    expect(won).toHaveLength(1);
    const winner = results[0]?.status === 'fulfilled' ? busy : other;
    expect(await isApplied(env, winner)).toBe(true);
  },
);

describe('an interrupted apply', () => {
  /** Runs an apply once for each of its calls, and lets it crash there. */
  async function killedEverywhere(
    then: (env: TestEnv, isBegun: boolean) => Promise<void>,
    document = busy,
  ): Promise<number> {
    let kills = 0;
    for (const moment of ['before', 'after'] as const)
      for (let nth = 1; ; nth++) {
        const env = createBusyEnv();
        const { plan } = await planDocument(env, document);
        const { crashingTable, hasCrashed } = createCrashingProcess(nth, moment);
        await applyToEnd(plan, { ...env.deps, table: crashingTable(env.table) }).catch(() => {});
        if (!hasCrashed()) break;
        kills++;
        env.advanceSeconds(60);
        await then(env, (await findUnfinishedApply(env.deps)).interrupted !== undefined);
      }
    return kills;
  }

  test('that crashed at any call leaves each entry as before or as after its change, and the next apply of the file completes it', async () => {
    let interruptedCount = 0;
    const kills = await killedEverywhere(async (env, isInterrupted) => {
      if (isInterrupted) interruptedCount++;
      const entry = await findEntry(env, serviceId(1), one);
      expect([1, 2]).toContain(entry?.maxEndpoints);
      expect(entry?.version === 1).toBe(entry?.maxEndpoints === 1);
      await planAndApply(env, busy);
      expect(await isApplied(env)).toBe(true);
      expect(await findUnfinishedApply(env.deps)).toEqual({});
    });
    expect(kills).toBeGreaterThan(20);
    expect(interruptedCount).toBeGreaterThan(10);
  });

  test('that crashed at any call is completed by another call for the same plan', async () => {
    await killedEverywhere(async (env) => {
      const plan = await findPlan('id-1', env.deps);
      if (plan) await applyToEnd(plan, env.deps);
      expect(await isApplied(env)).toBe(true);
    });
  });

  test.each(['its own plan', 'another'])(
    'leaves nothing of a removed service after the apply of %s',
    async (planToApply) => {
      const leaving = aDocument({
        groups: [{ name: 'old', quorum: 1, slackUsers: [], emails: [] }],
        services: [{ serviceId: serviceId(1), name: 'orders' }],
        entries: [allowEntry(one, { maxEndpoints: 1 }), allowEntry(two)],
      });
      const kills = await killedEverywhere(async (env) => {
        const plan = planToApply === 'another' ? undefined : await findPlan('id-1', env.deps);
        if (plan) await applyToEnd(plan, env.deps);
        else await planAndApply(env, leaving);
        expect(await isApplied(env, leaving)).toBe(true);
        expect(await listRegisteredServices(env.deps)).toMatchObject([{ name: 'orders' }]);
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
      entries: [
        allowEntry(one, { maxEndpoints: 1 }),
        allowEntry(two),
        allowEntry(one, { service: 'leaving' }),
      ],
    });
    await killedEverywhere(async (env) => {
      await planAndApply(env, former);
      const { changes } = await planDocument(env, former);
      expect(formatChanges(changes.filter(({ kind }) => kind !== 'principal'))).toEqual([
        `unmanaged entry ${three} at orders`,
      ]);
      expect(await findUnfinishedApply(env.deps)).toEqual({});
    });
  });

  test('that was only slow changes nothing more after another apply took over', async () => {
    const env = createBusyEnv();
    const { plan } = await planDocument(env, busy);
    let isAsleep = true;
    const sleepy: Table = {
      ...env.table,
      async write(writes) {
        if (isAsleep && writes.length > 50) {
          isAsleep = false;
          env.advanceSeconds(60);
          await planAndApply(env, aDocument({ services: [{ name: 'orders' }, { name: 'leaving' }] }));
        }
        return env.table.write(writes);
      },
    };
    await expect(applyToEnd(plan, { ...env.deps, table: sleepy })).rejects.toMatchObject({
      name: 'ApplyRunningError',
    });
    expect(await findEntry(env, serviceId(3), accounts[9] ?? '')).toBeUndefined();
  });
});
