import { describe, expect, test } from '@jest/globals';
import { repairServices } from '../../lib/services/repair-services.ts';
import { readService, type Service, serviceKey } from '../../lib/services/service.ts';
import { aConfiguration, aService, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const bare = aConfiguration({ isTagged: false, notifications: [] });
const untagged = aService({ drift: [{ check: 'tag-is-missing', detail: 'without the tag' }] });

/** Repairs a service with this configuration in EC2. @returns the calls, the warnings and the remaining drift */
async function runRepair(service: Service, configuration = bare) {
  const env = createTestEnv({ services: [service] });
  env.services.setConfiguration(configuration);
  const warnings = await repairServices(env.deps);
  const [item] = await env.table.get([serviceKey(serviceId(1))]);
  return { calls: env.services.calls, warnings, drift: item && readService(item).drift };
}

describe('a registered service', () => {
  test('without tag and notification gets both, and has no drift after that', async () => {
    expect(await runRepair(untagged)).toEqual({
      calls: [`tag ${serviceId(1)}`, `createNotification ${serviceId(1)}`],
      warnings: [],
      drift: [],
    });
  });

  test('with a disabled notification gets a new one', async () => {
    const [ownNotification] = aConfiguration().notifications;
    if (!ownNotification) throw new Error('it has none');
    const drift = [{ check: 'notification-is-disabled', detail: 'it does not ring' }] as const;
    const configuration = aConfiguration({ notifications: [{ ...ownNotification, isEnabled: false }] });
    expect(await runRepair(aService({ drift: [...drift] }), configuration)).toEqual({
      calls: [`deleteNotification ${ownNotification.notificationId}`, `createNotification ${serviceId(1)}`],
      warnings: [],
      drift: [],
    });
  });

  test('without drift stays unchanged', async () => {
    expect(await runRepair(aService())).toMatchObject({ calls: [], warnings: [] });
  });

  test('with drift that linkgate cannot repair stays unchanged', async () => {
    const open = aService({ drift: [{ check: 'principal-is-everyone', detail: 'everybody' }] });
    expect(await runRepair(open)).toMatchObject({ calls: [], warnings: [] });
  });
});

describe('a failed repair is a warning with the command', () => {
  const command = expect.stringContaining(`linkgate service add ${serviceId(1)}`);

  test('if EC2 refuses, and the other services are repaired', async () => {
    const second = { ...untagged, serviceId: serviceId(2), name: 'shop' };
    const env = createTestEnv({ services: [untagged, second] });
    env.services.setConfiguration(bare);
    env.services.setConfiguration({ ...bare, serviceId: serviceId(2) });
    const { tag } = env.services;
    env.services.tag = async (id) => {
      if (id === serviceId(1)) throw new Error('no right to tag');
      await tag(id);
    };
    expect(await repairServices(env.deps)).toEqual([command]);
    expect(env.services.configuration(serviceId(2))).toMatchObject({ isTagged: true });
    expect(env.errors).toHaveLength(1);
  });

  test('if EC2 does not list the service', async () => {
    expect(await runRepair(untagged, { ...bare, serviceId: serviceId(9) })).toMatchObject({
      warnings: [command],
    });
  });

  test('if the time is up', async () => {
    const env = createTestEnv({ services: [untagged] });
    env.services.setConfiguration(bare);
    env.remainingMs = 5_000;
    expect(await repairServices(env.deps)).toEqual([command]);
    expect(env.services.calls).toEqual([]);
  });
});
