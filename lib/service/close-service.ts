import { changeService, type Pausing } from './pause.ts';
import type { Service } from './service.ts';

/**
 * From now on every request to a service is rejected and every connection to it is cut, until it is registered again. Comes before it is
 * taken out. May be repeated.
 * @returns undefined where it is not registered any more.
 * @throws ContendedError
 */
export function closeService(serviceId: string, by: string, deps: Pausing): Promise<Service | undefined> {
  return changeService(serviceId, by, deps, (service) =>
    service.closingAt === undefined
      ? { ...service, closingAt: deps.now().toISOString(), closingBy: by }
      : undefined,
  );
}
