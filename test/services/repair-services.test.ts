import { describe, expect, test } from '@jest/globals';
import { repairServices } from '../../lib/services/repair-services.ts';
import { readService, type Service, serviceKey } from '../../lib/services/service.ts';
import { aConfiguration, aService, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const bare = aConfiguration({ isTagged: false, notifications: [] });
const untagged = aService({ drift: [{ check: 'tag-is-missing', detail: 'without the tag' }] });

/** What is repaired of a service in a world where EC2 shows it bare. */
async function repaired(service: Service, configuration = bare) {
  const world = createTestEnv({ services: [service] });
  world.services.show(configuration);
  const warnings = await repairServices(world.deps);
  const [item] = await world.table.get([serviceKey(serviceId(1))]);
  return { calls: world.services.calls, warnings, drift: item && readService(item).drift };
}

describe('a registered service', () => {
  test('that lacks tag or notification gets both, and drifts no longer', async () => {
    expect(await repaired(untagged)).toEqual({
      calls: [`tag ${serviceId(1)}`, `createNotification ${serviceId(1)}`],
      warnings: [],
      drift: [],
    });
  });

  test('whose notification is disabled gets another one', async () => {
    const [ours] = aConfiguration().notifications;
    if (!ours) throw new Error('it has none');
    const drift = [{ check: 'notification-is-disabled', detail: 'it does not ring' }] as const;
    const configuration = aConfiguration({ notifications: [{ ...ours, isEnabled: false }] });
    expect(await repaired(aService({ drift: [...drift] }), configuration)).toEqual({
      calls: [`deleteNotification ${ours.notificationId}`, `createNotification ${serviceId(1)}`],
      warnings: [],
      drift: [],
    });
  });

  test('that lacked nothing when it was checked is left alone', async () => {
    expect(await repaired(aService())).toMatchObject({ calls: [], warnings: [] });
  });

  test('that drifted in what linkgate does not change is left alone', async () => {
    const open = aService({ drift: [{ check: 'principal-is-everyone', detail: 'everybody' }] });
    expect(await repaired(open)).toMatchObject({ calls: [], warnings: [] });
  });
});

describe('what could not be repaired is said with the command', () => {
  const command = expect.stringContaining(`linkgate service add ${serviceId(1)}`);

  test('where EC2 refuses, and the others are repaired all the same', async () => {
    const second = { ...untagged, serviceId: serviceId(2), name: 'shop' };
    const world = createTestEnv({ services: [untagged, second] });
    world.services.show(bare);
    world.services.show({ ...bare, serviceId: serviceId(2) });
    const { tag } = world.services;
    world.services.tag = async (id) => {
      if (id === serviceId(1)) throw new Error('no right to tag');
      await tag(id);
    };
    expect(await repairServices(world.deps)).toEqual([command]);
    expect(world.services.configuration(serviceId(2))).toMatchObject({ isTagged: true });
    expect(world.errors).toHaveLength(1);
  });

  test('where the service is gone', async () => {
    expect(await repaired(untagged, { ...bare, serviceId: serviceId(9) })).toMatchObject({
      warnings: [command],
    });
  });

  test('where the time does not suffice', async () => {
    const world = createTestEnv({ services: [untagged] });
    world.services.show(bare);
    world.left = 5_000;
    expect(await repairServices(world.deps)).toEqual([command]);
    expect(world.services.calls).toEqual([]);
  });
});
