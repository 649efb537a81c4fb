import { describe, expect, test } from '@jest/globals';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { callApi } from '../api/call-api.ts';
import { aService, serviceId } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument, allowEntry, planAndApply } from './fixtures.ts';

const accounts = (count: number) =>
  Array.from({ length: count }, (_, index) => allowEntry(String(222_222_222_222 + index)));

/** A table in which the policy file manages a number of entries. */
async function createEnvWithManaged(count: number): Promise<TestEnv> {
  const env = createTestEnv({ services: [aService()] });
  await planAndApply(env, aDocument({ entries: accounts(count) }));
  return env;
}

const requestPlan = (env: TestEnv, document: PolicyDocument, more: object = {}) =>
  callApi(env, 'POST /plans', { document, ...more });

describe('a policy that would remove', () => {
  test.each([
    [5, 5],
    [1, 1],
    [6, 18],
    [7, 21],
    [0, 40],
  ])('%i of the %i items that the file manages is planned', async (removals, managed) => {
    const env = await createEnvWithManaged(managed);
    const document = aDocument({ entries: accounts(managed - removals) });
    expect(await requestPlan(env, document)).toMatchObject({
      status: 201,
      body: { plan: { summary: { remove: removals } } },
    });
  });

  test.each([
    [6, 6],
    [6, 17],
    [7, 20],
    [40, 40],
  ])('%i of the %i items is refused, unless removals are allowed', async (removals, managed) => {
    const env = await createEnvWithManaged(managed);
    const document = aDocument({ entries: accounts(managed - removals) });
    expect(await requestPlan(env, document)).toMatchObject({
      status: 409,
      body: {
        error: {
          code: 'TooManyRemovals',
          message: expect.stringMatching(
            new RegExp(`^this plan removes ${removals} of the ${managed} items .*--allow-removals`),
          ),
          details: { removals, managed },
        },
      },
    });
    expect(await requestPlan(env, document, { allowRemovals: true })).toMatchObject({
      status: 201,
      body: { plan: { summary: { remove: removals } } },
    });
  });

  test('6 of 12 items that the file manages is refused, although others manage 8 more', async () => {
    const env = await createEnvWithManaged(12);
    for (const { accountId } of accounts(20).slice(12))
      await callApi(env, `PUT /allowlist/orders/${accountId}`, { effect: 'block' });
    expect(await requestPlan(env, aDocument({ entries: accounts(7) }))).toMatchObject({ status: 201 });
    expect(await requestPlan(env, aDocument({ entries: accounts(6) }))).toMatchObject({
      body: { error: { details: { removals: 6, managed: 12 } } },
    });
  });

  test('groups, services and customers is refused like one that would remove entries', async () => {
    const env = createTestEnv({ services: [aService({ managedBy: 'file' })] });
    const customers = Array.from({ length: 6 }, (_, index) => ({
      name: `customer-${index}`,
      accounts: [String(333_333_333_333 + index)],
    }));
    const group = { name: 'ops', quorum: 1, slackUsers: [], emails: ['a@example.com'] };
    const services = [{ serviceId: serviceId(1), name: 'orders' }];
    await planAndApply(env, aDocument({ services, customers, groups: [group] }));
    expect(await requestPlan(env, aDocument())).toMatchObject({
      body: { error: { details: { removals: 8, managed: 8 } } },
    });
  });
});

test('a plan names its deployment, and warns of each entry and contract of the file that has expired', async () => {
  const env = await createEnvWithManaged(0);
  const expiresAt = '2026-01-31T23:59:59.999Z';
  const document = aDocument({
    entries: [
      { ...allowEntry('222222222222', { expiresAt }), at: 'policy.yml:3:5' },
      allowEntry('333333333333', { expiresAt: '2099-01-31T23:59:59.999Z' }),
    ],
    customers: [{ name: 'acme', accounts: ['444444444444'], contractEndsAt: expiresAt }],
  });
  expect(await requestPlan(env, document)).toMatchObject({
    status: 201,
    body: {
      plan: { ...env.deps.hub, stage: env.deps.deployment.stage },
      warnings: [
        'the contract of customer acme ended on 2026-01-31',
        'policy.yml:3:5: the entry of account 222222222222 at orders expired on 2026-01-31, so it allows nothing',
      ],
    },
  });
});
