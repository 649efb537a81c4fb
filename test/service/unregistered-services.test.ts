import { expect, test } from '@jest/globals';
import { StaleTokenError } from '../../lib/page-token.ts';
import type { EndpointServices } from '../../lib/service/endpoint-services.ts';
import { unregisteredServices } from '../../lib/service/unregistered-services.ts';
import { aConfiguration, aService, hub, serviceId } from '../builders.ts';
import { aWorld } from '../doubles/world.ts';

const frankfurt = { ...hub, region: 'eu-central-1' };

/** The hub lists two services on two pages, Frankfurt two on one; one of each is registered. */
function listing() {
  const world = aWorld({
    services: [aService(), aService({ serviceId: serviceId(3), name: 'far', place: frankfurt })],
  });
  const pages: Readonly<Record<string, Awaited<ReturnType<EndpointServices['page']>>>> = {
    'us-east-1': { services: [aConfiguration()], nextToken: 'more' },
    'us-east-1 more': { services: [aConfiguration({ serviceId: serviceId(2), nameTag: 'new' })] },
    'eu-central-1': {
      services: [aConfiguration({ serviceId: serviceId(3) }), aConfiguration({ serviceId: serviceId(4) })],
    },
  };
  return {
    ...world.deps,
    servicesIn: ({ region }: typeof hub): EndpointServices => ({
      ...world.services,
      page: async (token) => pages[token === undefined ? region : `${region} ${token}`] ?? { services: [] },
    }),
  };
}

test('services that are not registered are listed place after place', async () => {
  const deps = listing();
  const found = [];
  let token: string | undefined;
  do {
    const page: Awaited<ReturnType<typeof unregisteredServices>> = await unregisteredServices(token, deps);
    found.push(...page.services);
    token = page.nextToken;
  } while (token !== undefined);
  expect(found).toMatchObject([
    { serviceId: serviceId(2), nameTag: 'new', place: hub },
    { serviceId: serviceId(4), place: frankfurt },
  ]);
});

test('the hub is looked at also while nothing is registered', async () => {
  const world = aWorld();
  world.services.show(aConfiguration());
  expect(await unregisteredServices(undefined, world.deps)).toMatchObject({
    services: [{ serviceId: serviceId(1) }],
  });
});

test('a token that the list did not give out is refused', async () => {
  await expect(unregisteredServices('a guess', listing())).rejects.toThrow(StaleTokenError);
});
