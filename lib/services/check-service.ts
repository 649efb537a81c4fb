import type { AccountRegion } from '../locations/account-region.ts';
import { type Runtime, settleEach } from '../runtime/runtime.ts';
import { omitUnreadable } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import type { PrincipalsResult } from './allowed-principals/reconcile-principals.ts';
import { configurationDrift, isPrincipalDrift } from './drift.ts';
import type { EndpointServices } from './endpoint-services.ts';
import { type Drift, type Service, serviceEntity, serviceKey } from './service.ts';

export interface CheckServiceDeps extends Runtime {
  readonly table: Table;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  /** Reconciles the allowed principals with the allowlist; absent if the caller may not change them. */
  readonly reconcilePrincipals?: (service: Service, actual: readonly string[]) => Promise<PrincipalsResult>;
}

/**
 * Describes services in EC2 and saves their drift. Skips unregistered services. Checks the services one after another, because
 * one event may cause a check of all services, and EC2 throttles.
 */
export async function checkServices(serviceIds: readonly string[], deps: CheckServiceDeps) {
  const results = [];
  for (const serviceId of new Set(serviceIds))
    results.push(...(await settleEach([serviceId], (each) => checkService(each, deps))));
  return results;
}

/**
 * @returns the drift that the record now shows; undefined if the service is not registered.
 * @throws OptimisticLockError
 */
export async function checkService(
  serviceId: string,
  deps: CheckServiceDeps,
): Promise<readonly Drift[] | undefined> {
  const { table } = deps;
  return retryOnConflict(serviceId, async () => {
    const service = await serviceEntity.find(serviceKey(serviceId), table);
    if (!service) return undefined;
    const configuration = await deps.servicesClient(service.location).describe(serviceId);
    const reconciled = await withReconciledPrincipals(service, configuration?.principals, deps);
    const checked = {
      ...reconciled,
      drift: [
        ...(await configurationDrift(configuration, service, deps)),
        ...reconciled.drift.filter(isPrincipalDrift),
      ],
      acceptanceRequired: configuration?.acceptanceRequired ?? service.acceptanceRequired,
      checkedAt: deps.now().toISOString(),
      version: service.version + 1,
    };
    return (await table.write([serviceEntity.put(checked, service)])) ? checked.drift : conflict;
  });
}

async function withReconciledPrincipals(
  service: Service,
  actual: readonly string[] | undefined,
  { reconcilePrincipals, reportError }: CheckServiceDeps,
): Promise<Service> {
  if (!reconcilePrincipals || !actual) return service;
  // An unreadable allowlist or principal item leaves the principals unchanged.
  const result = await reconcilePrincipals(service, actual).catch(omitUnreadable(reportError));
  if (!result) return service;
  const { principalsApproval: _before, ...rest } = service;
  return { ...rest, ...result };
}

/** Whether a check of the service started after this time, and so covers the request. */
export async function wasCheckedSince(serviceId: string, time: string, table: Table): Promise<boolean> {
  const [item] = await table.get([serviceKey(serviceId)]);
  // The check itself fails with the reason if the item is unreadable.
  const checkedAt = item?.principalsCheckedAt;
  return typeof checkedAt === 'string' && checkedAt > time;
}
