import * as v from 'valibot';
import { AccountId, ServiceId } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { ttlInOneDay } from '../storage/ttl.ts';

/** What people are warned of: that an account's access to a service ends, so many days before. */
export const ExpiringAccess = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  /** ISO 8601 */
  until: v.string(),
  daysBefore: v.number(),
});
export type ExpiringAccess = Readonly<v.InferOutput<typeof ExpiringAccess>>;

/** Who was told of one warning already, so that they are told once, however many connections it is about. It vanishes a day after. */
const ExpiryWarningState = v.object({
  ...ExpiringAccess.entries,
  /** ISO 8601: when it was first to be told of. */
  since: v.string(),
  /** Its message. */
  slackMessage: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** Addresses that were sent its mail. */
  emailedTo: v.array(v.string()),
  /** ISO 8601: until then somebody is telling of it. */
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

/** What is remembered of a warning; of a new one that nobody was told of it. */
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
