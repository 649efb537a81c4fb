import { expect, test } from '@jest/globals';
import type { EndpointServices } from '../../lib/services/endpoint-services.ts';
import { listUnregisteredServices } from '../../lib/services/unregistered-services.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { aConfiguration, aService, hub, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const frankfurt = { ...hub, region: 'eu-central-1' };

/** EC2 lists two services in the hub on two pages, and two in Frankfurt on one; one of each is registered. */
function createListingDeps() {
  const env = createTestEnv({
    services: [aService(), aService({ serviceId: serviceId(3), name: 'far', location: frankfurt })],
  });
  const pages: Readonly<Record<string, Awaited<ReturnType<EndpointServices['page']>>>> = {
    'us-east-1': { services: [aConfiguration()], nextToken: 'more' },
    'us-east-1 more': { services: [aConfiguration({ serviceId: serviceId(2), nameTag: 'new' })] },
    'eu-central-1': {
      services: [aConfiguration({ serviceId: serviceId(3) }), aConfiguration({ serviceId: serviceId(4) })],
    },
  };
  return {
    ...env.deps,
    servicesClient: ({ region }: typeof hub): EndpointServices => ({
      ...env.services,
      page: async (token) => pages[token === undefined ? region : `${region} ${token}`] ?? { services: [] },
    }),
  };
}

test('services that are not registered are listed location by location', async () => {
  const deps = createListingDeps();
  const unregistered = [];
  let token: string | undefined;
  do {
    const page: Awaited<ReturnType<typeof listUnregisteredServices>> = await listUnregisteredServices(
      token,
      deps,
    );
    unregistered.push(...page.services);
    token = page.nextToken;
  } while (token !== undefined);
  expect(unregistered).toMatchObject([
    { serviceId: serviceId(2), nameTag: 'new', location: hub },
    { serviceId: serviceId(4), location: frankfurt },
  ]);
});

test('services at the location of linkgate are listed even if no service is registered', async () => {
  const env = createTestEnv();
  env.services.setConfiguration(aConfiguration());
  expect(await listUnregisteredServices(undefined, env.deps)).toMatchObject({
    services: [{ serviceId: serviceId(1) }],
  });
});

test('an unknown page token is refused', async () => {
  await expect(listUnregisteredServices('a guess', createListingDeps())).rejects.toThrow(ExpiredTokenError);
});
