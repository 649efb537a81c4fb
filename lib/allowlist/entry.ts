import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';
import { AccountId, EndpointId, ServiceId } from '../privatelink/connection.ts';
import { ManagedBy } from '../runtime/managed-by.ts';
import { entity } from '../storage/entity.ts';
import type { Key } from '../storage/table.ts';
import { Instant } from '../values/instant.ts';
import { Text } from '../values/text.ts';
import { WholeNumber } from '../values/whole-number.ts';

/** The service id of an entry that applies to every service. */
export const allServicesScope = '*';

/** The ARN of a role without a path. EC2 accepts this format for an allowed principal. */
export const RoleArn = v.pipe(
  v.string(),
  v.regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[^/\s]+$/,
    'a role looks like arn:aws:iam::111122223333:role/name, without a path',
  ),
);

/** The endpoint limit of an entry, as a person writes it. */
export const MaxEndpoints = WholeNumber(1, 100_000, {
  few: 'at least 1: block the account to allow none',
  many: 'at most 100000: leave it out for no limit',
});

/** The maximum length of a note, in characters. */
export const maxNoteLength = 1_000;

/** An allowlist entry of one account at one service, or at every service (`*`). */
export const AllowlistEntry = v.object({
  serviceId: v.union([v.literal(allServicesScope), ServiceId]),
  accountId: AccountId,
  effect: v.picklist(['allow', 'block']),
  /** The entry allows only these endpoints; other endpoints need an approval. */
  endpointIds: v.exactOptional(v.pipe(v.array(EndpointId), v.minLength(1))),
  /** The entry allows only endpoints in these Regions; other endpoints need an approval. */
  consumerRegions: v.exactOptional(v.pipe(v.array(AccountRegion.entries.region), v.minLength(1))),
  /** The maximum number of endpoints of the account at a service; more endpoints need an approval. */
  maxEndpoints: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** ISO 8601: after this time requests need an approval. */
  expiresAt: v.exactOptional(Instant),
  /** The owners of the account. They cannot approve its requests. */
  owners: v.exactOptional(v.pipe(v.array(v.string()), v.minLength(1))),
  note: v.exactOptional(Text(maxNoteLength)),
  /** The name of the account's customer, if a policy file sets it. */
  customer: v.exactOptional(v.string()),
  /**
   * The roles of the account that may create endpoints, if linkgate manages the allowed principals. Without it the whole account
   * may.
   */
  roles: v.exactOptional(v.pipe(v.array(RoleArn), v.minLength(1))),
  managedBy: v.exactOptional(ManagedBy),
  changedAt: v.string(),
  changedBy: v.string(),
  version: v.number(),
});
export type AllowlistEntry = v.InferOutput<typeof AllowlistEntry>;

/** The key of an entry: an account, and a service or `*`. An account has at most one entry at each. */
export type EntryTarget = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;

export const allowlistEntryEntity = entity(AllowlistEntry.entries, (entry) =>
  entryKey(entry.serviceId, entry.accountId),
);
export const { read: readEntry, item: entryItem } = allowlistEntryEntity;

/** Returns the partition key of the entries of a service, or of every service. */
export function allowlistPartition(serviceId: string): string {
  return `ALLOWLIST#${serviceId}`;
}

export function entryKey(serviceId: string, accountId: string): Key {
  return { pk: allowlistPartition(serviceId), sk: accountId };
}

/**
 * Returns the next version. It also grows when the entry is removed and added again, so that no new entry has the version on
 * which an earlier decision depends.
 */
export function nextVersion(previous: number | undefined, now: Date): number {
  return Math.max((previous ?? 0) + 1, now.getTime());
}
