import { effectiveEntry } from '../../lib/allowlist/effective-entry.ts';
import { entryAccountText } from '../../lib/policy/entry-account-text.ts';
import type { Rule } from '../../lib/policy/rule.ts';

export const maxEndpointsReached: Rule = {
  name: 'max-endpoints-reached',
  evaluate({ endpointId, ownerAccountId }, policy) {
    const maxEndpoints = effectiveEntry(policy)?.maxEndpoints;
    const countedIds = policy.countedEndpointIds;
    const earlier = countedIds.includes(endpointId) ? countedIds.indexOf(endpointId) : countedIds.length;
    const account = entryAccountText(ownerAccountId, policy.entries);
    return maxEndpoints === undefined || earlier < maxEndpoints
      ? undefined
      : {
          outcome: 'ask',
          reason:
            earlier === maxEndpoints
              ? `account ${account} has ${earlier} of the ${maxEndpoints} endpoints that its entry allows`
              : `account ${account} has ${earlier} earlier endpoints, and its entry allows ${maxEndpoints}`,
        };
  },
};
