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

/** The response to a person: the number of decided requests, or that the request was closed before. */
export interface PersonResponse {
  readonly decided: number;
  /** The number of requests with an unknown result. */
  readonly unknown?: number;
  readonly isTooLate: boolean;
}

/** Checks the decisions of people and the responses to them. */
export function watchDecisions(mustHold: AssertInvariant) {
  const spoken = new Map<string, AttemptedDecision>();
  /** The decisions that each run has recorded. */
  const written = new Map<string, AuditEntry[]>();

  function checkDecidedResponse(
    record: ConnectionRecord | undefined,
    { endpointId, by, decision }: AttemptedDecision,
  ): void {
    const { approval, approvals } = pickRecordedDecisions(record);
    const words: readonly PersonDecision[] = [
      ...(approvals?.decisions ?? []),
      ...(approval ? [approval] : []),
    ];
    mustHold(
      'responses to people are true',
      words.some((word) => word.by === by && word.decision === decision),
      `${by} is told to have decided ${endpointId}, where ${approval?.by} has`,
    );
  }

  function checkNotOpenResponse(
    record: ConnectionRecord | undefined,
    { endpointId, by }: AttemptedDecision,
    result: Extract<SubmitResult, { status: 'not-open' }>,
  ): void {
    const { approval, verdict } = record ?? {};
    const isSettled = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
    const isOverruled = approval && isSettled && !matchesDecision(verdict, approval);
    const closed = closingDecision(result);
    mustHold(
      'responses to people are true',
      closed.by !== undefined || closed.state !== 'pendingAcceptance',
      `${by} is told why ${endpointId} is not open`,
    );
    mustHold(
      'responses to people are true',
      approval === undefined || closed.by === (isOverruled ? 'linkgate' : approval.by),
      `${by} is told that ${approval?.by} decided ${endpointId}, and not that ${closed.by ?? closed.state} did`,
    );
  }

  return {
    recordAttempt({ requestId }: Run, words: AttemptedDecision): void {
      spoken.set(requestId, words);
    },
    findAttempt: ({ requestId }: Run) => spoken.get(requestId),
    recordDecision({ requestId }: Run, entry: AuditEntry): void {
      written.set(requestId, [...(written.get(requestId) ?? []), entry]);
      const said = spoken.get(requestId);
      const decision = entry.action === 'approved' ? 'approve' : 'deny';
      mustHold(
        'each decision in the audit trail was made by its actor',
        said?.by === entry.actor &&
          (said.endpointId ?? entry.endpointId) === entry.endpointId &&
          (said.decision ?? decision) === decision,
        `${entry.actor} ${entry.action} ${entry.endpointId}`,
      );
    },
    /** Checks the response of the API. */
    checkApiResponse(
      word: AttemptedDecision,
      result: SubmitResult,
      record: ConnectionRecord | undefined,
    ): void {
      if (result.status === 'decided') checkDecidedResponse(record, word);
      if (result.status === 'not-open') checkNotOpenResponse(record, word, result);
    },
    /** Checks the response in Slack or on a link's page. A repeated decision is confirmed without a write. */
    checkTextResponse(
      { requestId }: Run,
      { by, endpointId }: AttemptedDecision,
      { decided, unknown = 0, isTooLate }: PersonResponse,
      { wasOpen, hasSpoken }: { readonly wasOpen: boolean; readonly hasSpoken: boolean },
    ): void {
      const { length } = written.get(requestId) ?? [];
      mustHold(
        'responses to people are true',
        (decided <= length && length <= decided + unknown) || (decided > length && hasSpoken),
        `${by} is told to have decided ${decided} requests, where they decided ${length}`,
      );
      mustHold(
        'responses to people are true',
        !isTooLate || !wasOpen,
        `${by} is told to be too late for ${endpointId}, which is open`,
      );
    },
  };
}
