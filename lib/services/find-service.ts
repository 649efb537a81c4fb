import * as v from 'valibot';
import { ServiceName } from './service.ts';

interface NamedService {
  readonly serviceId: string;
  readonly name: string;
}

/**
 * Returns the name of each service by its id. The name of a service without a valid and unique name is its id. Two concurrent
 * registrations may briefly use the same name.
 */
export function serviceNames(services: readonly NamedService[]): ReadonlyMap<string, string> {
  const byName = Map.groupBy(services, ({ name }) => name);
  return new Map(
    services.map(({ serviceId, name }) => {
      const isItsOwn = v.is(ServiceName, name) && byName.get(name)?.length === 1;
      return [serviceId, isItsOwn ? name : serviceId];
    }),
  );
}

/** Looks for a service by its id first, then by its name. */
export function findServiceByName<Service extends NamedService>(
  idOrName: string,
  services: readonly Service[],
): Service | undefined {
  const names = serviceNames(services);
  return (
    services.find(({ serviceId }) => serviceId === idOrName) ??
    services.find(({ serviceId }) => names.get(serviceId) === idOrName)
  );
}
