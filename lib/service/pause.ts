import { nextVersion } from '../allowlist/entry.ts';
import type { Invocation } from '../invocation.ts';
import { lost, untilWon } from '../table/contention.ts';
import type { Table } from '../table/table.ts';
import { readService, type Service, serviceItem, serviceKey } from './service.ts';

export interface Pausing extends Invocation {
  readonly table: Table;
}

/** From now on every request of a service waits, those too that are decided and not yet asked of EC2. May be repeated. */
export function pauseService(
  serviceId: string,
  { by, reason }: { readonly by: string; readonly reason?: string },
  deps: Pausing,
): Promise<Service | undefined> {
  return changeService(serviceId, by, deps, (service) =>
    service.pausedAt === undefined
      ? {
          ...service,
          pausedAt: deps.now().toISOString(),
          pausedBy: by,
          ...(reason !== undefined && { pauseReason: reason }),
        }
      : undefined,
  );
}

/** Requests are decided again, those first that waited for it. May be repeated. */
export function resumeService(serviceId: string, by: string, deps: Pausing): Promise<Service | undefined> {
  return changeService(
    serviceId,
    by,
    deps,
    ({ pausedAt, pausedBy: _by, pauseReason: _reason, ...service }) =>
      pausedAt === undefined ? undefined : service,
  );
}

/**
 * @param to what becomes of it; undefined where it stays as it is.
 * @returns undefined where it is not registered any more.
 * @throws ContendedError
 */
export function changeService(
  serviceId: string,
  by: string,
  { table, now }: Pausing,
  to: (service: Service) => Service | undefined,
): Promise<Service | undefined> {
  return untilWon(serviceId, async () => {
    const [item] = await table.get([serviceKey(serviceId)]);
    if (!item) return undefined;
    const before = readService(item);
    const changed = to(before);
    if (!changed) return before;
    const { revision, version } = before;
    const time = now();
    const after = {
      ...changed,
      changedAt: time.toISOString(),
      changedBy: by,
      revision: nextVersion(revision, time),
      version: version + 1,
    };
    return (await table.write([{ put: serviceItem(after), expected: version }])) ? after : lost;
  });
}
