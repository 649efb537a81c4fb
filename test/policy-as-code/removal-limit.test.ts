import { expect, test } from '@jest/globals';
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

/** `managed`: the number of items that the file manages; others manage 8 more. */
test.each([
  [5, 5, 'is planned'],
  [1, 1, 'is planned'],
  [6, 18, 'is planned'],
  [7, 21, 'is planned'],
  [0, 40, 'is planned'],
  [6, 6, 'is refused, unless removals are allowed'],
  [6, 17, 'is refused, unless removals are allowed'],
  [7, 20, 'is refused, unless removals are allowed'],
  [40, 40, 'is refused, unless removals are allowed'],
])('a policy that would remove %i of %i items %s', async (removals, managed, outcome) => {
  const env = await createEnvWithManaged(managed);
  for (const { accountId } of accounts(48).slice(40))
    await callApi(env, 'PUT', `/allowlist/orders/${accountId}`, { effect: 'block' });
  const document = aDocument({ entries: accounts(managed - removals) });
  const planned = { status: 201, body: { plan: { summary: { remove: removals } } } };
  const message = new RegExp(`^this plan removes ${removals} of the ${managed} items .*--allow-removals`);
  const error = {
    code: 'TooManyRemovals',
    message: expect.stringMatching(message),
    details: { removals, managed },
  };
  const isRefused = outcome !== 'is planned';
  expect(await requestPlan(env, document)).toMatchObject(
    isRefused ? { status: 409, body: { error } } : planned,
  );
  if (isRefused) expect(await requestPlan(env, document, { allowRemovals: true })).toMatchObject(planned);
});

test('a policy that would remove groups, services and customers is refused like one that would remove entries', async () => {
  const env = createTestEnv({ services: [aService({ managedBy: 'file' })] });
  const customers = accounts(6).map(({ accountId }) => ({ name: `of-${accountId}`, accounts: [accountId] }));
  const group = { name: 'ops', quorum: 1, slackUsers: [], emails: ['a@example.com'] };
  const services = [{ serviceId: serviceId(1), name: 'orders' }];
  await planAndApply(env, aDocument({ services, customers, groups: [group] }));
  expect(await requestPlan(env, aDocument())).toMatchObject({
    body: { error: { details: { removals: 8, managed: 8 } } },
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
