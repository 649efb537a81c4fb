import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import { dueWarningDates, warningDate } from '../connections/expiry-warning-days.ts';
import type { NotificationQueue } from '../outbox/notification.ts';
import { AccountId, ServiceId } from '../privatelink/connection.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { entity, omitUnreadable, parseEach, type ReadDeps } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Key, Table } from '../storage/table.ts';
import { ttlInDays } from '../storage/ttl.ts';

/** An account's access to a service that ends soon, and the number of days before its end. */
const ExpiringAccess = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  /** ISO 8601 */
  until: v.string(),
  daysBefore: v.number(),
});
type ExpiringAccess = v.InferOutput<typeof ExpiringAccess>;

/** The access whose approvers are one group and whose warning became due on one day. It shares one message. */
const ExpiryWarnings = v.object({
  /** In UTC, such as `2026-11-21`. */
  date: v.string(),
  group: v.string(),
  /** In the order in which the warnings became due. linkgate only appends to the list. */
  expiring: v.array(ExpiringAccess),
  /** Seconds since the epoch, for DynamoDB's TTL: after the last expiry. */
  expiresAt: v.number(),
  version: v.number(),
});
export type ExpiryWarnings = v.InferOutput<typeof ExpiryWarnings>;

export const expiryWarningsEntity = entity(ExpiryWarnings.entries, (warnings) =>
  expiryWarningsKey(formatExpiryWarningsId(warnings)),
);
export const expiryWarningsKey = (id: string): Key => ({ pk: 'EXPIRY_WARNINGS', sk: id });

function formatExpiryWarningsId({ date, group }: Pick<ExpiryWarnings, 'date' | 'group'>): string {
  return `${date}#${group}`;
}

/** An item of DynamoDB has at most 400 KB. */
const maxExpiring = 2_000;
/** The first warning comes 14 days before the expiry. */
const ttlDays = 16;
/** The time for which a message collects the warnings of a sweep, in seconds. */
const collectSeconds = 60;

interface EnqueueExpiryWarningsDeps extends ReadDeps, Pick<Runtime, 'now'> {
  readonly notificationQueue: NotificationQueue;
}

/** A record before and after a write. */
export interface RecordChange {
  readonly before: ConnectionRecord | undefined;
  readonly after: ConnectionRecord;
}

/**
 * Adds access with a new warning to the list of its group and day, and enqueues the list. Also enqueues the lists that name renewed
 * or removed access. A repeated change adds nothing.
 * @throws OptimisticLockError
 */
export async function enqueueExpiryWarnings(
  changes: readonly RecordChange[],
  deps: EnqueueExpiryWarningsDeps,
): Promise<void> {
  const warnings = changes.flatMap((change) => selectChangedWarnings(change, deps.now()));
  if (warnings.length === 0) return;
  const keys = warnings.map(({ serviceId }) => serviceKey(serviceId));
  const services = parseEach(await deps.table.get(keys), readService, deps.reportError);
  const lists = Map.groupBy(
    warnings.flatMap((warning) => {
      const service = services.find(({ serviceId }) => serviceId === warning.serviceId);
      return service ? [{ ...warning, group: service.approvers }] : [];
    }),
    formatExpiryWarningsId,
  );
  for (const [id, [first, ...others]] of lists)
    if (first) {
      const added = [first, ...others].flatMap((warning) => warning.added);
      await addExpiring({ ...first, added }, deps.table).catch(omitUnreadable(deps.reportError));
      await deps.notificationQueue.enqueueAfter(collectSeconds, [{ kind: 'expiry-warnings', id }]);
    }
}

/** A change of the warnings of a day. */
interface ChangedWarnings {
  readonly serviceId: string;
  readonly date: string;
  readonly added: readonly ExpiringAccess[];
}

function selectChangedWarnings({ before, after }: RecordChange, now: Date): ChangedWarnings[] {
  const { serviceId, ownerAccountId: accountId, expiryWarning } = after;
  const earlier = before?.expiryWarning;
  if (isDeepStrictEqual(expiryWarning, earlier)) return [];
  const isChanged = earlier && earlier.until !== expiryWarning?.until && new Date(earlier.until) > now;
  const changedDates = isChanged ? dueWarningDates(earlier.until, now) : [];
  return [
    ...(expiryWarning
      ? [
          {
            serviceId,
            date: warningDate(expiryWarning.until, expiryWarning.daysBefore),
            added: [{ serviceId, accountId, ...expiryWarning }],
          },
        ]
      : []),
    ...changedDates.map((date) => ({ serviceId, date, added: [] })),
  ];
}

async function addExpiring(
  { group, date, added }: ChangedWarnings & Pick<ExpiryWarnings, 'group'>,
  table: Table,
): Promise<void> {
  await retryOnConflict(group, async () => {
    const before = await expiryWarningsEntity.find(
      expiryWarningsKey(formatExpiryWarningsId({ date, group })),
      table,
    );
    const known = before?.expiring ?? [];
    const byId = new Map([...known, ...added].map((each) => [formatExpiringId(each), each]));
    const expiring = [...byId.values()].slice(0, maxExpiring);
    if (expiring.length === known.length) return undefined;
    const expiresAt = ttlInDays(new Date(date), ttlDays);
    const version = (before?.version ?? 0) + 1;
    const write = expiryWarningsEntity.put({ date, group, expiring, expiresAt, version }, before);
    return (await table.write([write])) ? undefined : conflict;
  });
}

function formatExpiringId({ serviceId, accountId, until, daysBefore }: ExpiringAccess): string {
  return [serviceId, accountId, until, daysBefore].join('#');
}
