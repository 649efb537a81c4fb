import { nextVersion } from '../allowlist/entry.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import { type Service, serviceEntity, serviceKey } from './service.ts';

export interface PauseDeps extends Runtime {
  readonly table: Table;
}

/** Pauses a service: every request waits, even a decided one without a call to EC2. Idempotent. */
export function pauseService(
  serviceId: string,
  { by, reason }: { readonly by: string; readonly reason?: string },
  deps: PauseDeps,
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

/** Resumes a service: linkgate decides the waiting requests. Idempotent. */
export function resumeService(serviceId: string, by: string, deps: PauseDeps): Promise<Service | undefined> {
  return changeService(
    serviceId,
    by,
    deps,
    ({ pausedAt, pausedBy: _by, pauseReason: _reason, ...service }) =>
      pausedAt === undefined ? undefined : service,
  );
}

/**
 * @param to returns the changed service, or undefined for no change.
 * @returns undefined if the service is not registered.
 * @throws OptimisticLockError
 */
export function changeService(
  serviceId: string,
  by: string,
  { table, now }: PauseDeps,
  to: (service: Service) => Service | undefined,
): Promise<Service | undefined> {
  return retryOnConflict(serviceId, async () => {
    const before = await serviceEntity.find(serviceKey(serviceId), table);
    if (!before) return undefined;
    const changed = to(before);
    if (!changed) return before;
    const time = now();
    const after = {
      ...changed,
      changedAt: time.toISOString(),
      changedBy: by,
      policyRevision: nextVersion(before.policyRevision, time),
      version: before.version + 1,
    };
    return (await table.write([serviceEntity.put(after, before)])) ? after : conflict;
  });
}
