import type { Service } from '../services/service.ts';
import type { UnregisteredService } from '../services/unregistered-services.ts';

/** Adds the service's name to each object with a service id. */
export function withServiceNames<T extends { readonly serviceId: string }>(
  of: readonly T[],
  services: readonly Service[],
) {
  const names = new Map(services.map(({ serviceId, name }) => [serviceId, name]));
  return of.map((each) => {
    const service = names.get(each.serviceId);
    return { ...(service !== undefined && { service }), ...each };
  });
}

export function serviceView(registered: Service) {
  const { location, policyRevision: _revision, version: _version, ...service } = registered;
  return { ...service, ...location };
}

export function unregisteredServiceView(service: UnregisteredService) {
  const { serviceId, nameTag, serviceName, state, acceptanceRequired, location } = service;
  return { serviceId, name: nameTag ?? null, serviceName, state, acceptanceRequired, ...location };
}

/** Omits the version, which is for optimistic locking only. */
export function withoutVersion<Stored extends { readonly version: number }>(stored: Stored) {
  const { version: _version, ...view } = stored;
  return view;
}
