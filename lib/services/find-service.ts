import * as v from 'valibot';
import { ServiceName } from './service.ts';

interface NamedService {
  readonly serviceId: string;
  readonly name: string;
}

/**
 * What each service is called, by its id: its own name, or its id where it has no name that is its alone. A name may be none, or
 * two services' at once, where a table is older than the form of names or two people registered at the same moment.
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

/** An id is an id, whatever other services are named. */
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
