import { describe, expect, test } from '@jest/globals';
import { checkService } from '../../lib/services/check-service.ts';
import type { ServiceConfiguration } from '../../lib/services/endpoint-services.ts';
import {
  NameTakenError,
  OtherStageError,
  registerService,
  removeService,
} from '../../lib/services/register-service.ts';
import { listRegisteredServices } from '../../lib/services/registered-services.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { aConfiguration, alice, aService, hub, noon, serviceId, topicArn } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const registration = { serviceId: serviceId(1) };
const otherNotification = {
  notificationId: 'vpce-nfn-9',
  topicArn: `${topicArn}-other`,
  events: [],
  isEnabled: true,
};
const bare = aConfiguration({ isTagged: false, notifications: [] });

/** Registers the service with this configuration in EC2. */
async function register(configuration: ServiceConfiguration, change: object = {}, env = createTestEnv()) {
  env.services.setConfiguration(configuration);
  return { env, ...(await registerService({ ...registration, ...change }, alice, env.deps)) };
}

describe('a service that is registered', () => {
  test('gets its tag and a connection notification for all events, and is stored with the defaults', async () => {
    const { env, service, warnings } = await register(bare);
    expect(service).toMatchObject({
      serviceId: serviceId(1),
      name: serviceId(1),
      location: hub,
      onUnlisted: 'ask',
      approvers: 'default',
      registeredAt: noon.toISOString(),
      registeredBy: alice,
      topicArn,
      drift: [],
    });
    expect(warnings).toEqual([]);
    expect(env.services.calls).toEqual([`tag ${serviceId(1)}`, `createNotification ${serviceId(1)}`]);
    expect(await listRegisteredServices(env.deps)).toEqual([service]);
  });

  test('gets its tag and no notification if it is a Gateway Load Balancer service, with a warning that only sweeps find its requests', async () => {
    const { env, service, warnings } = await register(
      { ...bare, isGatewayLoadBalancer: true },
      { name: 'fw' },
    );
    expect(service.drift).toEqual([]);
    expect(env.services.calls).toEqual([`tag ${serviceId(1)}`]);
    expect(warnings).toEqual([
      'fw: EC2 has no connection notifications for Gateway Load Balancer endpoints: the sweep finds new requests within a minute.',
    ]);
  });

  test('takes its name from the tag `Name`, unless the caller gives one', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration({ nameTag: 'orders' }));
    const first = await registerService(registration, alice, env.deps);
    expect(first.service.name).toBe('orders');
    const second = await registerService({ ...registration, name: 'shop' }, alice, env.deps);
    expect(second.service.name).toBe('shop');
  });

  test.each([
    ['has spaces', 'Payments API'],
    ['has a slash', 'prod/payments'],
    ['has umlauts', 'Zahlungen-für-alle'],
    ['is `*`', '*'],
    ['is the id of another service', serviceId(2)],
    ['looks like an id', 'VPCE-svc-payments'],
    ['is too long', 'a'.repeat(65)],
    ["is another service's name", 'taken'],
  ])(
    'is named by its id if its tag `Name` %s, with a warning that says how to name it',
    async (_what, nameTag) => {
      const { service, warnings } = await register(
        aConfiguration({ nameTag }),
        {},
        createTestEnv({ services: [aService({ serviceId: serviceId(2), name: 'taken' })] }),
      );
      expect(service.name).toBe(serviceId(1));
      expect(warnings).toEqual([
        expect.stringMatching(
          new RegExp(
            `the tag \`Name\` of ${serviceId(1)}, .* linkgate service add ${serviceId(1)} --name <name>$`,
          ),
        ),
      ]);
    },
  );

  test('again keeps its settings and the drift of its principals, and needs no change in EC2', async () => {
    const principalDrift = { check: 'principals-are-missing', detail: 'some' };
    const drift = [{ check: 'tag-is-missing', detail: 'it was' }, principalDrift];
    const env = createTestEnv({ services: [aService({ onUnlisted: 'hold', name: 'orders', drift })] });
    env.services.setConfiguration(aConfiguration());
    const { service, warnings } = await registerService(registration, 'somebody else', env.deps);
    expect(service).toMatchObject({ onUnlisted: 'hold', name: 'orders', registeredBy: alice, version: 2 });
    expect({ drift: service.drift, warnings }).toEqual({ drift: [principalDrift], warnings: [] });
    expect(env.services.calls).toEqual([]);
  });

  test('again during a check keeps the changes of both', async () => {
    const env = createTestEnv({ services: [aService({ drift: [] })] });
    env.services.setConfiguration(aConfiguration({ notifications: [] }));
    const { describe } = env.services;
    const looks = [
      () =>
        checkService(serviceId(1), { ...env.deps, servicesClient: () => ({ ...env.services, describe }) }),
    ];
    env.services.describe = async (id) => {
      await looks.pop()?.();
      return describe(id);
    };
    const { service } = await registerService({ ...registration, name: 'orders' }, alice, env.deps);
    expect(service).toMatchObject({ name: 'orders', drift: [], version: 3 });
    expect(await listRegisteredServices(env.deps)).toEqual([service]);
  });

  test('again gets a new policy revision', async () => {
    const { service } = await register(
      aConfiguration(),
      { onUnlisted: 'reject' },
      createTestEnv({ services: [aService({ policyRevision: 5 })] }),
    );
    expect(service.policyRevision).toBeGreaterThan(5);
  });

  test('again has missing events added to its connection notification', async () => {
    const env = createTestEnv({ services: [aService()] });
    const notification = { notificationId: 'vpce-nfn-1', topicArn, events: ['Connect'], isEnabled: true };
    env.services.setConfiguration(aConfiguration({ notifications: [notification] }));
    const { service } = await registerService(registration, alice, env.deps);
    expect(env.services.calls).toEqual(['repairNotification vpce-nfn-1']);
    expect(service.drift).toEqual([]);
  });

  test('again gets a new connection notification in place of a disabled one, which EC2 cannot enable', async () => {
    const env = createTestEnv({ services: [aService()] });
    const [ownNotification] = aConfiguration().notifications;
    if (!ownNotification) throw new Error('it has none');
    env.services.setConfiguration(
      aConfiguration({ notifications: [{ ...ownNotification, isEnabled: false }] }),
    );
    const { service } = await registerService(registration, alice, env.deps);
    expect(env.services.calls).toEqual([
      `deleteNotification ${ownNotification.notificationId}`,
      `createNotification ${serviceId(1)}`,
    ]);
    expect(service.drift).toEqual([]);
  });

  test('keeps connection notifications to other topics', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration({ notifications: [otherNotification] }));
    await registerService(registration, alice, env.deps);
    expect(env.services.configuration(serviceId(1))?.notifications).toHaveLength(2);
  });
});

