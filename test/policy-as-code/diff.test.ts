import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { groupItem } from '../../lib/approvers/approver-group.ts';
import { customerItem } from '../../lib/customers/customer.ts';
import { changeKey, type PolicyChange } from '../../lib/policy-as-code/change.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { PolicyProblemsError } from '../../lib/policy-as-code/plan.ts';
import type { ManagedBy } from '../../lib/runtime/managed-by.ts';
import { listRegisteredServices } from '../../lib/services/registered-services.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { UnsupportedSchemaVersionError } from '../../lib/storage/entity.ts';
import { aConfiguration, aGroup, alice, anEntry, aService, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { aDocument, allowEntry, blockEntry, formatChanges, planAndApply, planDocument } from './fixtures.ts';

const [one, two, three] = ['222222222222', '333333333333', '444444444444'];
const people = { quorum: 1, slackUsers: [], emails: ['alice@example.com'] };

function createEnvWith(...entries: Parameters<typeof anEntry>[0][]) {
  return createTestEnv({ services: [aService()], entries: entries.map(anEntry) });
}

function selectEntryChanges(changes: readonly PolicyChange[]) {
  return changes.filter(({ kind }) => kind === 'entry');
}

describe('an entry', () => {
  /** `there`: how the entry in the table compares with the file; `unnamed`: the file does not name it. */
  test.each<[there: string, managedBy: ManagedBy, takeOwnership: boolean, actions: string[]]>([
    ['absent', 'file', false, ['add']],
    ['other', 'file', false, ['change']],
    ['equal', 'file', false, []],
    ['unnamed', 'file', false, ['remove']],
    ['other', 'person', false, ['conflict']],
    ['equal', 'person', false, ['unmanaged']],
    ['unnamed', 'person', false, ['unmanaged']],
    ['other', 'api', false, ['conflict']],
    ['other', 'person', true, ['adopt']],
    ['equal', 'person', true, ['adopt']],
    ['unnamed', 'person', true, ['unmanaged']],
  ])(
    'that is %s and managed by %s, with --take-ownership %s: %j',
    async (there, managedBy, take, actions) => {
      const stored = { accountId: one, managedBy, ...(there === 'other' && { maxEndpoints: 3 }) };
      const env = createEnvWith(...(there === 'absent' ? [] : [stored]));
      const document = aDocument({ entries: there === 'unnamed' ? [] : [allowEntry(one)] });
      const { changes } = await planDocument(env, document, take);
      expect(selectEntryChanges(changes).map(({ action }) => action)).toEqual(actions);
    },
  );

  test('is not in the plan if only the order of its lists differs', async () => {
    const roles = ['a', 'b'].map((name) => `arn:aws:iam::${one}:role/${name}`);
    const env = createEnvWith({ accountId: one, managedBy: 'file', roles });
    const document = aDocument({ entries: [allowEntry(one, { roles: roles.toReversed() })] });
    expect(selectEntryChanges((await planDocument(env, document)).changes)).toEqual([]);
  });

  test('is in the plan with its former settings, its new settings and its manager', async () => {
    const env = createEnvWith({ accountId: one, managedBy: 'api', maxEndpoints: 3 });
    const document = aDocument({ entries: [allowEntry(one, { maxEndpoints: 1 })] });
    expect(selectEntryChanges((await planDocument(env, document)).changes)).toMatchObject([
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
        changedBy: alice,
      },
    ]);
  });
});

test('a plan has blocks first, then changes that allow, a new service after its entries, and removals last', async () => {
  const env = createTestEnv({
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
      allowEntry(one, { service: '*', customer: 'acme' }),
      allowEntry(two),
      allowEntry(one, { service: 'new' }),
      blockEntry(three),
    ],
  });
  const { changes } = await planDocument(env, document);
  expect(formatChanges(changes)).toEqual([
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
    'unmanaged service orders',
  ]);
});

test('a plan removes a service before the entries that allow its connections', async () => {
  const env = createTestEnv({
    services: [
      aService({ managedBy: 'file' }),
      aService({ serviceId: serviceId(2), name: 'gone', managedBy: 'file' }),
    ],
    entries: [serviceId(1), serviceId(2), '*'].map((at) =>
      anEntry({ accountId: one, serviceId: at, managedBy: 'file' }),
    ),
    groups: [],
  });
  const { changes } = await planDocument(env, aDocument({ services: [{ name: 'orders' }] }));
  expect(formatChanges(changes)).toEqual([
    'remove service gone',
    `remove entry ${one} at *`,
    `remove entry ${one} at orders`,
    `remove entry ${one} at gone`,
  ]);
});

