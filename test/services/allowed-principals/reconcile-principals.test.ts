import { describe, expect, test } from '@jest/globals';
import { type AllowlistEntry, entryItem, entryKey } from '../../../lib/allowlist/entry.ts';
import { ThrottledError } from '../../../lib/privatelink/connections.ts';
import { approvePrincipals } from '../../../lib/services/allowed-principals/approve.ts';
import type { ExternalAddition } from '../../../lib/services/allowed-principals/principal-history.ts';
import { reconcilePrincipals } from '../../../lib/services/allowed-principals/reconcile-principals.ts';
import type { Service } from '../../../lib/services/service.ts';
import { alice, anEntry, aService, consumer, noon, serviceId } from '../../builders.ts';
import { createTestEnv } from '../../doubles/test-env.ts';
import { fakeAllowedPrincipals } from './fake-allowed-principals.ts';

const root = `arn:aws:iam::${consumer}:root`;
const stranger = 'arn:aws:iam::333333333333:role/ServiceConsumerRole';
const organization = 'arn:aws:organizations::111111111111:organization/o-abc123';
const hour = 3600;

const observed = aService();
const managed = approvePrincipals(aService({ principals: 'managed' }), alice, noon);

function account(number: number): string {
  return String(500_000_000_000 + number);
}

function rootOf(number: number): string {
  return `arn:aws:iam::${account(number)}:root`;
}

function entriesFor(count: number): AllowlistEntry[] {
  return Array.from({ length: count }, (_, number) => anEntry({ accountId: account(number) }));
}

/** linkgate with these entries, beside EC2 with its principals. */
function situation(entries: readonly AllowlistEntry[], ec2 = fakeAllowedPrincipals()) {
  const env = createTestEnv({ entries });
  const rung: string[] = [];
  const deps = {
    ...env.deps,
    principalsClient: () => ec2,
    logChange: () => {},
    serviceCheckQueue: { enqueue: async (ids: readonly string[]) => void rung.push(...ids) },
  };
  return {
    env,
    ec2,
    rung,
    deps,
    async tend(service: Service, additions: readonly ExternalAddition[] = []) {
      const { principalDrift, principalsApproval } = await reconcilePrincipals(
        service,
        await ec2.list(service.serviceId),
        additions,
        deps,
      );
      return { drift: principalDrift, checks: principalDrift.map(({ check }) => check), principalsApproval };
    },
    async forget(accountId: string) {
      await env.table.write([{ remove: entryKey(serviceId(1), accountId) }]);
    },
  };
}

describe('principals that are only observed', () => {
  test('are left as they are, and the difference is told', async () => {
    const { tend, ec2 } = situation([anEntry()], fakeAllowedPrincipals([stranger]));
    const { drift } = await tend(observed);
    expect(drift).toMatchObject([
      { check: 'principals-are-missing', detail: expect.stringContaining(`${root} (account)`) },
      {
        check: 'principals-are-not-implied',
        detail: expect.stringContaining(
          `${stranger} (role), added by hand, by whom is unknown, first seen at 2026-11-21T12:00:00.000Z`,
        ),
      },
    ]);
    expect(ec2.calls).toEqual([]);
  });

  test('have nobody missing where everyone may ask', async () => {
    const { tend } = situation([anEntry()], fakeAllowedPrincipals(['*']));
    expect((await tend(observed)).checks).toEqual(['principals-are-not-implied']);
  });

  test('are in order when they are what the allowlist implies', async () => {
    const { tend } = situation([anEntry()], fakeAllowedPrincipals([consumer]));
    expect((await tend(observed)).drift).toEqual([]);
  });

  test('are told in the same words until something changes', async () => {
    const { tend, env } = situation([], fakeAllowedPrincipals([stranger]));
    const { drift } = await tend(observed);
    env.advanceSeconds(hour);
    expect((await tend(observed)).drift).toEqual(drift);
  });
});