describe('a registration warns', () => {
  async function listWarnings(change: object, onUnlisted: 'ask' | 'hold' = 'ask') {
    return (await register(aConfiguration(change), { name: 'orders', onUnlisted })).warnings;
  }

  test('that linkgate decides nothing if the service does not require acceptance', async () => {
    expect(await listWarnings({ acceptanceRequired: false })).toEqual([
      'orders: EC2 accepts every allowed principal automatically; linkgate decides nothing.',
    ]);
  });

  test('that any account can create requests if `*` is an allowed principal', async () => {
    expect(await listWarnings({ principals: ['*'] })).toEqual([
      expect.stringContaining('--on-unlisted hold'),
    ]);
    expect(await listWarnings({ principals: ['*'] }, 'hold')).toEqual([
      expect.not.stringContaining('--on-unlisted hold'),
    ]);
  });
});

describe('in mode `observe`', () => {
  test('a service is registered without changes in EC2, with a warning', async () => {
    const env = createTestEnv();
    env.mode = 'observe';
    env.services.setConfiguration(bare);
    const { service, warnings } = await registerService(registration, alice, env.deps);
    expect(env.services.calls).toEqual([]);
    expect(service.drift.map(({ check }) => check)).toEqual(['tag-is-missing', 'notification-is-missing']);
    expect(warnings[0]).toContain('`linkgate mode enforce` adds the missing tag');
  });

  test('there is no warning if the service has all that linkgate needs', async () => {
    const env = createTestEnv();
    env.mode = 'observe';
    env.services.setConfiguration(aConfiguration());
    expect((await registerService(registration, alice, env.deps)).warnings).toEqual([]);
  });

  test('a service is deregistered without changes in EC2, with the commands that clean up', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    env.services.setConfiguration(aConfiguration());
    const [manualCleanup] = await removeService(aService(), env.deps);
    expect(env.services.calls).toEqual([]);
    expect(manualCleanup).toContain(
      `aws ec2 delete-tags --region us-east-1 --resources ${serviceId(1)} --tags Key=linkgate`,
    );
    expect(manualCleanup).toContain(
      '--region us-east-1 --connection-notification-ids vpce-nfn-00000000000000001',
    );
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });

  test('there is no warning if nothing of linkgate remains in EC2', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    env.services.setConfiguration(bare);
    expect(await removeService(aService(), env.deps)).toEqual([]);
  });
});

