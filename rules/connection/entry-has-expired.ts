import { accountText } from '../../lib/policy/account-text.ts';
import { effectiveEntry, type Rule } from '../../lib/policy/rule.ts';

export const entryHasExpired: Rule = {
  name: 'entry-has-expired',
  evaluate({ ownerAccountId }, policy, now) {
    const expiresAt = effectiveEntry(policy)?.expiresAt;
    return expiresAt === undefined || new Date(expiresAt) > now
      ? undefined
      : {
          outcome: 'ask',
          reason: `the entry of account ${accountText(ownerAccountId, policy.entries)} expired at ${expiresAt}`,
        };
  },
};