describe('who added a principal by hand', () => {
  const addition = { principal: stranger, by: 'arn:aws:iam::111111111111:user/bob', at: noon.toISOString() };
  const told = `${stranger} (role), added by arn:aws:iam::111111111111:user/bob at 2026-11-21T12:00:00.000Z`;

  test('is told when the event comes with the first look', async () => {
    const { tend } = situation([], fakeAllowedPrincipals([stranger]));
    expect((await tend(observed, [addition])).drift[0]?.detail).toContain(told);
    expect((await tend(observed)).drift[0]?.detail).toContain(told);
  });

  test('is told when the event comes after the principal was seen', async () => {
    const { tend } = situation([], fakeAllowedPrincipals([stranger]));
    await tend(observed);
    expect((await tend(observed, [addition])).drift[0]?.detail).toContain(told);
  });

  test('is told when the event comes before EC2 shows the principal', async () => {
    const { tend, ec2 } = situation([]);
    expect((await tend(observed, [addition])).drift).toEqual([]);
    ec2.add(stranger);
    expect((await tend(observed)).drift[0]?.detail).toContain(told);
  });

  test('is forgotten where EC2 never shows it', async () => {
    const { tend, ec2, env } = situation([]);
    await tend(observed, [addition]);
    env.advanceSeconds(2 * hour);
    await tend(observed);
    ec2.add(stranger);
    expect((await tend(observed)).drift[0]?.detail).toContain('by whom is unknown');
  });
});

