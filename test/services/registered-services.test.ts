import { expect, test } from '@jest/globals';
import { listRegisteredServices, readLocations } from '../../lib/services/registered-services.ts';
import { aService, hub, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const otherLocation = { accountId: '222222222222', region: 'eu-west-1' };
const services = [
  aService(),
  aService({ serviceId: serviceId(2), name: 'payments' }),
  aService({ serviceId: serviceId(3), name: 'ledger', location: otherLocation }),
];

test('all registered services are listed', async () => {
  const { deps } = createTestEnv({ services });
  expect((await listRegisteredServices(deps)).map(({ name }) => name).sort()).toEqual([
    'ledger',
    'orders',
    'payments',
  ]);
});

test('each location is listed once, however many services it has', async () => {
  const { deps } = createTestEnv({ services });
  expect(await readLocations(deps)).toEqual([hub, otherLocation]);
});
