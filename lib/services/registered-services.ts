import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { type ReadDeps, readPartition } from '../storage/entity.ts';
import { readService, type Service, servicesPartition } from './service.ts';

export function listRegisteredServices(deps: ReadDeps): Promise<Service[]> {
  return readPartition(servicesPartition, readService, deps);
}

/** Reads the locations of all registered services. */
export async function readLocations(deps: ReadDeps): Promise<AccountRegion[]> {
  return uniqueLocations(await listRegisteredServices(deps));
}

/** Returns the distinct locations of the given services. */
export function uniqueLocations(services: readonly Pick<Service, 'location'>[]): AccountRegion[] {
  return [...new Map(services.map(({ location }) => [formatAccountRegion(location), location])).values()];
}
