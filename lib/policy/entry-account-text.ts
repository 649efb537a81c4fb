import type { AllowlistEntry } from '../allowlist/entry.ts';
import { accountText } from '../customers/account-text.ts';

/** Formats an account id with the customer's name from its entry. */
export function entryAccountText(
  accountId: string,
  entries: readonly Pick<AllowlistEntry, 'accountId' | 'customer'>[],
): string {
  const entry = entries.find((each) => each.accountId === accountId && each.customer !== undefined);
  return accountText(accountId, entry?.customer);
}
