import * as v from 'valibot';
import { AccountId, ServiceId } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { ttlInOneDay } from '../storage/ttl.ts';

/** The access of an account to a service that ends soon, and the days before its end. */
export const ExpiringAccess = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  /** ISO 8601 */
  until: v.string(),
  daysBefore: v.number(),
});
export type ExpiringAccess = Readonly<v.InferOutput<typeof ExpiringAccess>>;

/** The delivery state of one expiry warning, which covers all connections of an account. TTL deletes it a day after the expiry. */
const ExpiryWarningState = v.object({
  ...ExpiringAccess.entries,
  /** ISO 8601: when the warning was due first. Retries end a day later. */
  since: v.string(),
  /** The id of its Slack message. */
  slackMessage: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** Addresses that SNS took the email for. */
  emailedTo: v.array(v.string()),
  /** ISO 8601: until then one run holds the lease. */
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
