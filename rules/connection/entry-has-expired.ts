import { effectiveEntry } from '../../lib/allowlist/effective-entry.ts';
import { entryAccountText } from '../../lib/policy/entry-account-text.ts';
import type { Rule } from '../../lib/policy/rule.ts';

export const entryHasExpired: Rule = {
  name: 'entry-has-expired',
  evaluate({ ownerAccountId }, policy, now) {
    const expiresAt = effectiveEntry(policy)?.expiresAt;
    return expiresAt === undefined || new Date(expiresAt) > now
      ? undefined
      : {
          outcome: 'ask',
          reason: `the entry of account ${entryAccountText(ownerAccountId, policy.entries)} expired at ${expiresAt}`,
        };
  },
};
