import { expect, test } from '@jest/globals';
import { checkService, checkServices, wasCheckedSince } from '../../lib/services/check-service.ts';
import { listRegisteredServices } from '../../lib/services/registered-services.ts';
import { OptimisticLockError } from '../../lib/storage/optimistic-lock.ts';
import { aConfiguration, aService, noon, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const services = [aService()];

test('a check saves the drift in the service item', async () => {
  const env = createTestEnv({ services });
  env.services.setConfiguration(aConfiguration({ acceptanceRequired: false }));
  await checkService(serviceId(1), env.deps);
  expect(await listRegisteredServices(env.deps)).toMatchObject([
    {
      acceptanceRequired: false,
      drift: [{ check: 'acceptance-is-not-required' }],
      checkedAt: noon.toISOString(),
    },
  ]);
});

test('a check does not change the policy revision', async () => {
  const env = createTestEnv({ services });
  env.services.setConfiguration(aConfiguration());
  await checkService(serviceId(1), env.deps);
  expect(await listRegisteredServices(env.deps)).toMatchObject([{ policyRevision: 1, version: 2 }]);
});

test('a service that EC2 no longer lists stays registered, with the drift `service-is-missing`', async () => {
  const env = createTestEnv({ services });
  expect(await checkService(serviceId(1), env.deps)).toMatchObject([{ check: 'service-is-missing' }]);
});

test('a service that is not registered is skipped', async () => {
  expect(await checkService(serviceId(1), createTestEnv().deps)).toBeUndefined();
});

test('each service is checked once, and a failed check does not stop the others', async () => {
  const env = createTestEnv({
    services: [aService(), aService({ serviceId: serviceId(2), name: 'other' })],
  });
  env.services.setConfiguration(aConfiguration());
  const { describe } = env.services;
  env.services.describe = async (id) => {
    if (id === serviceId(2)) throw new Error('EC2 is away');
    return describe(id);
  };
  const results = await checkServices([2, 1, 1].map(serviceId), env.deps);
  expect(results).toMatchObject([{ error: { message: 'EC2 is away' } }, { output: [] }]);
  expect(results).toHaveLength(2);
});

test('services are checked one after another, so that EC2 does not throttle', async () => {
  const numbers = [1, 2, 3];
  const env = createTestEnv({
    services: numbers.map((number) => aService({ serviceId: serviceId(number), name: `service-${number}` })),
  });
  const { describe } = env.services;
  let [underWay, most] = [0, 0];
  env.services.describe = async (id) => {
    most = Math.max(most, ++underWay);
    const configuration = await describe(id);
    underWay--;
    return configuration;
  };
  expect(await checkServices(numbers.map(serviceId), env.deps)).toHaveLength(3);
  expect(most).toBe(1);
});

test('a check fails with an error if each write of the service item has a conflict', async () => {
  const env = createTestEnv({ services });
  env.services.setConfiguration(aConfiguration());
  const table = { ...env.table, write: async () => false };
  await expect(checkService(serviceId(1), { ...env.deps, table })).rejects.toThrow(OptimisticLockError);
});

test('drift of allowed principals is saved beside other drift, and kept by a check that does not compare them', async () => {
  const env = createTestEnv({ services });
  env.services.setConfiguration(aConfiguration({ principals: ['*'] }));
  const principalDrift = { check: 'principals-not-in-allowlist', detail: '*' };
  const result = { drift: [principalDrift], principalsCheckedAt: noon.toISOString() };
  const saved = [{ check: 'principal-is-everyone' }, principalDrift];
  expect(
    await checkService(serviceId(1), { ...env.deps, reconcilePrincipals: async () => result }),
  ).toMatchObject(saved);
  expect(await listRegisteredServices(env.deps)).toMatchObject([{ drift: saved }]);
  env.services.setConfiguration(aConfiguration({ principals: [] }));
  expect(await checkService(serviceId(1), env.deps)).toEqual([principalDrift]);
});

test('a check removes an approval of principals that no longer applies', async () => {
  const approved = aService({ principalsApproval: { by: 'alice', at: noon.toISOString() } });
  const env = createTestEnv({ services: [approved] });
  env.services.setConfiguration(aConfiguration());
  const reconcilePrincipals = async () => ({ drift: [], principalsCheckedAt: noon.toISOString() });
  await checkService(serviceId(1), { ...env.deps, reconcilePrincipals });
  expect(await listRegisteredServices(env.deps)).not.toMatchObject([{ principalsApproval: {} }]);
});

test('the principals of a service that EC2 does not list are not checked', async () => {
  const env = createTestEnv({ services });
  const reconcilePrincipals = () => Promise.reject(new Error('there is nothing to look at'));
  expect(await checkService(serviceId(1), { ...env.deps, reconcilePrincipals })).toMatchObject([
    { check: 'service-is-missing' },
  ]);
});

test('a request for a check is skipped if a check started after it', async () => {
  const checked = aService({ principalsCheckedAt: noon.toISOString() });
  const { table } = createTestEnv({ services: [checked] });
  expect(await wasCheckedSince(serviceId(1), '2026-11-21T11:59:59.000Z', table)).toBe(true);
  expect(await wasCheckedSince(serviceId(1), noon.toISOString(), table)).toBe(false);
  expect(await wasCheckedSince(serviceId(2), '2026-11-21T11:59:59.000Z', table)).toBe(false);
});
