import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { decodeCursor, encodeCursor, LocationCursor, locationAt } from '../storage/cursor.ts';
import type { ReadDeps } from '../storage/entity.ts';
import type { EndpointServices, ListedService } from './endpoint-services.ts';
import { locationsOf, registeredServices } from './registered-services.ts';

interface UnregisteredServicesDeps extends ReadDeps {
  readonly servicesIn: (location: AccountRegion) => EndpointServices;
  readonly hub: AccountRegion;
}

/** An endpoint service that EC2 lists and linkgate does not look after. */
export type UnregisteredService = ListedService & { readonly location: AccountRegion };

const list = 'unregistered services';

/** One page of them: of the hub's place, then of the other places in which services are registered. */
export async function unregisteredServices(
  token: string | undefined,
  { servicesIn, hub, ...deps }: UnregisteredServicesDeps,
): Promise<{ services: UnregisteredService[]; nextToken?: string }> {
  const registered = await registeredServices(deps);
  const others = locationsOf(registered).filter(
    (location) => formatAccountRegion(location) !== formatAccountRegion(hub),
  );
  const locations = [hub, ...others];
  const position = token === undefined ? { location: 0 } : decodeCursor(list, token, LocationCursor);
  const location = locationAt(locations, position) ?? hub;
  const page = await servicesIn(location).page(position.nextToken);
  const known = new Set(registered.map(({ serviceId }) => serviceId));
  const nextToken = encodeCursor(list, position, page.nextToken, locations.length);
  return {
    services: page.services
      .filter(({ serviceId }) => !known.has(serviceId))
      .map((service) => ({ ...service, location })),
    ...(nextToken !== undefined && { nextToken }),
  };
}
