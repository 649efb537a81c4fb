import { isDeepStrictEqual } from 'node:util';
import { emptyGroup, findGroup, UnknownGroupError } from '../approvers/approver-group.ts';
import { computeDeadline, expireAtDeadline, isExpiryRejection } from '../connections/approval-request.ts';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import {
  addApproval,
  addDenial,
  type PersonDecision,
  pickRecordedDecisions,
  type RecordedDecisions,
} from '../connections/person-decision.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Table } from '../storage/table.ts';
import type { Verdict } from '../verdicts/verdict.ts';
import { authorizeDecision, isStillAuthorized } from './authorize.ts';
import { decide } from './decide.ts';
import type { Policy } from './rule.ts';

/** The verdict on a request, with all decisions of people. */
interface EvaluatedDecision {
  readonly verdict: Verdict;
  readonly personDecisions: RecordedDecisions;
  /** The added decision. Absent if it came too late. */
  readonly decision?: PersonDecision;
}

interface EvaluationContext {
  readonly policy: Policy;
  readonly now: Date;
  readonly table: Table;
}

/**
 * Evaluates a request by policy and by the decisions of people, including a new one.
 * @throws UnknownGroupError, NotAuthorizedError
 */
export async function evaluateWithDecision(
  request: Connection,
  before: ConnectionRecord | undefined,
  decision: PersonDecision | undefined,
  { policy, now, table }: EvaluationContext,
): Promise<EvaluatedDecision> {
  const { service } = policy;
  const deadline = before?.approvalRequest?.deadline ?? computeDeadline(service, now);
  const evaluate = (personDecisions: RecordedDecisions) =>
    expireAtDeadline(
      withQuorumFinding(decide(request, policy, personDecisions.personDecision, now), personDecisions),
      service,
      deadline,
      now,
    );
  const earlierDecisions = pickRecordedDecisions(before);
  const withoutDecision = { personDecisions: earlierDecisions, verdict: evaluate(earlierDecisions) };
  // After the deadline `onExpiry: reject` has precedence over a late decision, even before linkgate writes the rejection.
  if (!decision || isExpiryRejection(withoutDecision.verdict)) return withoutDecision;
  const personDecisions = await addDecision(decision, earlierDecisions, policy, table);
  return { decision, personDecisions, verdict: evaluate(personDecisions) };
}

/**
 * Adds a person's decision to the earlier ones.
 * @throws UnknownGroupError, NotAuthorizedError
 */
export async function addDecision(
  decision: PersonDecision,
  before: RecordedDecisions,
  { service, entries }: Policy,
  table: Table,
): Promise<RecordedDecisions> {
  const storedGroup = await findGroup(service.approvers, table);
  if (!storedGroup && decision.decision === 'approve') throw new UnknownGroupError(service.approvers);
  const group = storedGroup ?? emptyGroup(service.approvers);
  const authority = { service, group, entries };
  authorizeDecision(decision, authority);
  return decision.decision === 'deny'
    ? addDenial(before, decision)
    : addApproval(before, decision, group.quorum, (each) => isStillAuthorized(each, authority));
}

/** Whether a decision is a duplicate, such as a form that is submitted twice, and the quorum is unchanged. */
export function isDuplicateDecision(
  { at: _, ...decision }: PersonDecision,
  { approvals }: RecordedDecisions,
  personDecisions: RecordedDecisions,
): boolean {
  const isRecorded = (approvals?.decisions ?? []).some(({ at: _at, ...recorded }) =>
    isDeepStrictEqual(recorded, decision),
  );
  return (
    isRecorded &&
    !personDecisions.personDecision &&
    personDecisions.approvals?.decisions.length === approvals?.decisions.length
  );
}

/** Adds a finding with the number of approvals to a verdict that needs a quorum. */
export function withQuorumFinding(
  verdict: Verdict,
  { personDecision, approvals }: RecordedDecisions,
): Verdict {
  const { outcome, findings } = verdict;
  const isAboutPeople = outcome === 'ask' || outcome === 'hold' || (outcome === 'accept' && personDecision);
  if (!approvals || !isAboutPeople) return verdict;
  const { decisions, quorum } = approvals;
  const reason = `${decisions.length} of ${quorum} approvals: ${decisions.map(({ by }) => by).join(', ')}`;
  const count = { rule: 'quorum', outcome, reason };
  // The first finding is the main reason: that of a hold comes before the number of approvals.
  return { ...verdict, findings: outcome === 'ask' ? [count, ...findings] : [...findings, count] };
}
