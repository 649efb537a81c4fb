import type { Rule } from '../../lib/policy/rule.ts';

export const serviceIsPaused: Rule = {
  name: 'service-is-paused',
  examine: (_request, { service }) =>
    service.pausedAt === undefined
      ? undefined
      : { outcome: 'wait', reason: `${service.name} is paused since ${service.pausedAt}` },
};
