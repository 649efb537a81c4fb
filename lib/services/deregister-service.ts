import { changeService, type PauseDeps } from './pause.ts';
import type { Service } from './service.ts';

/**
 * Marks a service as deregistering: linkgate rejects every request and disconnects every connection, until somebody removes or
 * registers the service. Idempotent.
 * @returns undefined if the service is not registered.
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
