import { type Place, placeName } from '../place.ts';
import { type ReadDeps, readPartition } from '../table/item.ts';
import { allServices, readService, type Service } from './service.ts';

export function registeredServices(deps: ReadDeps): Promise<Service[]> {
  return readPartition(allServices, readService, deps);
}

/** The places in which services are registered. */
export async function placesOf(deps: ReadDeps): Promise<Place[]> {
  return placesIn(await registeredServices(deps));
}

/** The different places of services that are read already. */
export function placesIn(services: readonly Pick<Service, 'place'>[]): Place[] {
  return [...new Map(services.map(({ place }) => [placeName(place), place])).values()];
}