describe('managed principals', () => {
  test('are left alone until a person has approved a plan of them', async () => {
    const { tend, ec2 } = situation([anEntry()]);
    const { checks } = await tend(aService({ principals: 'managed' }));
    expect(checks).toEqual(['principals-are-missing', 'principals-await-approval']);
    expect(ec2.calls).toEqual([]);
  });

  test('follow the allowlist, both ways and at once', async () => {
    const { tend, ec2, env, forget } = situation([anEntry()]);
    expect((await tend(managed)).drift).toEqual([]);
    expect(ec2.now()).toEqual([root]);
    env.put(entryItem(anEntry({ accountId: account(1) })));
    await forget(consumer);
    expect((await tend(managed)).drift).toEqual([]);
    expect(ec2.now()).toEqual([rootOf(1)]);
  });

  test('that somebody added by hand go after the grace period, and no sooner', async () => {
    const { tend, ec2, env } = situation([anEntry()], fakeAllowedPrincipals([root, stranger]));
    const service = { ...managed, graceSeconds: hour };
    expect((await tend(service)).drift[0]?.detail).toContain('goes at 2026-11-21T13:00:00.000Z');
    env.advanceSeconds(hour - 1);
    await tend(service);
    expect(ec2.now()).toEqual([root, stranger]);
    env.advanceSeconds(1);
    expect((await tend(service)).drift).toEqual([]);
    expect(ec2.now()).toEqual([root]);
  });

  test('that were found long ago stay for the grace period after a person approved', async () => {
    const { tend, ec2, env } = situation([], fakeAllowedPrincipals([stranger]));
    await tend(observed);
    env.advanceSeconds(1000 * hour);
    await tend(approvePrincipals(managed, alice, env.time));
    expect(ec2.now()).toEqual([stranger]);
  });

  test('that somebody added by hand go after the grace period however often a person approves', async () => {
    const { tend, ec2, env } = situation([], fakeAllowedPrincipals([stranger]));
    const service = { ...managed, graceSeconds: 2 * hour };
    for (let passed = 0; passed <= 2; passed++) {
      await tend(approvePrincipals(service, alice, env.time, 1));
      env.advanceSeconds(hour);
    }
    expect(ec2.now()).toEqual([]);
  });

  test('that somebody added by hand have the grace period anew when the management was broken off', async () => {
    const { tend, ec2, env } = situation([], fakeAllowedPrincipals([stranger]));
    const service = { ...managed, graceSeconds: 2 * hour };
    await tend(service);
    await tend(observed);
    env.advanceSeconds(3 * hour);
    await tend(approvePrincipals(service, alice, env.time));
    expect(ec2.now()).toEqual([stranger]);
  });

  test.each([
    ['the mode is observe', managed, 'observe'],
    ['the service is paused', { ...managed, pausedAt: noon.toISOString() }, 'enforce'],
    ['the service is being taken out', { ...managed, deregisteringAt: noon.toISOString() }, 'enforce'],
  ] as const)('stay as they are while %s', async (_why, service, mode) => {
    const { tend, ec2, env } = situation([anEntry()]);
    env.mode = mode;
    expect((await tend(service)).checks).toEqual(['principals-are-missing']);
    expect(ec2.calls).toEqual([]);
  });

  test('stay as they are where one entry cannot be read', async () => {
    const { tend, ec2, env, forget } = situation([anEntry(), anEntry({ accountId: account(1) })]);
    await tend(managed);
    await forget(account(1));
    env.put({ ...entryItem(anEntry()), schemaVersion: '2.0' });
    await expect(tend(managed)).rejects.toThrow('has the schema version 2.0');
    expect(ec2.now()).toEqual([root, rootOf(1)]);
  });

  test('stay as they are where a page of the allowlist is missing', async () => {
    const { deps, ec2 } = situation([], fakeAllowedPrincipals([root]));
    const broken = {
      ...deps.table,
      query() {
        throw new Error('the table is away');
      },
    };
    await expect(
      reconcilePrincipals(managed, [root], [], { ...deps, table: { ...deps.table, ...broken } }),
    ).rejects.toThrow('the table is away');
    expect(ec2.now()).toEqual([root]);
  });

  test('do not go where most of them would at once, until a person has seen it', async () => {
    const { tend, ec2, forget } = situation(entriesFor(20));
    await tend(managed);
    for (let number = 0; number < 15; number++) await forget(account(number));
    const { drift } = await tend(managed);
    expect(drift).toContainEqual({
      check: 'principals-are-withheld',
      detail: expect.stringContaining('15 of 20 allowed principals would go at once'),
    });
    expect(ec2.now()).toHaveLength(20);
    const { checks, principalsApproval } = await tend(approvePrincipals(managed, alice, noon, 15));
    expect(checks).toEqual([]);
    expect(ec2.now()).toHaveLength(5);
    // What was agreed to is used up.
    expect(principalsApproval).toEqual({ by: alice, at: noon.toISOString() });
  });

  test('that a person has seen go are these, and no others later', async () => {
    const { tend, ec2, forget } = situation(entriesFor(30), fakeAllowedPrincipals([stranger]));
    await tend(managed);
    for (let number = 0; number < 18; number++) await forget(account(number));
    // The one that was added by hand has its grace period.
    const { principalsApproval } = await tend(approvePrincipals(managed, alice, noon, 19));
    expect(ec2.now()).toHaveLength(13);
    const later = { ...managed, ...(principalsApproval && { principalsApproval }) };
    for (let number = 18; number < 26; number++) await forget(account(number));
    expect((await tend(later)).checks).toContain('principals-are-withheld');
    expect(ec2.now()).toHaveLength(13);
  });

  test('that a person has seen go do so after the grace period, most of them though they are', async () => {
    const strangers = Array.from({ length: 15 }, (_, number) => `${stranger}${number}`);
    const { tend, ec2, env } = situation([anEntry()], fakeAllowedPrincipals([root, ...strangers]));
    const service = { ...managed, graceSeconds: hour };
    await tend(approvePrincipals(service, alice, noon, 15));
    expect(ec2.now()).toHaveLength(16);
    env.advanceSeconds(hour);
    expect((await tend(service)).checks).toEqual([]);
    expect(ec2.now()).toEqual([root]);
  });

  test('do not go where more would than a person has seen', async () => {
    const { tend, ec2, forget } = situation(entriesFor(20));
    await tend(managed);
    for (let number = 0; number < 15; number++) await forget(account(number));
    const { checks } = await tend(approvePrincipals(managed, alice, noon, 14));
    expect(checks).toContain('principals-are-withheld');
    expect(ec2.now()).toHaveLength(20);
  });

  test('are remembered as somebody else’s where the table lost all it knew, so that none goes at once', async () => {
    const { tend, ec2 } = situation(
      [],
      fakeAllowedPrincipals(entriesFor(20).map((_, number) => rootOf(number))),
    );
    await tend(managed);
    expect(ec2.now()).toHaveLength(20);
  });

  test('follow an entry that comes while EC2 is being called', async () => {
    const { tend, ec2, env, forget } = situation([anEntry()]);
    await tend(managed);
    await forget(consumer);
    const { disallow } = ec2;
    ec2.disallow = async (...args) => {
      env.put(entryItem(anEntry({ version: 7 })));
      await disallow(...args);
    };
    expect((await tend(managed)).drift).toEqual([]);
    expect(ec2.now()).toEqual([root]);
  });

  test('are asked of EC2 once a run where EC2 is late to show them', async () => {
    const { tend, ec2 } = situation([anEntry()]);
    ec2.list = async () => [];
    expect((await tend(managed)).checks).toEqual(['principals-are-missing']);
    expect(ec2.calls).toEqual(['allow 1']);
  });
});

