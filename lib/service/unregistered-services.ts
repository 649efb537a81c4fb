import { PlacePosition, placeAt, positionIn, tokenAfter } from '../page-token.ts';
import { type Place, placeName } from '../place.ts';
import type { ReadDeps } from '../table/item.ts';
import type { EndpointServices, ListedService } from './endpoint-services.ts';
import { placesIn, registeredServices } from './registered-services.ts';

interface Listing extends ReadDeps {
  readonly servicesIn: (place: Place) => EndpointServices;
  readonly hub: Place;
}

/** An endpoint service that EC2 lists and linkgate does not look after. */
export type UnregisteredService = ListedService & { readonly place: Place };

const list = 'unregistered services';

/** One page of them: of the hub's place, then of the other places in which services are registered. */
export async function unregisteredServices(
  token: string | undefined,
  { servicesIn, hub, ...deps }: Listing,
): Promise<{ services: UnregisteredService[]; nextToken?: string }> {
  const registered = await registeredServices(deps);
  const others = placesIn(registered).filter((place) => placeName(place) !== placeName(hub));
  const places = [hub, ...others];
  const position = token === undefined ? { place: 0 } : positionIn(list, token, PlacePosition);
  const place = placeAt(places, position) ?? hub;
  const page = await servicesIn(place).page(position.nextToken);
  const known = new Set(registered.map(({ serviceId }) => serviceId));
  const nextToken = tokenAfter(list, position, page.nextToken, places.length);
  return {
    services: page.services
      .filter(({ serviceId }) => !known.has(serviceId))
      .map((service) => ({ ...service, place })),
    ...(nextToken !== undefined && { nextToken }),
  };
}
