import { changeService, type PauseDeps } from './pause.ts';
import type { Service } from './service.ts';

/**
 * From now on every request to a service is rejected and every connection to it is cut, until it is registered again. Comes before it is
 * taken out. May be repeated.
 * @returns undefined where it is not registered any more.
 * @throws OptimisticLockError
 */
export function deregisterService(
  serviceId: string,
  by: string,
  deps: PauseDeps,
): Promise<Service | undefined> {
  return changeService(serviceId, by, deps, (service) =>
    service.deregisteringAt === undefined
      ? { ...service, deregisteringAt: deps.now().toISOString(), deregisteringBy: by }
      : undefined,
  );
}
