import { effectiveEntry, type Rule } from '../../lib/policy/rule.ts';

export const endpointIsNotNamed: Rule = {
  name: 'endpoint-is-not-named',
  evaluate({ endpointId }, policy) {
    const named = effectiveEntry(policy)?.endpointIds;
    return named === undefined || named.includes(endpointId)
      ? undefined
      : { outcome: 'ask', reason: `the entry names endpoints, and ${endpointId} is not among them` };
  },
};
