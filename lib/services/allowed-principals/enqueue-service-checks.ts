import { isDeepStrictEqual } from 'node:util';
import { allServicesScope, entriesOf } from '../../allowlist/entry.ts';
import { orReported, type Runtime } from '../../runtime/runtime.ts';
import type { Change, Item, Table } from '../../storage/table.ts';
import { registeredServices } from '../registered-services.ts';
import { allServices, type Service } from '../service.ts';
import type { ServiceCheckQueue } from '../service-check-queue.ts';

interface EnqueueChecksDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly serviceBell: ServiceCheckQueue;
}

/** Settings on which a service's principals depend. */
const settings = [
  'principals',
  'otherPrincipals',
  'principalsApproval',
  'graceSeconds',
  'pausedAt',
] as const satisfies readonly (keyof Service)[];

/** So many changes at once are part of more, such as a large policy that is applied: one check after it does for all. */
const many = 10;
/** How long such a check is put off, in seconds. A ring from before it began is answered by it too. */
const putOff = 20;

/** Has the services checked of which the allowed principals may have to change: each once, however many entries changed. */
export async function enqueueServiceChecks(
  changes: readonly Change[],
  { table, serviceBell, reportError }: EnqueueChecksDeps,
): Promise<void> {
  const concerned = await Promise.all(
    changes.map(({ before, after }) => orReported(reportError, () => concernedBy(before, after))),
  );
  const serviceIds = new Set(concerned.filter((serviceId) => serviceId !== undefined));
  if (serviceIds.delete(allServicesScope))
    for (const { serviceId } of await registeredServices({ table, reportError })) serviceIds.add(serviceId);
  if (serviceIds.size === 0) return;
  await serviceBell.enqueue([...serviceIds], { afterSeconds: changes.length < many ? 0 : putOff });
}

/** The service whose principals follow from what changed, or `*`. */
function concernedBy(before: Item | undefined, after: Item | undefined): string | undefined {
  const item = after ?? before;
  if (item?.pk.startsWith(entriesOf(''))) return item.pk.slice(entriesOf('').length);
  if (item?.pk !== allServices || !after) return undefined;
  const isChanged = settings.some((name) => !isDeepStrictEqual(after[name], before?.[name]));
  return !before || isChanged ? after.sk : undefined;
}
