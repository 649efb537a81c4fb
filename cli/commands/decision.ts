import type { Command } from 'commander';
import * as v from 'valibot';
import { Decision } from '../api-views.ts';
import { type CommonOptions, command, endpointArgument } from '../options.ts';
import { time } from '../output.ts';
import type { Open } from '../session.ts';

const Answer = v.looseObject({ decision: Decision });

const words = { approve: 'approved', deny: 'denied' };
const outcomes = { approve: 'accept', deny: 'reject' };

interface DecisionOptions extends CommonOptions {
  readonly reason?: string;
}

export function decisionCommands(open: Open): readonly Command[] {
  const reason = ['--reason <text>', 'why; it is kept in the history'] as const;
  return [
    decisionCommand('approve', 'let a waiting request in', open).option(...reason),
    decisionCommand('deny', 'turn a waiting request away', open).requiredOption(...reason),
  ];
}

function decisionCommand(decision: 'approve' | 'deny', description: string, open: Open): Command {
  return command(decision, description)
    .addArgument(endpointArgument())
    .action(async (endpointId: string, { reason, ...common }: DecisionOptions) => {
      const { api, output } = await open(common);
      const decided = await api.call('POST', ['connections', endpointId, 'decision'], Answer, {
        body: { decision, reason },
      });
      const { by, at, verdict } = decided.decision;
      const isOverruled = verdict !== undefined && verdict !== outcomes[decision];
      if (isOverruled)
        output.warn([
          `policy comes first, and its verdict is \`${verdict}\`: \`linkgate explain ${endpointId}\` says why`,
        ]);
      output.result(
        { decision: decided.decision },
        `${endpointId} is ${words[decision]}\nby ${by} at ${time(at)}\n\nsee what EC2 makes of it with \`linkgate explain ${endpointId}\``,
      );
    });
}
