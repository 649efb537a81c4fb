import { closingDecision } from '../../../lib/api/responses.ts';
import type { SubmitResult, SubmittedDecision } from '../../../lib/approvals/submit-decision.ts';
import type { AuditEntry } from '../../../lib/audit/audit.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import {
  matchesDecision,
  type PersonDecision,
  pickRecordedDecisions,
} from '../../../lib/connections/person-decision.ts';
import type { AssertInvariant } from '../invariants.ts';
import type { Run } from '../invocations.ts';

/** The decision that a person tries to make in a run; a form may be about many requests. */
export interface AttemptedDecision {
  readonly by: string;
  readonly endpointId?: string;
  readonly decision?: SubmittedDecision['decision'];
  /** The ts of the message with the button. */
  readonly ts?: string;
}

/** The response to a person: the number of decided requests, or that the request is already closed. */
export interface PersonResponse {
  readonly decidedCount: number;
  /** The number of requests with an unknown result. */
  readonly unknownCount?: number;
  readonly isTooLate: boolean;
}

/** Checks the decisions of people and the responses to them. */
export function watchDecisions(assertInvariant: AssertInvariant) {
  const attempts = new Map<string, AttemptedDecision>();
  /** The decisions that each run has recorded. */
  const decisionsByRun = new Map<string, AuditEntry[]>();

  function checkDecidedResponse(
    record: ConnectionRecord | undefined,
    { endpointId, by, decision }: AttemptedDecision,
  ): void {
    const { personDecision, approvals } = pickRecordedDecisions(record);
    const decisions: readonly PersonDecision[] = [
      ...(approvals?.decisions ?? []),
      ...(personDecision ? [personDecision] : []),
    ];
    assertInvariant(
      'responses to people match the recorded decisions',
      decisions.some((recorded) => recorded.by === by && recorded.decision === decision),
      `${by} gets the response that they decided ${endpointId}, where ${personDecision?.by} has`,
    );
  }

  function checkNotOpenResponse(
    record: ConnectionRecord | undefined,
    { endpointId, by }: AttemptedDecision,
    result: Extract<SubmitResult, { status: 'not-open' }>,
  ): void {
    const { personDecision, verdict } = record ?? {};
    const isSettled = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
    const isOverruled = personDecision && isSettled && !matchesDecision(verdict, personDecision);
    const closed = closingDecision(result);
    assertInvariant(
      'responses to people match the recorded decisions',
      closed.by !== undefined || closed.state !== 'pendingAcceptance',
      `${by} gets a reason why ${endpointId} is not open`,
    );
    assertInvariant(
      'responses to people match the recorded decisions',
      personDecision === undefined || closed.by === (isOverruled ? 'linkgate' : personDecision.by),
      `${by} gets the response that ${personDecision?.by} decided ${endpointId}, and not that ${closed.by ?? closed.state} did`,
    );
  }

  return {
    recordAttempt({ requestId }: Run, attempt: AttemptedDecision): void {
      attempts.set(requestId, attempt);
    },
    findAttempt: ({ requestId }: Run) => attempts.get(requestId),
    recordDecision({ requestId }: Run, entry: AuditEntry): void {
      decisionsByRun.set(requestId, [...(decisionsByRun.get(requestId) ?? []), entry]);
      const attempt = attempts.get(requestId);
      const decision = entry.action === 'approved' ? 'approve' : 'deny';
      assertInvariant(
        'each decision in the audit trail was made by its actor',
        attempt?.by === entry.actor &&
          (attempt.endpointId ?? entry.endpointId) === entry.endpointId &&
          (attempt.decision ?? decision) === decision,
        `${entry.actor} ${entry.action} ${entry.endpointId}`,
      );
    },
    /** Checks the response of the API. */
    checkApiResponse(
      attempt: AttemptedDecision,
      result: SubmitResult,
      record: ConnectionRecord | undefined,
    ): void {
      if (result.status === 'decided') checkDecidedResponse(record, attempt);
      if (result.status === 'not-open') checkNotOpenResponse(record, attempt, result);
    },
    /** Checks the response in Slack or on a link's page. A repeated decision gets a confirmation without a write. */
    checkTextResponse(
      { requestId }: Run,
      { by, endpointId }: AttemptedDecision,
      { decidedCount, unknownCount = 0, isTooLate }: PersonResponse,
      { wasOpen, hasDecided }: { readonly wasOpen: boolean; readonly hasDecided: boolean },
    ): void {
      const { length } = decisionsByRun.get(requestId) ?? [];
      assertInvariant(
        'responses to people match the recorded decisions',
        (decidedCount <= length && length <= decidedCount + unknownCount) ||
          (decidedCount > length && hasDecided),
        `${by} gets the response that they decided ${decidedCount} requests, where they decided ${length}`,
      );
      assertInvariant(
        'responses to people match the recorded decisions',
        !isTooLate || !wasOpen,
        `${by} gets the response that it is too late for ${endpointId}, which is open`,
      );
    },
  };
}
