import { effectiveEntry } from '../../lib/allowlist/effective-entry.ts';
import { entryAccountText } from '../../lib/policy/entry-account-text.ts';
import type { Rule } from '../../lib/policy/rule.ts';

export const endpointIsNotNamed: Rule = {
  name: 'endpoint-is-not-named',
  evaluate({ endpointId, ownerAccountId }, policy) {
    const allowedEndpointIds = effectiveEntry(policy)?.endpointIds;
    return allowedEndpointIds === undefined || allowedEndpointIds.includes(endpointId)
      ? undefined
      : {
          outcome: 'ask',
          reason: `the entry of account ${entryAccountText(ownerAccountId, policy.entries)} does not allow the endpoint ${endpointId}`,
        };
  },
};
