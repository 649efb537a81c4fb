import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { decodeCursor, encodeCursor, LocationCursor, selectLocation } from '../storage/cursor.ts';
import type { ReadDeps } from '../storage/entity.ts';
import type { EndpointServices, ListedService } from './endpoint-services.ts';
import { listRegisteredServices, uniqueLocations } from './registered-services.ts';

interface ListUnregisteredDeps extends ReadDeps {
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  readonly hub: AccountRegion;
}

/** An endpoint service in EC2 that is not registered. */
export type UnregisteredService = ListedService & { readonly location: AccountRegion };

const unregisteredListName = 'unregistered services';

/** Returns one page: first of the deployment's location, then of the other locations with registered services. */
export async function listUnregisteredServices(
  token: string | undefined,
  { servicesClient, hub, ...deps }: ListUnregisteredDeps,
): Promise<{ services: UnregisteredService[]; nextToken?: string }> {
  const registered = await listRegisteredServices(deps);
  const otherLocations = uniqueLocations(registered).filter(
    (location) => formatAccountRegion(location) !== formatAccountRegion(hub),
  );
  const locations = [hub, ...otherLocations];
  const position = decodeCursor(unregisteredListName, token, LocationCursor, { location: 0 });
  const location = selectLocation(locations, position) ?? hub;
  const page = await servicesClient(location).page(position.nextToken);
  const registeredIds = new Set(registered.map(({ serviceId }) => serviceId));
  const nextToken = encodeCursor(unregisteredListName, position, page.nextToken, locations.length);
  return {
    services: page.services
      .filter(({ serviceId }) => !registeredIds.has(serviceId))
      .map((service) => ({ ...service, location })),
    ...(nextToken !== undefined && { nextToken }),
  };
}
