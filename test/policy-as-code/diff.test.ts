import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { groupItem } from '../../lib/approvers/approver-group.ts';
import { customerItem } from '../../lib/customers/customer.ts';
import { type Change, keyOfChange } from '../../lib/policy-as-code/change.ts';
import { ProblemsError } from '../../lib/policy-as-code/plan.ts';
import type { ManagedBy } from '../../lib/runtime/managed-by.ts';
import { registeredServices } from '../../lib/services/registered-services.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { UnsupportedSchemaVersionError } from '../../lib/storage/entity.ts';
import { aConfiguration, aGroup, alice, anEntry, aService, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { aDocument, allowing, blocking, follow, linesOf, planned } from './fixtures.ts';

const [one, two, three] = ['222222222222', '333333333333', '444444444444'];
const people = { quorum: 1, slackUsers: [], emails: ['alice@example.com'] };

function aWorldWith(...entries: Parameters<typeof anEntry>[0][]) {
  return createTestEnv({ services: [aService()], entries: entries.map(anEntry) });
}

function entriesIn(changes: readonly Change[]) {
  return changes.filter(({ kind }) => kind === 'entry');
}

describe('an entry', () => {
  const ownership: readonly [string, ManagedBy | undefined, string, { adopt: boolean }, string[]][] = [
    ['that nobody made is added', undefined, 'absent', { adopt: false }, ['add']],
    ['of the file is changed', 'file', 'other', { adopt: false }, ['change']],
    ['of the file that is as the file has it is no row', 'file', 'equal', { adopt: false }, []],
    ['of the file that left it is removed', 'file', 'unnamed', { adopt: false }, ['remove']],
    ['of a person that differs is a conflict', 'person', 'other', { adopt: false }, ['conflict']],
    ['of a person that is equal is left to them', 'person', 'equal', { adopt: false }, ['left']],
    [
      'of a person that the file does not name is left to them',
      'person',
      'unnamed',
      { adopt: false },
      ['left'],
    ],
    ['of another system that differs is a conflict', 'api', 'other', { adopt: false }, ['conflict']],
    ['of a person that differs is taken over where told', 'person', 'other', { adopt: true }, ['adopt']],
    ['of a person that is equal is taken over where told', 'person', 'equal', { adopt: true }, ['adopt']],
    [
      'of a person that the file does not name is never taken over',
      'person',
      'unnamed',
      { adopt: true },
      ['left'],
    ],
  ];
  test.each(ownership)('%s', async (_name, managedBy, there, { adopt }, actions) => {
    const world = aWorldWith(
      ...(there === 'absent'
        ? []
        : [
            {
              accountId: one,
              ...(managedBy && { managedBy }),
              ...(there === 'other' && { maxEndpoints: 3 }),
            },
          ]),
    );
    const document = aDocument({ entries: there === 'unnamed' ? [] : [allowing(one)] });
    const { changes } = await planned(world, document, adopt);
    expect(entriesIn(changes).map(({ action }) => action)).toEqual(actions);
  });

  test('is the same in whatever order its lists are', async () => {
    const roles = ['a', 'b'].map((name) => `arn:aws:iam::${one}:role/${name}`);
    const world = aWorldWith({ accountId: one, managedBy: 'file', roles });
    const { changes } = await planned(
      world,
      aDocument({ entries: [allowing(one, { roles: roles.toReversed() })] }),
    );
    expect(entriesIn(changes)).toEqual([]);
  });

  test('says what was there, who looked after it, and what comes', async () => {
    const world = aWorldWith({ accountId: one, managedBy: 'api', maxEndpoints: 3 });
    const { changes } = await planned(world, aDocument({ entries: [allowing(one, { maxEndpoints: 1 })] }));
    expect(entriesIn(changes)).toMatchObject([
      {
        kind: 'entry',
        action: 'conflict',
        name: one,
        accountId: one,
        service: 'orders',
        serviceId: serviceId(1),
        before: { effect: 'allow', maxEndpoints: 3 },
        after: { effect: 'allow', maxEndpoints: 1 },
        managedBy: 'api',
        changedBy: 'arn:aws:iam::111111111111:user/alice',
      },
    ]);
  });
});

test('blocks come first, what endorses comes before what takes endorsement away, and a service decides once its entries are there', async () => {
  const world = createTestEnv({
    services: [aService(), aService({ serviceId: serviceId(2), name: 'gone', managedBy: 'file' })],
    entries: [
      anEntry({ accountId: one, managedBy: 'file' }),
      anEntry({ accountId: two, managedBy: 'file', maxEndpoints: 1 }),
    ],
    groups: [aGroup(), aGroup({ name: 'old', managedBy: 'file' })],
  });
  const document = aDocument({
    groups: [{ name: 'team', ...people }],
    services: [{ serviceId: serviceId(3), name: 'new', onUnlisted: 'reject', approvers: 'team' }],
    customers: [{ name: 'acme', accounts: [one] }],
    entries: [
      allowing(one, { service: '*', customer: 'acme' }),
      allowing(two),
      allowing(one, { service: 'new' }),
      blocking(three),
    ],
  });
  const { changes } = await planned(world, document);
  expect(linesOf(changes)).toEqual([
    `add entry ${three} at orders`,
    'add group team',
    'add customer acme',
    `add entry ${one} at *`,
    `add entry ${one} at new`,
    `change entry ${two} at orders`,
    'add service new',
    'remove service gone',
    `remove entry ${one} at orders`,
    'remove group old',
    'left service orders',
  ]);
});

test('a service that goes does so before the entries that endorse what it has connected', async () => {
  const world = createTestEnv({
    services: [
      aService({ managedBy: 'file' }),
      aService({ serviceId: serviceId(2), name: 'gone', managedBy: 'file' }),
    ],
    entries: [serviceId(1), serviceId(2), '*'].map((at) => anEntry({ serviceId: at, managedBy: 'file' })),
    groups: [],
  });
  const { changes } = await planned(world, aDocument({ services: [{ name: 'orders' }] }));
  expect(changes.map(({ kind, ...change }) => [kind, 'service' in change ? change.service : ''])).toEqual([
    ['service', ''],
    ['entry', '*'],
    ['entry', 'orders'],
    ['entry', 'gone'],
  ]);
});

describe('a service', () => {
  const settings = { serviceId: serviceId(1), name: 'orders' };

  test('of the file has what the file says, and for the rest what holds where nothing is said', async () => {
    const world = createTestEnv({ services: [aService({ managedBy: 'file', requireTicket: true })] });
    const { changes } = await planned(world, aDocument({ services: [settings] }));
    expect(changes).toMatchObject([
      { action: 'change', before: { requireTicket: true }, after: { requireTicket: false } },
    ]);
  });

  test('of the file is unchanged where the file says what holds anyway', async () => {
    const world = createTestEnv({ services: [aService({ managedBy: 'file' })], groups: [] });
    const document = aDocument({
      services: [{ ...settings, graceSeconds: 72 * 3600, onExternalAccept: 'ask' }],
    });
    expect((await planned(world, document)).changes).toEqual([]);
  });

  test('of a person conflicts only in what the file says of it', async () => {
    const world = createTestEnv({ services: [aService({ requireTicket: true })], groups: [] });
    expect(linesOf((await planned(world, aDocument({ services: [settings] }))).changes)).toEqual([
      'left service orders',
    ]);
    const stricter = aDocument({ services: [{ ...settings, onUnlisted: 'reject' as const }] });
    expect(linesOf((await planned(world, stricter)).changes)).toEqual(['conflict service orders']);
  });

  test('that is only named is referred to: neither taken over nor taken out', async () => {
    const world = createTestEnv({ services: [aService({ requireTicket: true })], groups: [] });
    const named = aDocument({ services: [{ name: 'orders' }] });
    expect(linesOf((await planned(world, named, true)).changes)).toEqual(['left service orders']);
    world.put(serviceItem(aService({ managedBy: 'file', requireTicket: true })));
    expect((await planned(world, named)).changes).toEqual([]);
  });

  test('that is not registered is added with the entries that name it', async () => {
    const world = createTestEnv({ groups: [aGroup()] });
    world.services.show(aConfiguration({ principals: [`arn:aws:iam::${one}:root`] }));
    const document = aDocument({ services: [settings], entries: [allowing(one)] });
    await follow(world, document);
    expect((await planned(world, document)).changes).toEqual([]);
  });
});

test('the group default is no row where the file does not tell of it, whoever it is', async () => {
  const world = createTestEnv({ groups: [aGroup({ changedBy: alice, managedBy: 'api' })] });
  expect((await planned(world, aDocument())).changes).toEqual([]);
});

test("the group that setup made is nobody's, and the first file that tells of it has it", async () => {
  const world = createTestEnv({ groups: [aGroup()] });
  const telling = aDocument({ groups: [{ name: 'default', ...people }] });
  expect(linesOf((await follow(world, telling)).changes)).toEqual(['change group default']);
  expect((await planned(world, telling)).changes).toEqual([]);
  world.put(groupItem(aGroup({ changedBy: alice, version: 3 })));
  expect(linesOf((await planned(world, telling)).changes)).toEqual(['conflict group default']);
});

test('a group that left the file stays while a service asks it, or another group calls upon it', async () => {
  const world = createTestEnv({
    services: [aService({ approvers: 'asked' })],
    groups: [
      aGroup({ name: 'asked', managedBy: 'file', escalateTo: 'called' }),
      aGroup({ name: 'called', managedBy: 'file' }),
      aGroup({ name: 'forgotten', managedBy: 'file' }),
    ],
  });
  const { changes } = await planned(world, aDocument());
  expect(linesOf(changes)).toEqual([
    'remove group forgotten',
    'left group asked',
    'left group called',
    'left service orders',
  ]);
  expect(changes[1]?.note).toContain('while orders names it');
});

describe('a policy cannot be carried out', () => {
  const wrong: readonly [string, Parameters<typeof aDocument>[0], string][] = [
    [
      'that names an unknown service',
      { entries: [{ ...allowing(one, { service: 'order' }), at: 'policy.yml:3:5' }] },
      'there is no service `order`',
    ],
    [
      'that says the same twice',
      { entries: [allowing(one), allowing(one, { service: serviceId(1) })] },
      `account ${one} at orders stands twice`,
    ],
    [
      'whose service asks nobody',
      { services: [{ name: 'orders', approvers: 'nobody' }] },
      'there is no approver group `nobody`',
    ],
    [
      'whose group could never approve',
      { groups: [{ name: 'team', ...people, quorum: 2 }] },
      'could never approve',
    ],
    [
      'whose group calls upon itself',
      { groups: [{ name: 'team', ...people, escalateTo: 'team' }] },
      'cannot escalate to itself',
    ],
    [
      'whose group calls upon nobody',
      { groups: [{ name: 'team', ...people, escalateTo: 'nobody' }] },
      'no approver group `nobody`',
    ],
    [
      'that gives an account to two customers',
      {
        customers: [
          { name: 'a', accounts: [one] },
          { name: 'b', accounts: [one] },
        ],
      },
      'of two customers: a and b',
    ],
    [
      'that gives an account to a customer beside the one that a person gave it to',
      { customers: [{ name: 'a', accounts: [three] }] },
      'of two customers: theirs and a',
    ],
    ['that names a service that is not registered', { services: [{ name: 'new' }] }, 'give its id'],
    [
      'whose service is elsewhere',
      { services: [{ serviceId: serviceId(1), region: 'eu-west-1' }] },
      'in us-east-1',
    ],
    [
      'whose new service is elsewhere',
      { services: [{ serviceId: serviceId(9), region: 'eu-west-1' }] },
      'of its own account and Region',
    ],
    [
      'that gives a name that another service has',
      { services: [{ serviceId: serviceId(9), name: 'orders' }] },
      `is the name of ${serviceId(1)}`,
    ],
    [
      'with an entry too large to be kept',
      {
        entries: [
          allowing(one, { endpointIds: Array.from({ length: 5000 }, () => 'vpce-0123456789abcdef0') }),
        ],
      },
      'is too large',
    ],
  ];
  test.each(wrong)('%s', async (_name, document, message) => {
    const world = aWorldWith();
    world.put(customerItem({ name: 'theirs', accounts: [three], changedAt: '', changedBy: '', version: 1 }));
    const problems = await planned(world, aDocument(document)).then(
      () => [],
      (error) => (error as ProblemsError).problems,
    );
    expect(problems.map((problem) => problem.message)).toEqual([expect.stringContaining(message)]);
    expect(problems[0]?.at).toBe(document?.entries?.[0]?.at);
  });

  test('all of whose problems are told at once', async () => {
    const world = aWorldWith();
    const bad = aDocument({ entries: [allowing(one, { service: 'a' }), allowing(one, { service: 'b' })] });
    await expect(planned(world, bad)).rejects.toThrow(ProblemsError);
    await expect(planned(world, bad)).rejects.toMatchObject({ problems: { length: 2 } });
  });
});

describe('allowed principals', () => {
  const root = (account: string) => `arn:aws:iam::${account}:root`;
  const managed = aDocument({
    services: [{ serviceId: serviceId(1), name: 'orders', principals: 'managed' }],
    entries: [allowing(one)],
  });

  function aWorldThatAllows(...principals: string[]) {
    const world = createTestEnv({ services: [aService({ managedBy: 'file' })], groups: [] });
    world.services.show(aConfiguration({ principals }));
    return world;
  }

  test('that the allowlist implies, and no others, are rows of a service that the file has managed', async () => {
    const world = aWorldThatAllows(root(two), 'AROAEXAMPLE');
    const rows = (await planned(world, managed)).changes.filter(({ kind }) => kind === 'principal');
    expect(rows).toMatchObject([
      { action: 'add', name: root(one), service: 'orders', note: 'account' },
      { action: 'remove', name: root(two) },
      { action: 'remove', name: 'AROAEXAMPLE', note: expect.stringContaining('deleted role') },
    ]);
  });

  test('are only told of where they are observed', async () => {
    const world = aWorldThatAllows(root(two));
    const observed = aDocument({ ...managed, services: [{ name: 'orders' }] });
    const { plan, changes } = await planned(world, observed);
    expect(linesOf(changes).slice(1)).toEqual([
      `left principal ${root(one)} at orders`,
      `left principal ${root(two)} at orders`,
    ]);
    expect(plan.summary).toMatchObject({ add: 1, left: 2 });
  });

  test('are missing to nobody where everyone may ask', async () => {
    const { changes } = await planned(
      aWorldThatAllows('*'),
      aDocument({ entries: [allowing(one)], services: [{ name: 'orders' }] }),
    );
    expect(linesOf(changes).slice(1)).toEqual(['left principal * at orders']);
  });

  test('are approved by who applies the plan that shows them', async () => {
    const world = aWorldThatAllows(root(two));
    await follow(world, managed);
    const [service] = await registeredServices(world.deps);
    expect(service?.principalsApproval).toEqual({ by: alice, at: world.time.toISOString(), removals: 1 });
  });

  test('are approved for a service that is registered by the same plan, and where nothing differs', async () => {
    const world = createTestEnv({ groups: [aGroup()] });
    world.services.show(aConfiguration({ principals: [root(one)] }));
    await follow(world, managed);
    const [service] = await registeredServices(world.deps);
    expect(service).toMatchObject({ principals: 'managed', principalsApproval: { by: alice } });
  });

  test('of a service without the tag are no rows, and none of them is approved to go', async () => {
    const world = createTestEnv({ groups: [aGroup()] });
    world.services.show(aConfiguration({ isTagged: false, principals: [root(two)] }));
    const { changes } = await follow(world, managed);
    expect(changes.filter(({ kind }) => kind === 'principal')).toEqual([]);
    const [service] = await registeredServices(world.deps);
    expect(service?.principalsApproval).toEqual({ by: alice, at: world.time.toISOString() });
  });
});

test('a plan leaves what cannot be read as it is, and says so', async () => {
  for (const item of [entryItem(anEntry()), serviceItem(aService()), groupItem(aGroup())]) {
    const world = aWorldWith();
    world.put({ ...item, schemaVersion: '2.0' });
    const { changes } = await planned(world, aDocument());
    expect(
      changes.filter((change) => change.kind !== 'principal' && keyOfChange(change).sk === item.sk),
    ).toEqual([]);
    expect(world.errors).toEqual([expect.any(UnsupportedSchemaVersionError)]);
  }
});
