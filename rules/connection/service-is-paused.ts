import type { Rule } from '../../lib/policy/rule.ts';

export const serviceIsPaused: Rule = {
  name: 'service-is-paused',
  evaluate: (_request, { service: { name, pausedAt, pausedBy, pauseReason } }) =>
    pausedAt === undefined
      ? undefined
      : {
          outcome: 'hold',
          reason: `${name} is paused since ${pausedAt}${pausedBy ? ` by ${pausedBy}` : ''}${pauseReason ? `: ${pauseReason}` : ''}`,
        },
};