describe('a principal that EC2 does not take', () => {
  test('keeps no other from being allowed', async () => {
    const { tend, ec2 } = situation(entriesFor(60), fakeAllowedPrincipals([], { bad: [rootOf(7)] }));
    const { drift } = await tend(managed);
    expect(drift).toEqual([
      {
        check: 'principals-are-refused',
        detail: `EC2 refused to change these principals: ${rootOf(7)} (account), InvalidPrincipal: Invalid Principal: '${rootOf(7)}'`,
      },
    ]);
    expect(ec2.now()).toHaveLength(59);
  });

  test('is tried again a day later', async () => {
    const { tend, ec2, env } = situation([anEntry()], fakeAllowedPrincipals([], { bad: [root] }));
    for (const wait of [0, hour, 24 * hour]) {
      env.advanceSeconds(wait);
      await tend(managed);
    }
    expect(ec2.calls).toEqual(['allow 1', 'allow 1']);
  });

  test('is told why where it is an organization, and not tried again until the settings change', async () => {
    const { tend, ec2, env } = situation([], fakeAllowedPrincipals([], { bad: [organization] }));
    const service = { ...managed, otherPrincipals: [organization] };
    expect((await tend(service)).drift).toMatchObject([
      {
        check: 'principals-are-refused',
        detail: expect.stringContaining('AWS documents no way to allow an organization'),
      },
    ]);
    env.advanceSeconds(1000 * hour);
    expect((await tend(service)).checks).toEqual(['principals-are-refused']);
    expect(ec2.calls).toEqual(['allow 1']);
    await tend({ ...service, changedAt: env.time.toISOString() });
    expect(ec2.calls).toEqual(['allow 1', 'allow 1']);
  });
});

describe('ten thousand entries', () => {
  test('are held against EC2 in few calls', async () => {
    const { tend, ec2 } = situation(entriesFor(10_000));
    expect((await tend(managed)).drift).toEqual([]);
    expect(ec2.calls).toHaveLength(200);
    await tend(managed);
    expect(ec2.calls).toHaveLength(200);
  });

  test('that do not fit into one run are finished by the next', async () => {
    const { tend, ec2, rung, env } = situation(entriesFor(10_000));
    env.remainingMs = 20_000;
    await tend(managed);
    expect(rung).toEqual([serviceId(1)]);
    const first = ec2.now().length;
    expect(first).toBeGreaterThan(0);
    env.remainingMs = 90_000;
    expect((await tend(managed)).drift).toEqual([]);
    expect(ec2.now()).toHaveLength(10_000);
  });
});

test('a call that EC2 throttles is left to a later run', async () => {
  const { tend, ec2, rung } = situation([anEntry()]);
  ec2.allow = async () => {
    throw new ThrottledError('slow down');
  };
  expect((await tend(managed)).checks).toEqual(['principals-are-missing']);
  expect(rung).toEqual([serviceId(1)]);
});
