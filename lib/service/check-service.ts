import { eachOnItsOwn, type Invocation } from '../invocation.ts';
import type { Place } from '../place.ts';
import { lost, untilWon } from '../table/contention.ts';
import type { Table } from '../table/table.ts';
import { driftOf } from './drift.ts';
import type { EndpointServices } from './endpoint-services.ts';
import { type Drift, readService, serviceItem, serviceKey } from './service.ts';

export interface Checking extends Invocation {
  readonly table: Table;
  readonly servicesIn: (place: Place) => EndpointServices;
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
export async function checkService(serviceId: string, deps: Checking): Promise<readonly Drift[] | undefined> {
  const { table } = deps;
  return untilWon(serviceId, async () => {
    const [item] = await table.get([serviceKey(serviceId)]);
    if (!item) return undefined;
    const service = readService(item);
    const configuration = await deps.servicesIn(service.place).describe(serviceId);
    const drift = driftOf(configuration, service.topicArn);
    const acceptanceRequired = configuration?.acceptanceRequired ?? service.acceptanceRequired;
    const checkedAt = deps.now().toISOString();
    const checked = { ...service, drift, acceptanceRequired, checkedAt, version: service.version + 1 };
    const isWritten = await table.write([{ put: serviceItem(checked), expected: service.version }]);
    return isWritten ? drift : lost;
  });
}
