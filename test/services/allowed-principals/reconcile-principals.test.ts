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
const externalPrincipal = 'arn:aws:iam::333333333333:role/ServiceConsumerRole';
const organization = 'arn:aws:organizations::111111111111:organization/o-abc123';
const hour = 3600;

const observed = aService();
const managed = approvePrincipals(aService({ principals: 'managed' }), alice, noon);

function account(number: number): string {
  return String(500_000_000_000 + number);
}

function rootArn(number: number): string {
  return `arn:aws:iam::${account(number)}:root`;
}

function createEntries(count: number): AllowlistEntry[] {
  return Array.from({ length: count }, (_, number) => anEntry({ accountId: account(number) }));
}

/** A test environment with these entries, and with the allowed principals of EC2, which refuses the bad ones. */
function createReconcileEnv(
  entries: readonly AllowlistEntry[],
  principals: readonly string[] = [],
  bad: readonly string[] = [],
) {
  const ec2 = fakeAllowedPrincipals(principals, { bad });
  const env = createTestEnv({ entries });
  const enqueuedIds: string[] = [];
  const deps = {
    ...env.deps,
    principalsClient: () => ec2,
    logChange: () => {},
    serviceCheckQueue: { enqueue: async (ids: readonly string[]) => void enqueuedIds.push(...ids) },
  };
  return {
    env,
    ec2,
    enqueuedIds,
    deps,
    async reconcile(service: Service, additions: readonly ExternalAddition[] = []) {
      const { drift, principalsApproval } = await reconcilePrincipals(
        service,
        await ec2.list(service.serviceId),
        additions,
        deps,
      );
      return { drift, checks: drift.map(({ check }) => check), principalsApproval };
    },
    async removeEntry(accountId: string) {
      await env.table.write([{ remove: entryKey(serviceId(1), accountId) }]);
    },
  };
}

describe('observed principals', () => {
  test('stay unchanged, and the difference is drift', async () => {
    const { reconcile, ec2 } = createReconcileEnv([anEntry()], [externalPrincipal]);
    const { drift } = await reconcile(observed);
    expect(drift).toMatchObject([
      { check: 'principals-are-missing', detail: expect.stringContaining(`${root} (account)`) },
      {
        check: 'principals-not-in-allowlist',
        detail: expect.stringContaining(
          `${externalPrincipal} (role), added outside linkgate by an unknown user, first seen at 2026-11-21T12:00:00.000Z`,
        ),
      },
    ]);
    expect(ec2.calls).toEqual([]);
  });

  test('lack no account of the allowlist if `*` is one of them', async () => {
    const { reconcile } = createReconcileEnv([anEntry()], ['*']);
    expect((await reconcile(observed)).checks).toEqual(['principals-not-in-allowlist']);
  });

  test('have no drift if they equal the allowlist', async () => {
    const { reconcile } = createReconcileEnv([anEntry()], [consumer]);
    expect((await reconcile(observed)).drift).toEqual([]);
  });

  test('have the same drift text until something changes', async () => {
    const { reconcile, env } = createReconcileEnv([], [externalPrincipal]);
    const { drift } = await reconcile(observed);
    env.advanceSeconds(hour);
    expect((await reconcile(observed)).drift).toEqual(drift);
  });
});

