import { effectiveEntry } from '../../lib/allowlist/effective-entry.ts';
import { entryAccountText } from '../../lib/policy/entry-account-text.ts';
import type { Rule } from '../../lib/policy/rule.ts';

export const consumerRegionIsNotNamed: Rule = {
  name: 'consumer-region-is-not-named',
  evaluate({ endpointRegion, ownerAccountId }, policy) {
    const allowedRegions = effectiveEntry(policy)?.consumerRegions;
    return allowedRegions === undefined ||
      (endpointRegion !== undefined && allowedRegions.includes(endpointRegion))
      ? undefined
      : {
          outcome: 'ask',
          reason: `the entry of account ${entryAccountText(ownerAccountId, policy.entries)} does not allow ${endpointRegion === undefined ? 'an unknown consumer Region' : `the consumer Region ${endpointRegion}`}`,
        };
  },
};
