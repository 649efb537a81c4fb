import type { AllowlistEntry } from '../allowlist/entry.ts';

/** An account id with its customer's name, where an entry has it: `444455556666 (initech)`. */
export function accountText(
  accountId: string,
  entries: readonly Pick<AllowlistEntry, 'accountId' | 'customer'>[],
): string {
  const entry = entries.find((each) => each.accountId === accountId && each.customer !== undefined);
  return entry?.customer === undefined ? accountId : `${accountId} (${entry.customer})`;
}
