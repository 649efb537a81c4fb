import { entryThatCounts, type Rule } from '../../lib/policy/rule.ts';

export const accountHasItsEndpoints: Rule = {
  name: 'account-has-its-endpoints',
  examine({ endpointId, ownerAccountId }, policy) {
    const maxEndpoints = entryThatCounts(policy)?.maxEndpoints;
    const others = policy.countedEndpointIds.filter((counted) => counted !== endpointId).length;
    return maxEndpoints === undefined || others < maxEndpoints
      ? undefined
      : {
          outcome: 'ask',
          reason: `account ${ownerAccountId} has ${others} of the ${maxEndpoints} endpoints that its entry allows`,
        };
  },
};
