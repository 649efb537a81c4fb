import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';
import { AccountId, EndpointId, ServiceId } from '../privatelink/connection.ts';
import { ManagedBy } from '../runtime/managed-by.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import { Instant } from '../values/instant.ts';
import { Text } from '../values/text.ts';
import { WholeNumber } from '../values/whole-number.ts';

/** Every service, where an entry is not for one alone. */
export const allServicesScope = '*';

/** The ARN of a role without a path, as EC2 takes it for an allowed principal. */
export const RoleArn = v.pipe(
  v.string(),
  v.regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[^/\s]+$/,
    'a role looks like arn:aws:iam::111122223333:role/name, without a path',
  ),
);

/** How many endpoints an entry may allow, as somebody writes it. */
export const MaxEndpoints = WholeNumber(1, 100_000, {
  few: 'at least 1: who is to have none is blocked',
  many: 'at most 100000: leave it out for no limit',
});

/** In characters. */
export const maxNoteLength = 1_000;

/** What the provider says of one account at one service, or at every service (`*`). */
export const AllowlistEntry = v.object({
  serviceId: v.union([v.literal(allServicesScope), ServiceId]),
  accountId: AccountId,
  effect: v.picklist(['allow', 'block']),
  /** Only these endpoints; others are asked about. */
  endpointIds: v.exactOptional(v.pipe(v.array(EndpointId), v.minLength(1))),
  /** Only endpoints in these Regions; others are asked about. */
  consumerRegions: v.exactOptional(v.pipe(v.array(AccountRegion.entries.region), v.minLength(1))),
  /** How many endpoints the account may have at a service; more are asked about. */
  maxEndpoints: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** ISO 8601: from then on requests are asked about. */
  expiresAt: v.exactOptional(Instant),
  /** Actors whose account it is: they cannot approve what it asks for. */
  owners: v.exactOptional(v.pipe(v.array(v.string()), v.minLength(1))),
  note: v.exactOptional(Text(maxNoteLength)),
  /** The customer whose account it is, by name, where a policy file says so. */
  customer: v.exactOptional(v.string()),
  /** Only these roles of the account may create endpoints, where linkgate keeps the service's allowed principals; else all of the account. */
  roles: v.exactOptional(v.pipe(v.array(RoleArn), v.minLength(1))),
  managedBy: v.exactOptional(ManagedBy),
  changedAt: v.string(),
  changedBy: v.string(),
  version: v.number(),
});
export type AllowlistEntry = v.InferOutput<typeof AllowlistEntry>;

const allowlistEntryEntity = entity(AllowlistEntry.entries);

/** All entries of a service, or of every service, are one partition. */
export function allowlistPartition(serviceId: string): string {
  return `ALLOWLIST#${serviceId}`;
}

export function entryKey(serviceId: string, accountId: string): Key {
  return { pk: allowlistPartition(serviceId), sk: accountId };
}

export function readEntry(item: Item): AllowlistEntry {
  return allowlistEntryEntity.read(item);
}

export function entryItem(entry: AllowlistEntry): Item {
  return allowlistEntryEntity.item(entryKey(entry.serviceId, entry.accountId), entry);
}

/**
 * The version that comes after. It also grows across removal, so that an entry that was taken away and
 * made anew is never mistaken for the one that a decision rested on.
 */
export function nextVersion(previous: number | undefined, now: Date): number {
  return Math.max((previous ?? 0) + 1, now.getTime());
}
