import { readEntries } from '../allowlist/entries.ts';
import { closingDecisionText } from '../approvals/status-text.ts';
import type { SubmitResult } from '../approvals/submit-decision.ts';
import { matchesDecision } from '../connections/person-decision.ts';
import type { Service } from '../services/service.ts';
import type { ReadDeps } from '../storage/entity.ts';
import { writePlain } from '../values/styled-text.ts';
import { primaryReason } from '../verdicts/verdict.ts';
import { ApiError } from './api-error.ts';

type NotOpen = Extract<SubmitResult, { status: 'not-open' }>;

/** The decision that closed a request, with its author and time. */
interface ClosingDecision {
  readonly state: string;
  readonly by?: string;
  readonly at?: string;
  readonly decision?: string;
  readonly reason?: string;
  readonly ticket?: string;
}

export function closingDecision({ record, connection }: NotOpen): ClosingDecision {
  // A connection that EC2 does not list is deleted, regardless of its record.
  const state = connection?.state ?? 'deleted';
  const { personDecision, verdict } = record ?? {};
  const isDecided = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  if (personDecision && (!isDecided || matchesDecision(verdict, personDecision))) {
    const { allow: _allow, block: _block, customerMessage: _customerMessage, ...decision } = personDecision;
    return { state, ...decision };
  }
  if (!isDecided) return { state };
  const { outcome: decision, decidedBy: by, decidedAt: at } = verdict;
  return { state, by, at, decision, reason: primaryReason(verdict) };
}

export function notOpenError(endpointId: string, result: NotOpen): ApiError {
  const { record } = result;
  const closed = closingDecision(result);
  const decisionText = record && closingDecisionText(record);
  const closingText = decisionText ? writePlain(decisionText) : `EC2 shows it \`${closed.state}\``;
  return new ApiError(409, 'NotOpen', `${endpointId} is not open: ${closingText}`, {
    details: { ...closed },
  });
}

/** Deregistration keeps the allowlist entries of the service in the table. */
export async function warnRemainingEntries({ serviceId }: Service, deps: ReadDeps): Promise<string[]> {
  const entries = await readEntries([serviceId], deps);
  if (entries.length === 0) return [];
  return [
    `the allowlist keeps the entries of ${serviceId} (accounts: ${entries.length}), which apply again once the service is registered again: linkgate allowlist --service ${serviceId} lists them, and linkgate allowlist remove removes one`,
  ];
}
