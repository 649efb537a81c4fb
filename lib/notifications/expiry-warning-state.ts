import * as v from 'valibot';
import type { NotificationTarget } from '../outbox/notification.ts';
import { AccountId, ServiceId } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { ttlInOneDay } from '../storage/ttl.ts';

/** An account's access to a service that ends soon, and the number of days before its end. */
const ExpiringAccess = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  /** ISO 8601 */
  until: v.string(),
  daysBefore: v.number(),
});
export type ExpiringAccess = Readonly<v.InferOutput<typeof ExpiringAccess>>;

export function expiringAccessTarget({
  serviceId,
  accountId,
  until,
  daysBefore,
}: ExpiringAccess): NotificationTarget {
  return { kind: 'expiring-access', id: [serviceId, accountId, until, daysBefore].join('#') };
}

/** @throws ValiError */
export function parseExpiringAccess(id: string): ExpiringAccess {
  const [serviceId, accountId, until, daysBefore] = id.split('#');
  return v.parse(ExpiringAccess, { serviceId, accountId, until, daysBefore: Number(daysBefore) });
}

/** The delivery state of one expiry warning for all connections of an account. TTL deletes it a day after the expiry. */
const ExpiryWarningState = v.object({
  ...ExpiringAccess.entries,
  /** ISO 8601: the first due time of the warning. Retries end a day later. */
  since: v.string(),
  /** The `ts` of its Slack message. */
  slackMessage: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** The addresses whose email SNS accepted. */
  emailedTo: v.array(v.string()),
  /** ISO 8601: the end of the lease of one run. */
  leaseUntil: v.exactOptional(v.string()),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});
export type ExpiryWarningState = v.InferOutput<typeof ExpiryWarningState>;

const expiryWarningEntity = entity(ExpiryWarningState.entries);
export const readExpiryWarningState = expiryWarningEntity.read;

function expiryWarningKey({ serviceId, accountId, until, daysBefore }: ExpiringAccess): Key {
  return { pk: `EXPIRY_WARNING#${serviceId}`, sk: `${accountId}#${until}#${daysBefore}` };
}

export function expiryWarningItem(expiryWarning: ExpiryWarningState): Item {
  return expiryWarningEntity.item(expiryWarningKey(expiryWarning), expiryWarning);
}

/** @returns the stored state of a warning, or the initial state of a new one. */
export async function findExpiryWarning(
  expiring: ExpiringAccess,
  now: Date,
  table: Table,
): Promise<ExpiryWarningState> {
  const [item] = await table.get([expiryWarningKey(expiring)]);
  if (item) return expiryWarningEntity.read(item);
  const expiresAt = ttlInOneDay(new Date(expiring.until));
  return { ...expiring, since: now.toISOString(), emailedTo: [], expiresAt, version: 0 };
}
