import { describe, expect, test } from '@jest/globals';
import { checkService } from '../../lib/services/check-service.ts';
import {
  NameTakenError,
  OtherStageError,
  registerService,
  removeService,
  ServiceNotFoundError,
} from '../../lib/services/register-service.ts';
import { registeredServices } from '../../lib/services/registered-services.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { aConfiguration, alice, aService, hub, noon, serviceId, topicArn } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const registration = { serviceId: serviceId(1) };
const bare = aConfiguration({ isTagged: false, notifications: [] });

describe('a service that is registered', () => {
  test('is tagged and rings for all events, and is remembered with the defaults', async () => {
    const world = createTestEnv();
    world.services.show(bare);
    const { service, warnings } = await registerService(registration, alice, world.deps);
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
    expect(world.services.calls).toEqual([`tag ${serviceId(1)}`, `createNotification ${serviceId(1)}`]);
    expect(await registeredServices(world.deps)).toEqual([service]);
  });

  test('and is of Gateway Load Balancers is tagged and gets no notification, and it is said that the sweep serves it', async () => {
    const world = createTestEnv();
    world.services.show({ ...bare, isOfGateways: true });
    const { service, warnings } = await registerService({ ...registration, name: 'fw' }, alice, world.deps);
    expect(service.drift).toEqual([]);
    expect(world.services.calls).toEqual([`tag ${serviceId(1)}`]);
    expect(warnings).toEqual([
      'fw: its endpoints are of the type GatewayLoadBalancer, for which EC2 has no connection notifications: the sweep notices requests within a minute.',
    ]);
  });

  test('has the name that its tag gives it, unless another one is given', async () => {
    const world = createTestEnv();
    world.services.show(aConfiguration({ nameTag: 'orders' }));
    const first = await registerService(registration, alice, world.deps);
    expect(first.service.name).toBe('orders');
    const second = await registerService({ ...registration, name: 'shop' }, alice, world.deps);
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
    const world = createTestEnv({ services: [aService({ serviceId: serviceId(2), name: 'taken' })] });
    world.services.show(aConfiguration({ nameTag }));
    const { service, warnings } = await registerService(registration, alice, world.deps);
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
    const world = createTestEnv({ services: [aService({ onUnlisted: 'hold', name: 'orders' })] });
    world.services.show(aConfiguration());
    const { service } = await registerService(registration, 'somebody else', world.deps);
    expect(service).toMatchObject({ onUnlisted: 'hold', name: 'orders', registeredBy: alice, version: 2 });
    expect(world.services.calls).toEqual([]);
  });

  test('again while linkgate looks at it by itself keeps what both wrote', async () => {
    const world = createTestEnv({ services: [aService({ drift: [] })] });
    world.services.show(aConfiguration({ notifications: [] }));
    const { describe } = world.services;
    const looks = [
      () =>
        checkService(serviceId(1), { ...world.deps, servicesIn: () => ({ ...world.services, describe }) }),
    ];
    world.services.describe = async (id) => {
      await looks.pop()?.();
      return describe(id);
    };
    const { service } = await registerService({ ...registration, name: 'orders' }, alice, world.deps);
    expect(service).toMatchObject({ name: 'orders', drift: [], version: 3 });
    expect(await registeredServices(world.deps)).toEqual([service]);
  });

  test('again makes decisions that rest on it stale', async () => {
    const world = createTestEnv({ services: [aService({ policyRevision: 5 })] });
    world.services.show(aConfiguration());
    const { service } = await registerService({ ...registration, onUnlisted: 'reject' }, alice, world.deps);
    expect(service.policyRevision).toBeGreaterThan(5);
  });

  test('again repairs a connection notification that lacks events', async () => {
    const world = createTestEnv({ services: [aService()] });
    const notification = { notificationId: 'vpce-nfn-1', topicArn, events: ['Connect'], isEnabled: true };
    world.services.show(aConfiguration({ notifications: [notification] }));
    const { service } = await registerService(registration, alice, world.deps);
    expect(world.services.calls).toEqual(['repairNotification vpce-nfn-1']);
    expect(service.drift).toEqual([]);
  });

  test('again makes a connection notification anew that is disabled, since EC2 enables none', async () => {
    const world = createTestEnv({ services: [aService()] });
    const [ours] = aConfiguration().notifications;
    if (!ours) throw new Error('it has none');
    world.services.show(aConfiguration({ notifications: [{ ...ours, isEnabled: false }] }));
    const { service } = await registerService(registration, alice, world.deps);
    expect(world.services.calls).toEqual([
      `deleteNotification ${ours.notificationId}`,
      `createNotification ${serviceId(1)}`,
    ]);
    expect(service.drift).toEqual([]);
  });

  test("leaves somebody else's notification alone", async () => {
    const world = createTestEnv();
    const theirs = {
      notificationId: 'vpce-nfn-1',
      topicArn: `${topicArn}-other`,
      events: [],
      isEnabled: true,
    };
    world.services.show(aConfiguration({ notifications: [theirs] }));
    await registerService(registration, alice, world.deps);
    expect(world.services.configuration(serviceId(1))?.notifications).toHaveLength(2);
  });
});

