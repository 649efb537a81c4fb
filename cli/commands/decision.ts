import * as v from 'valibot';
import { Decision, Warnings } from '../api-views.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { time } from '../output.ts';

const DecisionResponse = v.looseObject({ decision: Decision, warnings: Warnings });

const decisionTexts = { approve: 'approved', deny: 'denied' };
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
    const response = await api.call('POST', ['connections', endpointId, 'decision'], DecisionResponse, {
      body: { decision, reason, ticket, customerMessage },
    });
    output.result({ decision: response.decision }, formatDecision(response.decision));
    output.warn([...listPolicyWarnings(response.decision), ...(response.warnings ?? [])]);
  };
}

/** Whether the quorum needs more approvals. */
function needsMoreApprovals({ verdict, approvals, quorum }: Decision): boolean {
  const isUndecided = verdict === 'ask' || verdict === 'hold';
  return isUndecided && (approvals ?? 0) < (quorum ?? 0);
}

function formatDecision(recordedDecision: Decision): string {
  const { endpointId, decision, by, at, approvals, quorum } = recordedDecision;
  const decidedByText = `by ${by} at ${time(at)}`;
  return needsMoreApprovals(recordedDecision)
    ? `${endpointId} has ${approvals} of ${quorum} approvals, and waits for another person\nthe last ${decidedByText}`
    : `${endpointId} is ${decisionTexts[decision]}\n${decidedByText}\n\nsee what EC2 makes of it with \`linkgate explain ${endpointId}\``;
}

function listPolicyWarnings(recordedDecision: Decision): string[] {
  const { endpointId, decision, verdict } = recordedDecision;
  const isEffective = !verdict || verdict === outcomes[decision] || needsMoreApprovals(recordedDecision);
  return isEffective
    ? []
    : [`policy comes first, and its verdict is \`${verdict}\`: \`linkgate explain ${endpointId}\` says why`];
}
