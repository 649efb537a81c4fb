import { effectiveEntry, type Rule } from '../../lib/policy/rule.ts';

export const maxEndpointsReached: Rule = {
  name: 'max-endpoints-reached',
  evaluate({ endpointId, ownerAccountId }, policy) {
    const maxEndpoints = effectiveEntry(policy)?.maxEndpoints;
    const counted = policy.countedEndpointIds;
    const earlier = counted.includes(endpointId) ? counted.indexOf(endpointId) : counted.length;
    return maxEndpoints === undefined || earlier < maxEndpoints
      ? undefined
      : {
          outcome: 'ask',
          reason:
            earlier === maxEndpoints
              ? `account ${ownerAccountId} has ${earlier} of the ${maxEndpoints} endpoints that its entry allows`
              : `account ${ownerAccountId} has ${earlier} endpoints before it, and its entry allows ${maxEndpoints}`,
        };
  },
};
