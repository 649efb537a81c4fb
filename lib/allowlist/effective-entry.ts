import { type AllowlistEntry, allServicesScope } from './entry.ts';

/** The entries of one account: the one at the service, then the one at `*`. */
export type AccountEntries = readonly AllowlistEntry[];

/** The entry that decides: the one at the service comes before the one at `*`, even if it has expired. */
export function effectiveEntry({
  entries,
}: {
  readonly entries: AccountEntries;
}): AllowlistEntry | undefined {
  return entries[0];
}

/** The block of an account. It counts at the service and at `*`, beside any entry that allows. */
export function findBlock(entries: AccountEntries): AllowlistEntry | undefined {
  return entries.find(({ effect }) => effect === 'block');
}

/** Orders the entries of one account at one service. */
export function orderEntries(entries: AccountEntries): AccountEntries {
  return entries.toSorted((a, b) => scopeOrder(a) - scopeOrder(b));
}

function scopeOrder({ serviceId }: AllowlistEntry): number {
  return serviceId === allServicesScope ? 1 : 0;
}
