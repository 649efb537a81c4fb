import { effectiveEntry } from '../../lib/allowlist/effective-entry.ts';
import { entryAccountText } from '../../lib/policy/entry-account-text.ts';
import type { Rule } from '../../lib/policy/rule.ts';

export const accountIsAllowed: Rule = {
  name: 'account-is-allowed',
  evaluate({ ownerAccountId }, policy) {
    const entry = effectiveEntry(policy);
    if (entry?.effect !== 'allow') return undefined;
    const scopeText = entry.serviceId === '*' ? 'every service' : policy.service.name;
    return {
      outcome: 'accept',
      reason: `account ${entryAccountText(ownerAccountId, policy.entries)} is allowed at ${scopeText}`,
      ...(entry.expiresAt !== undefined && { until: entry.expiresAt }),
    };
  },
};