describe('a service', () => {
  const settings = { serviceId: serviceId(1), name: 'orders' };
  const defaults = { graceSeconds: 72 * 3600, onExternalAccept: 'ask' };
  const file = { managedBy: 'file' };
  const strict = { requireTicket: true };

  test.each<[what: string, stored: object, input: object, takeOwnership: boolean, changes: string[]]>([
    ['the file repeats the defaults', file, { ...settings, ...defaults }, false, []],
    ['the file omits a setting', { ...file, ...strict }, settings, false, ['change service orders']],
    ['a person set what the file omits', strict, settings, false, ['unmanaged service orders']],
    [
      'a person set it otherwise',
      strict,
      { ...settings, requireTicket: false },
      false,
      ['conflict service orders'],
    ],
    ['the file only names it', strict, { name: 'orders' }, true, ['unmanaged service orders']],
    ['the file only names its own', { ...file, ...strict }, { name: 'orders' }, false, []],
  ])(
    'is compared by the settings that count, if %s',
    async (_what, stored, input, takeOwnership, changes) => {
      const env = createTestEnv({ services: [aService(stored)], groups: [] });
      const planned = await planDocument(env, aDocument({ services: [input] }), takeOwnership);
      expect(formatChanges(planned.changes)).toEqual(changes);
      if (changes[0] === 'change service orders')
        expect(planned.changes).toMatchObject([{ before: strict, after: { requireTicket: false } }]);
    },
  );

  test('that is not registered is added with the entries that name it', async () => {
    const env = createTestEnv({ groups: [aGroup()] });
    env.services.setConfiguration(aConfiguration({ principals: [`arn:aws:iam::${one}:root`] }));
    const document = aDocument({ services: [settings], entries: [allowEntry(one)] });
    await planAndApply(env, document);
    expect((await planDocument(env, document)).changes).toEqual([]);
  });
});

test('the group `default` is not in the plan if the file does not name it, whoever manages it', async () => {
  const env = createTestEnv({ groups: [aGroup({ changedBy: alice, managedBy: 'api' })] });
  expect((await planDocument(env, aDocument())).changes).toEqual([]);
});

test('the group `default` is changed by a file that names it after setup created it, and is a conflict after a person changed it', async () => {
  const env = createTestEnv({ groups: [aGroup()] });
  const groupDocument = aDocument({ groups: [{ name: 'default', ...people }] });
  expect(formatChanges((await planAndApply(env, groupDocument)).changes)).toEqual(['change group default']);
  expect((await planDocument(env, groupDocument)).changes).toEqual([]);
  env.put(groupItem(aGroup({ changedBy: alice, version: 3 })));
  expect(formatChanges((await planDocument(env, groupDocument)).changes)).toEqual(['conflict group default']);
});

test('a group that the file no longer names is not removed while a service or another group names it', async () => {
  const env = createTestEnv({
    services: [aService({ approvers: 'asked' })],
    groups: [
      aGroup({ name: 'asked', managedBy: 'file', escalateTo: 'called' }),
      aGroup({ name: 'called', managedBy: 'file' }),
      aGroup({ name: 'forgotten', managedBy: 'file' }),
    ],
  });
  const { changes } = await planDocument(env, aDocument());
  expect(formatChanges(changes)).toEqual([
    'remove group forgotten',
    'unmanaged group asked',
    'unmanaged group called',
    'unmanaged service orders',
  ]);
  expect(changes[1]?.note).toContain('while orders names it');
});

describe('a policy file', () => {
  const teamWith = (fields: object) => ({ groups: [{ name: 'team', ...people, ...fields }] });
  const elsewhere = { region: 'eu-west-1' };
  const tooLarge = allowEntry(one, { endpointIds: Array(5000).fill('vpce-0123456789abcdef0') });
  test.each<[what: string, document: Partial<PolicyDocument>, message: string]>([
    [
      'that names an unknown service',
      { entries: [{ ...allowEntry(one, { service: 'order' }), at: 'policy.yml:3:5' }] },
      'there is no service `order`',
    ],
    [
      'that has an entry twice',
      { entries: [allowEntry(one), allowEntry(one, { service: serviceId(1) })] },
      `account ${one} at orders is in the file twice`,
    ],
    [
      'whose service names an unknown group',
      { services: [{ name: 'orders', approvers: 'nobody' }] },
      'there is no approver group `nobody`',
    ],
    ['whose group has fewer approvers than its quorum', teamWith({ quorum: 2 }), 'could never approve'],
    ['whose group escalates to itself', teamWith({ escalateTo: 'team' }), 'cannot escalate to itself'],
    [
      'whose group escalates to an unknown group',
      teamWith({ escalateTo: 'nobody' }),
      'no approver group `nobody`',
    ],
    [
      'that gives an account to two customers',
      { customers: ['a', 'b'].map((name) => ({ name, accounts: [one] })) },
      'to two customers: a and b',
    ],
    [
      'that gives an account of another customer to a customer',
      { customers: [{ name: 'a', accounts: [three] }] },
      'to two customers: theirs and a',
    ],
    ['that names a service that is not registered', { services: [{ name: 'new' }] }, 'give its id'],
    [
      'whose service is in another location',
      { services: [{ serviceId: serviceId(1), ...elsewhere }] },
      'in us-east-1',
    ],
    [
      'whose new service is in another location',
      { services: [{ serviceId: serviceId(9), ...elsewhere }] },
      'of its own account and Region',
    ],
    [
      'that gives a service the name of another service',
      { services: [{ serviceId: serviceId(9), name: 'orders' }] },
      `is the name of ${serviceId(1)}`,
    ],
    ['with an entry that is too large', { entries: [tooLarge] }, 'is too large'],
  ])('%s is refused', async (_name, document, message) => {
    const env = createEnvWith();
    env.put(customerItem({ name: 'theirs', accounts: [three], changedAt: '', changedBy: '', version: 1 }));
    const problems = await planDocument(env, aDocument(document)).then(
      () => [],
      (error) => (error as PolicyProblemsError).problems,
    );
    expect(problems.map((problem) => problem.message)).toEqual([expect.stringContaining(message)]);
    expect(problems[0]?.at).toBe(document.entries?.[0]?.at);
  });

  test('with several problems is refused with all of them at once', async () => {
    const env = createEnvWith();
    const bad = aDocument({
      entries: [allowEntry(one, { service: 'a' }), allowEntry(one, { service: 'b' })],
    });
    await expect(planDocument(env, bad)).rejects.toThrow(PolicyProblemsError);
    await expect(planDocument(env, bad)).rejects.toMatchObject({ problems: { length: 2 } });
  });
});

