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

/** Who speaks in a run, and of what: a form may be about many requests. */
export interface AttemptedDecision {
  readonly by: string;
  readonly endpointId?: string;
  readonly decision?: SubmittedDecision['decision'];
  /** Of the message with the button. */
  readonly ts?: string;
}

/** What somebody was told: how many requests they have decided, or that the one request was closed before. */
export interface PersonResponse {
  readonly decided: number;
  /** Of how many others they were told that nobody knows. */
  readonly unknown?: number;
  readonly isTooLate: boolean;
}

/** Watches what people say and what they are told. */
export function watchDecisions(mustHold: AssertInvariant) {
  const spoken = new Map<string, AttemptedDecision>();
  /** What each run has written down of somebody's words. */
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
      'people are told what is so',
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
      'people are told what is so',
      closed.by !== undefined || closed.state !== 'pendingAcceptance',
      `${by} is told why ${endpointId} is not open`,
    );
    mustHold(
      'people are told what is so',
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
        'who has decided by the audit has said so',
        said?.by === entry.actor &&
          (said.endpointId ?? entry.endpointId) === entry.endpointId &&
          (said.decision ?? decision) === decision,
        `${entry.actor} ${entry.action} ${entry.endpointId}`,
      );
    },
    /** Through the API. */
    checkApiResponse(
      word: AttemptedDecision,
      result: SubmitResult,
      record: ConnectionRecord | undefined,
    ): void {
      if (result.status === 'decided') checkDecidedResponse(record, word);
      if (result.status === 'not-open') checkNotOpenResponse(record, word, result);
    },
    /** In Slack, or on a link's page. Who says again what they have said is told that it is so, and nothing is written. */
    checkTextResponse(
      { requestId }: Run,
      { by, endpointId }: AttemptedDecision,
      { decided, unknown = 0, isTooLate }: PersonResponse,
      { wasOpen, hasSpoken }: { readonly wasOpen: boolean; readonly hasSpoken: boolean },
    ): void {
      const { length } = written.get(requestId) ?? [];
      mustHold(
        'people are told what is so',
        (decided <= length && length <= decided + unknown) || (decided > length && hasSpoken),
        `${by} is told to have decided ${decided} requests, where they decided ${length}`,
      );
      mustHold(
        'people are told what is so',
        !isTooLate || !wasOpen,
        `${by} is told to be too late for ${endpointId}, which is open`,
      );
    },
  };
}
