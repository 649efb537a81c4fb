import * as v from 'valibot';
import { AccountId, ServiceId } from '../connection/connection.ts';
import { aDayAfter } from '../table/expiry.ts';
import { itemKind } from '../table/item.ts';
import type { Item, Key, Table } from '../table/table.ts';

/** What people are warned of: that an account's access to a service ends, so many days before. */
export const Expiring = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  /** ISO 8601 */
  until: v.string(),
  days: v.number(),
});
export type Expiring = Readonly<v.InferOutput<typeof Expiring>>;

/** Who was told of one warning already, so that they are told once, however many connections it is about. It vanishes a day after. */
const Warned = v.object({
  ...Expiring.entries,
  /** ISO 8601: when it was first to be told of. */
  since: v.string(),
  /** Its message. */
  slack: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** Addresses that were sent its mail. */
  mailed: v.array(v.string()),
  /** ISO 8601: until then somebody is telling of it. */
  heldUntil: v.exactOptional(v.string()),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});
export type Warned = v.InferOutput<typeof Warned>;

const kind = itemKind(Warned.entries);
export const readWarned = kind.read;

function warnedKey({ serviceId, accountId, until, days }: Expiring): Key {
  return { pk: `WARNED#${serviceId}`, sk: `${accountId}#${until}#${days}` };
}

export function warnedItem(warned: Warned): Item {
  return kind.item(warnedKey(warned), warned);
}

/** What is remembered of a warning; of a new one that nobody was told of it. */
export async function findWarned(expiring: Expiring, now: Date, table: Table): Promise<Warned> {
  const [item] = await table.get([warnedKey(expiring)]);
  if (item) return kind.read(item);
  const expiresAt = aDayAfter(new Date(expiring.until));
  return { ...expiring, since: now.toISOString(), mailed: [], expiresAt, version: 0 };
}
