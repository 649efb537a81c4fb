import { findBlock } from '../../lib/allowlist/effective-entry.ts';
import { entryAccountText } from '../../lib/policy/entry-account-text.ts';
import type { Rule } from '../../lib/policy/rule.ts';

export const accountIsBlocked: Rule = {
  name: 'account-is-blocked',
  evaluate({ ownerAccountId }, { entries, service }) {
    const block = findBlock(entries);
    if (!block) return undefined;
    const scopeText = block.serviceId === '*' ? 'every service' : service.name;
    return {
      outcome: 'reject',
      reason: `account ${entryAccountText(ownerAccountId, entries)} is blocked at ${scopeText}`,
    };
  },
};
