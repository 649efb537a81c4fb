import { isDeepStrictEqual } from 'node:util';
import { allowlistPartition, allServicesScope } from '../../allowlist/entry.ts';
import { orReported, type Runtime } from '../../runtime/runtime.ts';
import type { Item, Table, TableChange } from '../../storage/table.ts';
import { listRegisteredServices } from '../registered-services.ts';
import { type Service, servicesPartition } from '../service.ts';
import type { ServiceCheckQueue } from '../service-check-queue.ts';

interface EnqueueChecksDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly serviceCheckQueue: ServiceCheckQueue;
}

/** Settings on which a service's principals depend. */
const principalSettings = [
  'principals',
  'otherPrincipals',
  'principalsApproval',
  'graceSeconds',
  'pausedAt',
] as const satisfies readonly (keyof Service)[];

/** So many changes at once are part of more, such as a large policy that is applied: one check after it does for all. */
const bulkThreshold = 10;
/** How long such a check is put off, in seconds. A ring from before it began is answered by it too. */
const bulkDelaySeconds = 20;

/** Has the services checked of which the allowed principals may have to change: each once, however many entries changed. */
export async function enqueueServiceChecks(
  changes: readonly TableChange[],
  { table, serviceCheckQueue, reportError }: EnqueueChecksDeps,
): Promise<void> {
  const concerned = await Promise.all(
    changes.map(({ before, after }) => orReported(reportError, () => affectedServiceId(before, after))),
  );
  const serviceIds = new Set(concerned.filter((serviceId) => serviceId !== undefined));
  if (serviceIds.delete(allServicesScope))
    for (const { serviceId } of await listRegisteredServices({ table, reportError }))
      serviceIds.add(serviceId);
  if (serviceIds.size === 0) return;
  await serviceCheckQueue.enqueue([...serviceIds], {
    afterSeconds: changes.length < bulkThreshold ? 0 : bulkDelaySeconds,
  });
}

/** The service whose principals follow from what changed, or `*`. */
function affectedServiceId(before: Item | undefined, after: Item | undefined): string | undefined {
  const item = after ?? before;
  if (item?.pk.startsWith(allowlistPartition(''))) return item.pk.slice(allowlistPartition('').length);
  if (item?.pk !== servicesPartition || !after) return undefined;
  const isChanged = principalSettings.some((name) => !isDeepStrictEqual(after[name], before?.[name]));
  return !before || isChanged ? after.sk : undefined;
}
