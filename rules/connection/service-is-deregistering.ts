import type { Rule } from '../../lib/policy/rule.ts';

export const serviceIsDeregistering: Rule = {
  name: 'service-is-deregistering',
  evaluate: (_request, { service: { name, deregisteringAt, deregisteringBy } }) =>
    deregisteringAt === undefined
      ? undefined
      : {
          outcome: 'reject',
          reason: `${name} is being deregistered since ${deregisteringAt}${deregisteringBy ? ` by ${deregisteringBy}` : ''}`,
        },
};