describe('who registers a service is warned', () => {
  async function warningsFor(change: object, onUnlisted: 'ask' | 'hold' = 'ask') {
    const world = createTestEnv();
    world.services.show(aConfiguration(change));
    return (await registerService({ ...registration, name: 'orders', onUnlisted }, alice, world.deps))
      .warnings;
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
    const world = createTestEnv();
    world.mode = 'observe';
    world.services.show(bare);
    const { service, warnings } = await registerService(registration, alice, world.deps);
    expect(world.services.calls).toEqual([]);
    expect(service.drift.map(({ check }) => check)).toEqual(['tag-is-missing', 'notification-is-missing']);
    expect(warnings[0]).toContain('`linkgate mode enforce` makes good what is missing');
  });

  test('nothing is said to be missing where the service has all that linkgate needs', async () => {
    const world = createTestEnv();
    world.mode = 'observe';
    world.services.show(aConfiguration());
    expect((await registerService(registration, alice, world.deps)).warnings).toEqual([]);
  });

  test('a service is taken out, and what is left in EC2 is said with the commands that remove it', async () => {
    const world = createTestEnv({ services: [aService()] });
    world.mode = 'observe';
    world.services.show(aConfiguration());
    const [left] = await removeService(aService(), world.deps);
    expect(world.services.calls).toEqual([]);
    expect(left).toContain(
      `aws ec2 delete-tags --region us-east-1 --resources ${serviceId(1)} --tags Key=linkgate`,
    );
    expect(left).toContain('--region us-east-1 --connection-notification-ids vpce-nfn-00000000000000001');
    expect(await registeredServices(world.deps)).toEqual([]);
  });

  test('nothing is said of a service that EC2 does not know as linkgate’s', async () => {
    const world = createTestEnv({ services: [aService()] });
    world.mode = 'observe';
    world.services.show(bare);
    expect(await removeService(aService(), world.deps)).toEqual([]);
  });
});

describe('no service is registered', () => {
  test('that EC2 does not show', async () => {
    await expect(registerService(registration, alice, createTestEnv().deps)).rejects.toThrow(
      ServiceNotFoundError,
    );
  });

  test('that another stage looks after, which is named', async () => {
    const world = createTestEnv();
    world.services.show({ ...bare, otherStage: 'prod' });
    const registering = registerService(registration, alice, world.deps);
    await expect(registering).rejects.toThrow(OtherStageError);
    await expect(registering).rejects.toThrow(`linkgate service remove ${serviceId(1)} --stage prod`);
    expect(world.services.calls).toEqual([]);
    expect(await registeredServices(world.deps)).toEqual([]);
  });

  test("under another one's name", async () => {
    const world = createTestEnv({ services: [aService({ serviceId: serviceId(2), name: 'orders' })] });
    world.services.show(bare);
    const registering = registerService({ ...registration, name: 'orders' }, alice, world.deps);
    await expect(registering).rejects.toThrow(NameTakenError);
    expect(world.services.calls).toEqual([]);
  });

  test('under a name that another registration takes at the same moment', async () => {
    const world = createTestEnv();
    world.services.show(bare);
    const other = serviceItem(aService({ serviceId: serviceId(2), name: 'orders' }));
    const { table } = world.deps;
    const write: typeof table.write = async (writes, ...rest) => {
      await table.write([{ put: other, expected: 0 }]);
      return table.write(writes, ...rest);
    };
    const racing = { ...world.deps, table: { ...table, write } };
    const registering = registerService({ ...registration, name: 'orders' }, alice, racing);
    await expect(registering).rejects.toThrow(NameTakenError);
    const names = (await registeredServices(world.deps)).map(({ name }) => name);
    expect(names.sort()).toEqual(['orders', serviceId(1)]);
  });
});

describe('a service that is taken out', () => {
  test('loses its tag and its notification, and nothing else', async () => {
    const world = createTestEnv({ services: [aService()] });
    const theirs = {
      notificationId: 'vpce-nfn-9',
      topicArn: `${topicArn}-other`,
      events: [],
      isEnabled: true,
    };
    const [ours] = aConfiguration().notifications;
    world.services.show(aConfiguration({ notifications: [...(ours ? [ours] : []), theirs] }));
    await removeService(aService(), world.deps);
    expect(world.services.configuration(serviceId(1))).toMatchObject({
      isTagged: false,
      notifications: [theirs],
    });
    expect(await registeredServices(world.deps)).toEqual([]);
  });

  test('is tagged again before its notification is deleted, where somebody took the tag away', async () => {
    const world = createTestEnv({ services: [aService()] });
    world.services.show(aConfiguration({ isTagged: false }));
    expect(await removeService(aService(), world.deps)).toEqual([]);
    expect(world.services.calls).toEqual([
      `tag ${serviceId(1)}`,
      'deleteNotification vpce-nfn-00000000000000001',
      `untag ${serviceId(1)}`,
    ]);
  });

  test('leaves EC2 alone where another stage has tagged it, and says what it made there', async () => {
    const world = createTestEnv({ services: [aService()] });
    world.services.show(aConfiguration({ isTagged: false, otherStage: 'prod' }));
    expect(await removeService(aService(), world.deps)).toEqual([
      expect.stringMatching(
        /^the service carries the tag of the stage `prod`, so EC2 was left alone\. .*delete-vpc-endpoint-connection-notifications/,
      ),
    ]);
    expect(world.services.calls).toEqual([]);
  });

  test('is taken out also when EC2 lists it no more', async () => {
    const world = createTestEnv({ services: [aService()] });
    await removeService(aService(), world.deps);
    expect(await registeredServices(world.deps)).toEqual([]);
    expect(world.services.calls).toEqual([]);
  });

  test('goes although somebody else changed it meanwhile', async () => {
    const world = createTestEnv({ services: [aService({ version: 2 })] });
    await removeService(aService(), world.deps);
    expect(await registeredServices(world.deps)).toEqual([]);
  });
});
