import { allDriftOf } from '../service/drift.ts';
import type { Service } from '../service/service.ts';
import type { UnregisteredService } from '../service/unregistered-services.ts';

/** Beside each service's id its own name, which is what people know it by. */
export function withNames<T extends { readonly serviceId: string }>(
  of: readonly T[],
  services: readonly Service[],
) {
  const names = new Map(services.map(({ serviceId, name }) => [serviceId, name]));
  return of.map((each) => {
    const service = names.get(each.serviceId);
    return { ...(service !== undefined && { service }), ...each };
  });
}

export function viewOfService(registered: Service) {
  const { place, revision: _revision, version: _version, principalDrift: _drift, ...service } = registered;
  return { ...service, drift: allDriftOf(registered), ...place };
}

export function viewOfUnregistered(service: UnregisteredService) {
  const { serviceId, nameTag, serviceName, state, acceptanceRequired, place } = service;
  return { serviceId, name: nameTag ?? null, serviceName, state, acceptanceRequired, ...place };
}