describe('the author of an external addition', () => {
  const addition = {
    principal: externalPrincipal,
    by: 'arn:aws:iam::111111111111:user/bob',
    at: noon.toISOString(),
  };
  const additionText = `${externalPrincipal} (role), added by arn:aws:iam::111111111111:user/bob at 2026-11-21T12:00:00.000Z`;

  test.each([
    ['with the first check', [addition], []],
    ['after the principal was found', [], [addition]],
  ])('is known if the CloudTrail event arrives %s', async (_when, first, second) => {
    const { reconcile } = createReconcileEnv([], [externalPrincipal]);
    await reconcile(observed, first);
    expect((await reconcile(observed, second)).drift[0]?.detail).toContain(additionText);
    expect((await reconcile(observed)).drift[0]?.detail).toContain(additionText);
  });

  test('is known if the CloudTrail event arrives before EC2 lists the principal', async () => {
    const { reconcile, ec2 } = createReconcileEnv([]);
    expect((await reconcile(observed, [addition])).drift).toEqual([]);
    ec2.add(externalPrincipal);
    expect((await reconcile(observed)).drift[0]?.detail).toContain(additionText);
  });

  test('is dropped if EC2 never lists the principal', async () => {
    const { reconcile, ec2, env } = createReconcileEnv([]);
    await reconcile(observed, [addition]);
    env.advanceSeconds(2 * hour);
    await reconcile(observed);
    ec2.add(externalPrincipal);
    expect((await reconcile(observed)).drift[0]?.detail).toContain('by an unknown user');
  });
});

