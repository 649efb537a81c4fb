import { eachOnItsOwn, type Invocation } from '../invocation.ts';
import type { Place } from '../place.ts';
import type { Tended } from '../principals/tend-principals.ts';
import { lost, untilWon } from '../table/contention.ts';
import { leftOut } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type AnyDrift, allDriftOf, driftOf } from './drift.ts';
import type { EndpointServices } from './endpoint-services.ts';
import { readService, type Service, serviceItem, serviceKey } from './service.ts';

export interface Checking extends Invocation {
  readonly table: Table;
  readonly servicesIn: (place: Place) => EndpointServices;
  /** Holds the allowed principals, as EC2 has just shown them, against the allowlist; left out by those that may not change them. */
  readonly tendPrincipals?: (service: Service, actual: readonly string[]) => Promise<Tended>;
}

/**
 * Re-reads services in EC2 and marks in their records what drifted. Those that are not registered are passed over.
 * One after another: an event that names no service is about any of them, and EC2 has only so many tokens.
 */
export async function checkServices(serviceIds: readonly string[], deps: Checking) {
  const results = [];
  for (const serviceId of new Set(serviceIds))
    results.push(...(await eachOnItsOwn([serviceId], (each) => checkService(each, deps))));
  return results;
}

/**
 * @returns the drift that the record now shows; undefined where the service is not registered.
 * @throws ContendedError
 */
export async function checkService(
  serviceId: string,
  deps: Checking,
): Promise<readonly AnyDrift[] | undefined> {
  const { table } = deps;
  return untilWon(serviceId, async () => {
    const [item] = await table.get([serviceKey(serviceId)]);
    if (!item) return undefined;
    const service = readService(item);
    const configuration = await deps.servicesIn(service.place).describe(serviceId);
    const drift = driftOf(configuration, service.topicArn);
    const acceptanceRequired = configuration?.acceptanceRequired ?? service.acceptanceRequired;
    const checked = {
      ...(await tended(service, configuration?.principals, deps)),
      drift,
      acceptanceRequired,
      checkedAt: deps.now().toISOString(),
      version: service.version + 1,
    };
    const isWritten = await table.write([{ put: serviceItem(checked), expected: service.version }]);
    return isWritten ? allDriftOf(checked) : lost;
  });
}

async function tended(
  service: Service,
  actual: readonly string[] | undefined,
  { tendPrincipals, report }: Checking,
): Promise<Service> {
  if (!tendPrincipals || !actual) return service;
  // Where an item cannot be read that says who is allowed, the principals stay as they are.
  const result = await tendPrincipals(service, actual).catch(leftOut(report));
  if (!result) return service;
  const { principalsApproved: _before, ...rest } = service;
  return { ...rest, ...result };
}

/** Whether a check of the service has begun since then, so that it has seen what there was to see. */
export async function isCheckedSince(serviceId: string, time: string, table: Table): Promise<boolean> {
  const [item] = await table.get([serviceKey(serviceId)]);
  // Where the item cannot be read, the check says so.
  const checkedAt = item?.principalsCheckedAt;
  return typeof checkedAt === 'string' && checkedAt > time;
}
