import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { type ReadDeps, readPartition } from '../storage/entity.ts';
import { allServices, readService, type Service } from './service.ts';

export function registeredServices(deps: ReadDeps): Promise<Service[]> {
  return readPartition(allServices, readService, deps);
}

/** The places in which services are registered. */
export async function readLocations(deps: ReadDeps): Promise<AccountRegion[]> {
  return locationsOf(await registeredServices(deps));
}

/** The different places of services that are read already. */
export function locationsOf(services: readonly Pick<Service, 'location'>[]): AccountRegion[] {
  return [...new Map(services.map(({ location }) => [formatAccountRegion(location), location])).values()];
}
