import { describe, expect, test } from '@jest/globals';
import { checkService } from '../../lib/services/check-service.ts';
import {
  NameTakenError,
  OtherStageError,
  registerService,
  removeService,
  ServiceNotFoundError,
} from '../../lib/services/register-service.ts';
import { listRegisteredServices } from '../../lib/services/registered-services.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { aConfiguration, alice, aService, hub, noon, serviceId, topicArn } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const registration = { serviceId: serviceId(1) };
const bare = aConfiguration({ isTagged: false, notifications: [] });

describe('a service that is registered', () => {
  test('is tagged and rings for all events, and is remembered with the defaults', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(bare);
    const { service, warnings } = await registerService(registration, alice, env.deps);
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

  test('and is of Gateway Load Balancers is tagged and gets no notification, and it is said that the sweep serves it', async () => {
    const env = createTestEnv();
    env.services.setConfiguration({ ...bare, isGatewayLoadBalancer: true });
    const { service, warnings } = await registerService({ ...registration, name: 'fw' }, alice, env.deps);
    expect(service.drift).toEqual([]);
    expect(env.services.calls).toEqual([`tag ${serviceId(1)}`]);
    expect(warnings).toEqual([
      'fw: its endpoints are of the type GatewayLoadBalancer, for which EC2 has no connection notifications: the sweep notices requests within a minute.',
    ]);
  });

  test('has the name that its tag gives it, unless another one is given', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration({ nameTag: 'orders' }));
    const first = await registerService(registration, alice, env.deps);
    expect(first.service.name).toBe('orders');
    const second = await registerService({ ...registration, name: 'shop' }, alice, env.deps);
    expect(second.service.name).toBe('shop');
  });

  test.each([
    ['has blanks', 'Payments API'],
    ['has a slash', 'prod/payments'],
    ['has umlauts', 'Zahlungen-für-alle'],
    ['stands for every service', '*'],
    ['is the id of another service', serviceId(2)],
    ['looks like an id', 'VPCE-svc-payments'],
    ['is too long', 'a'.repeat(65)],
    ["is another service's name", 'taken'],
  ])('goes by its id where its tag %s, and it is said how to name it', async (_what, nameTag) => {
    const env = createTestEnv({ services: [aService({ serviceId: serviceId(2), name: 'taken' })] });
    env.services.setConfiguration(aConfiguration({ nameTag }));
    const { service, warnings } = await registerService(registration, alice, env.deps);
    expect(service.name).toBe(serviceId(1));
    expect(warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `the tag \`Name\` of ${serviceId(1)}, .* linkgate service add ${serviceId(1)} --name <name>$`,
        ),
      ),
    ]);
  });

  test('again keeps what nobody says otherwise, and needs no call', async () => {
    const env = createTestEnv({ services: [aService({ onUnlisted: 'hold', name: 'orders' })] });
    env.services.setConfiguration(aConfiguration());
    const { service } = await registerService(registration, 'somebody else', env.deps);
    expect(service).toMatchObject({ onUnlisted: 'hold', name: 'orders', registeredBy: alice, version: 2 });
    expect(env.services.calls).toEqual([]);
  });

  test('again while linkgate looks at it by itself keeps what both wrote', async () => {
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

  test('again makes decisions that rest on it stale', async () => {
    const env = createTestEnv({ services: [aService({ policyRevision: 5 })] });
    env.services.setConfiguration(aConfiguration());
    const { service } = await registerService({ ...registration, onUnlisted: 'reject' }, alice, env.deps);
    expect(service.policyRevision).toBeGreaterThan(5);
  });

  test('again repairs a connection notification that lacks events', async () => {
    const env = createTestEnv({ services: [aService()] });
    const notification = { notificationId: 'vpce-nfn-1', topicArn, events: ['Connect'], isEnabled: true };
    env.services.setConfiguration(aConfiguration({ notifications: [notification] }));
    const { service } = await registerService(registration, alice, env.deps);
    expect(env.services.calls).toEqual(['repairNotification vpce-nfn-1']);
    expect(service.drift).toEqual([]);
  });

  test('again makes a connection notification anew that is disabled, since EC2 enables none', async () => {
    const env = createTestEnv({ services: [aService()] });
    const [ours] = aConfiguration().notifications;
    if (!ours) throw new Error('it has none');
    env.services.setConfiguration(aConfiguration({ notifications: [{ ...ours, isEnabled: false }] }));
    const { service } = await registerService(registration, alice, env.deps);
    expect(env.services.calls).toEqual([
      `deleteNotification ${ours.notificationId}`,
      `createNotification ${serviceId(1)}`,
    ]);
    expect(service.drift).toEqual([]);
  });

  test("leaves somebody else's notification alone", async () => {
    const env = createTestEnv();
    const theirs = {
      notificationId: 'vpce-nfn-1',
      topicArn: `${topicArn}-other`,
      events: [],
      isEnabled: true,
    };
    env.services.setConfiguration(aConfiguration({ notifications: [theirs] }));
    await registerService(registration, alice, env.deps);
    expect(env.services.configuration(serviceId(1))?.notifications).toHaveLength(2);
  });
});