describe('a service is not registered', () => {
  test('if another stage manages it, which the error names', async () => {
    const env = createTestEnv();
    env.services.setConfiguration({ ...bare, otherStage: 'prod' });
    const registering = registerService(registration, alice, env.deps);
    await expect(registering).rejects.toThrow(OtherStageError);
    await expect(registering).rejects.toThrow(`linkgate service remove ${serviceId(1)} --stage prod`);
    expect(env.services.calls).toEqual([]);
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });

  test('with a name that a concurrent registration takes', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(bare);
    const other = serviceItem(aService({ serviceId: serviceId(2), name: 'orders' }));
    const { table } = env.deps;
    const write: typeof table.write = async (writes, ...rest) => {
      await table.write([{ put: other, expected: 0 }]);
      return table.write(writes, ...rest);
    };
    const racing = { ...env.deps, table: { ...table, write } };
    const registering = registerService({ ...registration, name: 'orders' }, alice, racing);
    await expect(registering).rejects.toThrow(NameTakenError);
    const names = (await listRegisteredServices(env.deps)).map(({ name }) => name);
    expect(names.sort()).toEqual(['orders', serviceId(1)]);
  });
});

describe('the deregistration of a service', () => {
  test('deletes only its tag and linkgate’s connection notification in EC2', async () => {
    const env = createTestEnv({ services: [aService()] });
    const [ownNotification] = aConfiguration().notifications;
    env.services.setConfiguration(
      aConfiguration({ notifications: [...(ownNotification ? [ownNotification] : []), otherNotification] }),
    );
    await removeService(aService(), env.deps);
    expect(env.services.configuration(serviceId(1))).toMatchObject({
      isTagged: false,
      notifications: [otherNotification],
    });
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });

  test('adds a missing tag again before it deletes the notification', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.services.setConfiguration(aConfiguration({ isTagged: false }));
    expect(await removeService(aService(), env.deps)).toEqual([]);
    expect(env.services.calls).toEqual([
      `tag ${serviceId(1)}`,
      'deleteNotification vpce-nfn-00000000000000001',
      `untag ${serviceId(1)}`,
    ]);
  });

  test('changes nothing in EC2 if another stage has tagged the service, and returns the commands that clean up', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.services.setConfiguration(aConfiguration({ isTagged: false, otherStage: 'prod' }));
    expect(await removeService(aService(), env.deps)).toEqual([
      expect.stringMatching(
        /^the tag of the service names the stage `prod`, so linkgate did not change EC2\. .*delete-vpc-endpoint-connection-notifications/,
      ),
    ]);
    expect(env.services.calls).toEqual([]);
  });

  test('succeeds even if EC2 no longer lists the service', async () => {
    const env = createTestEnv({ services: [aService()] });
    await removeService(aService(), env.deps);
    expect(await listRegisteredServices(env.deps)).toEqual([]);
    expect(env.services.calls).toEqual([]);
  });

  test('succeeds despite a concurrent change', async () => {
    const env = createTestEnv({ services: [aService({ version: 2 })] });
    await removeService(aService(), env.deps);
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });
});
