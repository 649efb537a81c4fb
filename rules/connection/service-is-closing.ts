import type { Rule } from '../../lib/policy/rule.ts';

export const serviceIsClosing: Rule = {
  name: 'service-is-closing',
  evaluate: (_request, { service: { name, deregisteringAt, deregisteringBy } }) =>
    deregisteringAt === undefined
      ? undefined
      : {
          outcome: 'reject',
          reason: `${name} is being taken out since ${deregisteringAt}${deregisteringBy ? ` by ${deregisteringBy}` : ''}`,
        },
};