describe('who registers a service is warned', () => {
  async function warningsFor(change: object, onUnlisted: 'ask' | 'hold' = 'ask') {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration(change));
    return (await registerService({ ...registration, name: 'orders', onUnlisted }, alice, env.deps)).warnings;
  }

  test('that linkgate is not asked where acceptance is not required', async () => {
    expect(await warningsFor({ acceptanceRequired: false })).toEqual([
      'orders: EC2 connects every allowed principal at once; linkgate is not asked.',
    ]);
  });

  test('that anybody may ring where everybody may ask', async () => {
    expect(await warningsFor({ principals: ['*'] })).toEqual([expect.stringContaining('--on-unlisted hold')]);
    expect(await warningsFor({ principals: ['*'] }, 'hold')).toEqual([
      expect.not.stringContaining('--on-unlisted hold'),
    ]);
  });
});

describe('in the mode observe', () => {
  test('a service is registered, and EC2 is left alone, which is said', async () => {
    const env = createTestEnv();
    env.mode = 'observe';
    env.services.setConfiguration(bare);
    const { service, warnings } = await registerService(registration, alice, env.deps);
    expect(env.services.calls).toEqual([]);
    expect(service.drift.map(({ check }) => check)).toEqual(['tag-is-missing', 'notification-is-missing']);
    expect(warnings[0]).toContain('`linkgate mode enforce` makes good what is missing');
  });

  test('nothing is said to be missing where the service has all that linkgate needs', async () => {
    const env = createTestEnv();
    env.mode = 'observe';
    env.services.setConfiguration(aConfiguration());
    expect((await registerService(registration, alice, env.deps)).warnings).toEqual([]);
  });

  test('a service is taken out, and what is left in EC2 is said with the commands that remove it', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    env.services.setConfiguration(aConfiguration());
    const [left] = await removeService(aService(), env.deps);
    expect(env.services.calls).toEqual([]);
    expect(left).toContain(
      `aws ec2 delete-tags --region us-east-1 --resources ${serviceId(1)} --tags Key=linkgate`,
    );
    expect(left).toContain('--region us-east-1 --connection-notification-ids vpce-nfn-00000000000000001');
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });

  test('nothing is said of a service that EC2 does not know as linkgate’s', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    env.services.setConfiguration(bare);
    expect(await removeService(aService(), env.deps)).toEqual([]);
  });
});

describe('no service is registered', () => {
  test('that EC2 does not show', async () => {
    await expect(registerService(registration, alice, createTestEnv().deps)).rejects.toThrow(
      ServiceNotFoundError,
    );
  });

  test('that another stage looks after, which is named', async () => {
    const env = createTestEnv();
    env.services.setConfiguration({ ...bare, otherStage: 'prod' });
    const registering = registerService(registration, alice, env.deps);
    await expect(registering).rejects.toThrow(OtherStageError);
    await expect(registering).rejects.toThrow(`linkgate service remove ${serviceId(1)} --stage prod`);
    expect(env.services.calls).toEqual([]);
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });

  test("under another one's name", async () => {
    const env = createTestEnv({ services: [aService({ serviceId: serviceId(2), name: 'orders' })] });
    env.services.setConfiguration(bare);
    const registering = registerService({ ...registration, name: 'orders' }, alice, env.deps);
    await expect(registering).rejects.toThrow(NameTakenError);
    expect(env.services.calls).toEqual([]);
  });

  test('under a name that another registration takes at the same moment', async () => {
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

describe('a service that is taken out', () => {
  test('loses its tag and its notification, and nothing else', async () => {
    const env = createTestEnv({ services: [aService()] });
    const theirs = {
      notificationId: 'vpce-nfn-9',
      topicArn: `${topicArn}-other`,
      events: [],
      isEnabled: true,
    };
    const [ours] = aConfiguration().notifications;
    env.services.setConfiguration(aConfiguration({ notifications: [...(ours ? [ours] : []), theirs] }));
    await removeService(aService(), env.deps);
    expect(env.services.configuration(serviceId(1))).toMatchObject({
      isTagged: false,
      notifications: [theirs],
    });
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });

  test('is tagged again before its notification is deleted, where somebody took the tag away', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.services.setConfiguration(aConfiguration({ isTagged: false }));
    expect(await removeService(aService(), env.deps)).toEqual([]);
    expect(env.services.calls).toEqual([
      `tag ${serviceId(1)}`,
      'deleteNotification vpce-nfn-00000000000000001',
      `untag ${serviceId(1)}`,
    ]);
  });

  test('leaves EC2 alone where another stage has tagged it, and says what it made there', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.services.setConfiguration(aConfiguration({ isTagged: false, otherStage: 'prod' }));
    expect(await removeService(aService(), env.deps)).toEqual([
      expect.stringMatching(
        /^the service carries the tag of the stage `prod`, so EC2 was left alone\. .*delete-vpc-endpoint-connection-notifications/,
      ),
    ]);
    expect(env.services.calls).toEqual([]);
  });

  test('is taken out also when EC2 lists it no more', async () => {
    const env = createTestEnv({ services: [aService()] });
    await removeService(aService(), env.deps);
    expect(await listRegisteredServices(env.deps)).toEqual([]);
    expect(env.services.calls).toEqual([]);
  });

  test('goes although somebody else changed it meanwhile', async () => {
    const env = createTestEnv({ services: [aService({ version: 2 })] });
    await removeService(aService(), env.deps);
    expect(await listRegisteredServices(env.deps)).toEqual([]);
  });
});
