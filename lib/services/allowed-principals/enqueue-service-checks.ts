import { isDeepStrictEqual } from 'node:util';
import { allowlistPartition, allServicesScope } from '../../allowlist/entry.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Item, Table, TableChange } from '../../storage/table.ts';
import { listRegisteredServices } from '../registered-services.ts';
import { type Service, servicesPartition } from '../service.ts';
import type { ServiceCheckQueue } from '../service-check-queue.ts';

interface EnqueueChecksDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly serviceCheckQueue: ServiceCheckQueue;
}

/** The settings on which a service's principals depend. */
const principalSettings = [
  'principals',
  'otherPrincipals',
  'principalsApproval',
  'graceSeconds',
  'pausedAt',
] as const satisfies readonly (keyof Service)[];

/** At this number, the changes of a batch are part of a larger change, such as a policy apply, which one later check covers. */
const bulkThreshold = 10;
/** The delay of that check, which also covers earlier requests. */
const bulkDelaySeconds = 20;

/**
 * Enqueues one check of each service whose allowed principals may have to change, regardless of the number of changed entries.
 */
export async function enqueueServiceChecks(
  changes: readonly TableChange[],
  { table, serviceCheckQueue, reportError }: EnqueueChecksDeps,
): Promise<void> {
  const serviceIds = new Set(changes.flatMap(({ before, after }) => affectedServiceId(before, after) ?? []));
  if (serviceIds.delete(allServicesScope))
    for (const { serviceId } of await listRegisteredServices({ table, reportError }))
      serviceIds.add(serviceId);
  if (serviceIds.size === 0) return;
  await serviceCheckQueue.enqueue([...serviceIds], {
    afterSeconds: changes.length < bulkThreshold ? 0 : bulkDelaySeconds,
  });
}

/** Returns the service whose principals depend on the changed item, or `*` for all services. */
function affectedServiceId(before: Item | undefined, after: Item | undefined): string | undefined {
  const item = after ?? before;
  if (item?.pk.startsWith(allowlistPartition(''))) return item.pk.slice(allowlistPartition('').length);
  if (item?.pk !== servicesPartition || !after) return undefined;
  const isChanged = principalSettings.some((name) => !isDeepStrictEqual(after[name], before?.[name]));
  return !before || isChanged ? after.sk : undefined;
}
