import * as v from 'valibot';
import { Decision, Warnings } from '../api-views.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import { time } from '../output.ts';

const Answer = v.looseObject({ decision: Decision, warnings: Warnings });

const words = { approve: 'approved', deny: 'denied' };
const outcomes = { approve: 'accept', deny: 'reject' };

interface DecisionOptions extends CommonOptions {
  readonly reason?: string;
  readonly ticket?: string;
  readonly customerMessage?: string;
}

export function approve(deps: HandlerDeps) {
  return sendDecision('approve', deps);
}

export function deny(deps: HandlerDeps) {
  return sendDecision('deny', deps);
}

function sendDecision(decision: 'approve' | 'deny', { open }: HandlerDeps) {
  return async (endpointId: string, { reason, ticket, customerMessage, ...common }: DecisionOptions) => {
    const { api, output } = await open(common);
    const answer = await api.call('POST', ['connections', endpointId, 'decision'], Answer, {
      body: { decision, reason, ticket, customerMessage },
    });
    output.result({ decision: answer.decision }, formatDecision(answer.decision));
    output.warn([...overruled(answer.decision), ...(answer.warnings ?? [])]);
  };
}

/** Whether the quorum needs more approvals. */
function isShort({ verdict, approvals, quorum }: Decision): boolean {
  const isOpen = verdict === 'ask' || verdict === 'hold';
  return isOpen && (approvals ?? 0) < (quorum ?? 0);
}

function formatDecision(decided: Decision): string {
  const { endpointId, decision, by, at, approvals, quorum } = decided;
  const who = `by ${by} at ${time(at)}`;
  return isShort(decided)
    ? `${endpointId} has ${approvals} of ${quorum} approvals, and waits for another person\nthe last ${who}`
    : `${endpointId} is ${words[decision]}\n${who}\n\nsee what EC2 makes of it with \`linkgate explain ${endpointId}\``;
}

function overruled(decided: Decision): string[] {
  const { endpointId, decision, verdict } = decided;
  const isAsSaid = !verdict || verdict === outcomes[decision] || isShort(decided);
  return isAsSaid
    ? []
    : [`policy comes first, and its verdict is \`${verdict}\`: \`linkgate explain ${endpointId}\` says why`];
}