describe('allowed principals', () => {
  const root = (account: string) => `arn:aws:iam::${account}:root`;
  const managed = aDocument({
    services: [{ serviceId: serviceId(1), name: 'orders', principals: 'managed' }],
    entries: [allowEntry(one)],
  });

  function createEnvWithPrincipals(...principals: string[]) {
    const env = createTestEnv({ services: [aService({ managedBy: 'file' })], groups: [] });
    env.services.setConfiguration(aConfiguration({ principals }));
    return env;
  }

  test('are added and removed to equal the allowlist if the service has them managed', async () => {
    const env = createEnvWithPrincipals(root(two), 'AROAEXAMPLE');
    const rows = (await planDocument(env, managed)).changes.filter(({ kind }) => kind === 'principal');
    expect(rows).toMatchObject([
      { action: 'add', name: root(one), service: 'orders', note: 'account' },
      { action: 'remove', name: root(two) },
      { action: 'remove', name: 'AROAEXAMPLE', note: expect.stringContaining('deleted role') },
    ]);
  });

  test('are in the plan as unmanaged if the service has them observed', async () => {
    const env = createEnvWithPrincipals(root(two));
    const observedDocument = aDocument({ ...managed, services: [{ name: 'orders' }] });
    const { plan, changes } = await planDocument(env, observedDocument);
    expect(formatChanges(changes).slice(1)).toEqual([
      `unmanaged principal ${root(one)} at orders`,
      `unmanaged principal ${root(two)} at orders`,
    ]);
    expect(plan.summary).toMatchObject({ add: 1, unmanaged: 2 });
  });

  test('lack no account of the allowlist if `*` is one of them', async () => {
    const { changes } = await planDocument(
      createEnvWithPrincipals('*'),
      aDocument({ entries: [allowEntry(one)], services: [{ name: 'orders' }] }),
    );
    expect(formatChanges(changes).slice(1)).toEqual(['unmanaged principal * at orders']);
  });

  test('are approved by the person who applies a plan that lists them', async () => {
    const env = createEnvWithPrincipals(root(two));
    await planAndApply(env, managed);
    const [service] = await listRegisteredServices(env.deps);
    expect(service?.principalsApproval).toEqual({ by: alice, at: env.time.toISOString(), removals: 1 });
  });

  test('are approved for a service that the same plan registers, even if they equal the allowlist', async () => {
    const env = createTestEnv({ groups: [aGroup()] });
    env.services.setConfiguration(aConfiguration({ principals: [root(one)] }));
    await planAndApply(env, managed);
    const [service] = await listRegisteredServices(env.deps);
    expect(service).toMatchObject({ principals: 'managed', principalsApproval: { by: alice } });
  });

  test('of a service without the tag are not in the plan, and no removal is approved', async () => {
    const env = createTestEnv({ groups: [aGroup()] });
    env.services.setConfiguration(aConfiguration({ isTagged: false, principals: [root(two)] }));
    const { changes } = await planAndApply(env, managed);
    expect(changes.filter(({ kind }) => kind === 'principal')).toEqual([]);
    const [service] = await listRegisteredServices(env.deps);
    expect(service?.principalsApproval).toEqual({ by: alice, at: env.time.toISOString() });
  });
});

test('a plan leaves unreadable items unchanged, and reports them', async () => {
  for (const item of [entryItem(anEntry()), serviceItem(aService()), groupItem(aGroup())]) {
    const env = createEnvWith();
    env.put({ ...item, schemaVersion: '2.0' });
    const { changes } = await planDocument(env, aDocument());
    expect(
      changes.filter((change) => change.kind !== 'principal' && changeKey(change).sk === item.sk),
    ).toEqual([]);
    expect(env.errors).toEqual([expect.any(UnsupportedSchemaVersionError)]);
  }
});
