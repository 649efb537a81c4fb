import { effectiveEntry, type Rule } from '../../lib/policy/rule.ts';

export const consumerRegionIsNotNamed: Rule = {
  name: 'consumer-region-is-not-named',
  evaluate({ endpointRegion }, policy) {
    const named = effectiveEntry(policy)?.consumerRegions;
    return named === undefined || (endpointRegion !== undefined && named.includes(endpointRegion))
      ? undefined
      : {
          outcome: 'ask',
          reason: `the entry names consumer Regions, and ${endpointRegion ?? 'an unknown Region'} is not among them`,
        };
  },
};