describe('managed principals', () => {
  test('stay unchanged until a person has approved a plan', async () => {
    const { reconcile, ec2 } = createReconcileEnv([anEntry()]);
    const { checks } = await reconcile(aService({ principals: 'managed' }));
    expect(checks).toEqual(['principals-are-missing', 'principals-pending-approval']);
    expect(ec2.calls).toEqual([]);
  });

  test('are added and removed with the allowlist, at once', async () => {
    const { reconcile, ec2, env, removeEntry } = createReconcileEnv([anEntry()]);
    expect((await reconcile(managed)).drift).toEqual([]);
    expect(ec2.now()).toEqual([root]);
    env.put(entryItem(anEntry({ accountId: account(1) })));
    await removeEntry(consumer);
    expect((await reconcile(managed)).drift).toEqual([]);
    expect(ec2.now()).toEqual([rootArn(1)]);
  });

  test('that were added outside linkgate are removed after the grace period, and not earlier', async () => {
    const { reconcile, ec2, env } = createReconcileEnv([anEntry()], [root, externalPrincipal]);
    const service = { ...managed, graceSeconds: hour };
    expect((await reconcile(service)).drift[0]?.detail).toContain(
      'will be removed at 2026-11-21T13:00:00.000Z',
    );
    env.advanceSeconds(hour - 1);
    await reconcile(service);
    expect(ec2.now()).toEqual([root, externalPrincipal]);
    env.advanceSeconds(1);
    expect((await reconcile(service)).drift).toEqual([]);
    expect(ec2.now()).toEqual([root]);
  });

  test('that were added outside linkgate before the approval are removed after a grace period from the approval on', async () => {
    const { reconcile, ec2, env } = createReconcileEnv([], [externalPrincipal]);
    await reconcile(observed);
    env.advanceSeconds(1000 * hour);
    await reconcile(approvePrincipals(managed, alice, env.time));
    expect(ec2.now()).toEqual([externalPrincipal]);
  });

  test('that were added outside linkgate get no further grace period by a later approval', async () => {
    const { reconcile, ec2, env } = createReconcileEnv([], [externalPrincipal]);
    const service = { ...managed, graceSeconds: 2 * hour };
    for (let hoursPassed = 0; hoursPassed <= 2; hoursPassed++) {
      await reconcile(approvePrincipals(service, alice, env.time, 1));
      env.advanceSeconds(hour);
    }
    expect(ec2.now()).toEqual([]);
  });

  test('that were added outside linkgate get a new grace period after the management was interrupted', async () => {
    const { reconcile, ec2, env } = createReconcileEnv([], [externalPrincipal]);
    const service = { ...managed, graceSeconds: 2 * hour };
    await reconcile(service);
    await reconcile(observed);
    env.advanceSeconds(3 * hour);
    await reconcile(approvePrincipals(service, alice, env.time));
    expect(ec2.now()).toEqual([externalPrincipal]);
  });

  test.each([
    ['the mode is observe', managed, 'observe'],
    ['the service is paused', { ...managed, pausedAt: noon.toISOString() }, 'enforce'],
    ['the service is being deregistered', { ...managed, deregisteringAt: noon.toISOString() }, 'enforce'],
  ] as const)('stay unchanged while %s', async (_why, service, mode) => {
    const { reconcile, ec2, env } = createReconcileEnv([anEntry()]);
    env.mode = mode;
    expect((await reconcile(service)).checks).toEqual(['principals-are-missing']);
    expect(ec2.calls).toEqual([]);
  });

  test('stay unchanged if an entry cannot be read', async () => {
    const { reconcile, ec2, env, removeEntry } = createReconcileEnv([
      anEntry(),
      anEntry({ accountId: account(1) }),
    ]);
    await reconcile(managed);
    await removeEntry(account(1));
    env.put({ ...entryItem(anEntry()), schemaVersion: '2.0' });
    await expect(reconcile(managed)).rejects.toThrow('has the schema version 2.0');
    expect(ec2.now()).toEqual([root, rootArn(1)]);
  });

  test('stay unchanged if a page of the allowlist cannot be read', async () => {
    const { deps, ec2 } = createReconcileEnv([], [root]);
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

  test('are not removed if that would remove most of them, until a person approves', async () => {
    const { reconcile, ec2, removeEntry } = createReconcileEnv(createEntries(20));
    await reconcile(managed);
    for (let number = 0; number < 15; number++) await removeEntry(account(number));
    const { drift } = await reconcile(managed);
    expect(drift).toContainEqual({
      check: 'principals-removal-blocked',
      detail: expect.stringContaining('15 of 20 allowed principals would be removed at once'),
    });
    expect(ec2.now()).toHaveLength(20);
    const { checks, principalsApproval } = await reconcile(approvePrincipals(managed, alice, noon, 15));
    expect(checks).toEqual([]);
    expect(ec2.now()).toHaveLength(5);
    // The removal uses up the approved number.
    expect(principalsApproval).toEqual({ by: alice, at: noon.toISOString() });
  });

  test('are covered by an approval only if the plan showed them', async () => {
    const { reconcile, ec2, removeEntry } = createReconcileEnv(createEntries(30), [externalPrincipal]);
    await reconcile(managed);
    for (let number = 0; number < 18; number++) await removeEntry(account(number));
    // The externally added principal has its grace period.
    const { principalsApproval } = await reconcile(approvePrincipals(managed, alice, noon, 19));
    expect(ec2.now()).toHaveLength(13);
    const later = { ...managed, ...(principalsApproval && { principalsApproval }) };
    for (let number = 18; number < 26; number++) await removeEntry(account(number));
    expect((await reconcile(later)).checks).toContain('principals-removal-blocked');
    expect(ec2.now()).toHaveLength(13);
  });

  test('whose removal is approved are removed after the grace period, even if they are most of the principals', async () => {
    const externalPrincipals = Array.from({ length: 15 }, (_, number) => `${externalPrincipal}${number}`);
    const { reconcile, ec2, env } = createReconcileEnv([anEntry()], [root, ...externalPrincipals]);
    const service = { ...managed, graceSeconds: hour };
    await reconcile(approvePrincipals(service, alice, noon, 15));
    expect(ec2.now()).toHaveLength(16);
    env.advanceSeconds(hour);
    expect((await reconcile(service)).checks).toEqual([]);
    expect(ec2.now()).toEqual([root]);
  });

  test('are not removed if there are more removals than approved', async () => {
    const { reconcile, ec2, removeEntry } = createReconcileEnv(createEntries(20));
    await reconcile(managed);
    for (let number = 0; number < 15; number++) await removeEntry(account(number));
    const { checks } = await reconcile(approvePrincipals(managed, alice, noon, 14));
    expect(checks).toContain('principals-removal-blocked');
    expect(ec2.now()).toHaveLength(20);
  });

  test('count as added outside linkgate after the table lost its records, so none is removed at once', async () => {
    const { reconcile, ec2 } = createReconcileEnv(
      [],
      createEntries(20).map((_, number) => rootArn(number)),
    );
    await reconcile(managed);
    expect(ec2.now()).toHaveLength(20);
  });

  test('follow an entry that changes during the calls', async () => {
    const { reconcile, ec2, env, removeEntry } = createReconcileEnv([anEntry()]);
    await reconcile(managed);
    await removeEntry(consumer);
    const { disallow } = ec2;
    ec2.disallow = async (...args) => {
      env.put(entryItem(anEntry({ version: 7 })));
      await disallow(...args);
    };
    expect((await reconcile(managed)).drift).toEqual([]);
    expect(ec2.now()).toEqual([root]);
  });

  test('are changed once in a run, even if EC2 does not list the change yet', async () => {
    const { reconcile, ec2 } = createReconcileEnv([anEntry()]);
    ec2.list = async () => [];
    expect((await reconcile(managed)).checks).toEqual(['principals-are-missing']);
    expect(ec2.calls).toEqual(['allow 1']);
  });
});

describe('a principal that EC2 refuses', () => {
  test('does not stop the others', async () => {
    const { reconcile, ec2 } = createReconcileEnv(createEntries(60), [], [rootArn(7)]);
    const { drift } = await reconcile(managed);
    expect(drift).toEqual([
      {
        check: 'principals-are-refused',
        detail: `EC2 refused these principals: ${rootArn(7)} (account), InvalidPrincipal: Invalid Principal: '${rootArn(7)}'`,
      },
    ]);
    expect(ec2.now()).toHaveLength(59);
  });

  test('is tried again a day later', async () => {
    const { reconcile, ec2, env } = createReconcileEnv([anEntry()], [], [root]);
    for (const wait of [0, hour, 24 * hour]) {
      env.advanceSeconds(wait);
      await reconcile(managed);
    }
    expect(ec2.calls).toEqual(['allow 1', 'allow 1']);
  });

  test('has a reason if it is an organization, and is not tried again until the settings change', async () => {
    const { reconcile, ec2, env } = createReconcileEnv([], [], [organization]);
    const service = { ...managed, otherPrincipals: [organization] };
    expect((await reconcile(service)).drift).toMatchObject([
      {
        check: 'principals-are-refused',
        detail: expect.stringContaining('AWS documents no way to allow an organization'),
      },
    ]);
    env.advanceSeconds(1000 * hour);
    expect((await reconcile(service)).checks).toEqual(['principals-are-refused']);
    expect(ec2.calls).toEqual(['allow 1']);
    await reconcile({ ...service, changedAt: env.time.toISOString() });
    expect(ec2.calls).toEqual(['allow 1', 'allow 1']);
  });
});

describe('10,000 entries', () => {
  test('are compared with EC2 in few calls', async () => {
    const { reconcile, ec2 } = createReconcileEnv(createEntries(10_000));
    expect((await reconcile(managed)).drift).toEqual([]);
    expect(ec2.calls).toHaveLength(200);
    await reconcile(managed);
    expect(ec2.calls).toHaveLength(200);
  });

  test('that need more than one run are completed by the next', async () => {
    const { reconcile, ec2, enqueuedIds, env } = createReconcileEnv(createEntries(10_000));
    env.remainingMs = 20_000;
    await reconcile(managed);
    expect(enqueuedIds).toEqual([serviceId(1)]);
    const first = ec2.now().length;
    expect(first).toBeGreaterThan(0);
    env.remainingMs = 90_000;
    expect((await reconcile(managed)).drift).toEqual([]);
    expect(ec2.now()).toHaveLength(10_000);
  });
});

test('a call that EC2 throttles is made again by a later run', async () => {
  const { reconcile, ec2, enqueuedIds } = createReconcileEnv([anEntry()]);
  ec2.allow = async () => {
    throw new ThrottledError('slow down');
  };
  expect((await reconcile(managed)).checks).toEqual(['principals-are-missing']);
  expect(enqueuedIds).toEqual([serviceId(1)]);
});
