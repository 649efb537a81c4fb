import type { Rule } from '../../lib/policy/rule.ts';

export const serviceIsClosing: Rule = {
  name: 'service-is-closing',
  examine: (_request, { service: { name, closingAt, closingBy } }) =>
    closingAt === undefined
      ? undefined
      : {
          outcome: 'reject',
          reason: `${name} is being taken out since ${closingAt}${closingBy ? ` by ${closingBy}` : ''}`,
        },
};
