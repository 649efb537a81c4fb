import * as v from 'valibot';
import { Decision } from '../api-views.ts';
import { time } from '../output.ts';
import type { Session } from '../session.ts';

const DecisionResponse = v.looseObject({ decision: Decision });

const outcomes = {
  approve: { label: 'approved', verdict: 'accept' },
  deny: { label: 'denied', verdict: 'reject' },
};

interface DecisionOptions {
  readonly reason?: string;
  readonly ticket?: string;
  readonly customerMessage?: string;
}

export function sendDecision(decision: 'approve' | 'deny') {
  return async (
    { api, output }: Session,
    endpointId: string,
    { reason, ticket, customerMessage }: DecisionOptions,
  ) => {
    const path = ['connections', endpointId, 'decision'];
    const body = { decision, reason, ticket, customerMessage };
    const { decision: recordedDecision } = await api.call('POST', path, DecisionResponse, { body });
    output.warn(listPolicyWarnings(recordedDecision));
    output.result({ decision: recordedDecision }, formatDecision(recordedDecision));
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
    : `${endpointId} is ${outcomes[decision].label}\n${decidedByText}\n\nsee what EC2 makes of it with \`linkgate explain ${endpointId}\``;
}

function listPolicyWarnings(recordedDecision: Decision): string[] {
  const { endpointId, decision, verdict } = recordedDecision;
  const isEffective =
    !verdict || verdict === outcomes[decision].verdict || needsMoreApprovals(recordedDecision);
  return isEffective
    ? []
    : [`policy comes first, and its verdict is \`${verdict}\`: \`linkgate explain ${endpointId}\` says why`];
}
