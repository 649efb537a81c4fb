import * as v from 'valibot';
import type { Outcome, Verdict } from '../verdicts/verdict.ts';

/** A person's decision on a request or a connection. */
export const PersonDecision = v.object({
  decision: v.picklist(['approve', 'deny']),
  /** An actor: see `actorChannel`. */
  by: v.string(),
  /** ISO 8601 */
  at: v.string(),
  reason: v.exactOptional(v.string()),
  ticket: v.exactOptional(v.string()),
  /** The reason for the customer, who sees no other part of the decision. */
  customerMessage: v.exactOptional(v.string()),
  /** The approval also allows the account, until `expiresAt` (ISO 8601) if present. */
  allow: v.exactOptional(v.object({ expiresAt: v.exactOptional(v.string()) })),
  /** The denial also blocks the account. */
  block: v.exactOptional(v.literal(true)),
});
export type PersonDecision = v.InferOutput<typeof PersonDecision>;

/** The decisions of people in the record. */
export const RecordedDecisions = v.object({
  /** The decision that closed the request. A request has at most one. */
  personDecision: v.exactOptional(PersonDecision),
  /** For a quorum above one: the newest approval of each person, and the quorum. */
  approvals: v.exactOptional(v.object({ decisions: v.array(PersonDecision), quorum: v.number() })),
});
export type RecordedDecisions = v.InferOutput<typeof RecordedDecisions>;

/** Picks the decisions of people from a record. */
export function pickRecordedDecisions({
  personDecision,
  approvals,
}: RecordedDecisions = {}): RecordedDecisions {
  return { ...(personDecision && { personDecision }), ...(approvals && { approvals }) };
}

/** Adds a denial, which closes the request. */
export function addDenial(personDecisions: RecordedDecisions, decision: PersonDecision): RecordedDecisions {
  return { ...personDecisions, personDecision: decision };
}

/**
 * Adds an approval. It closes the request once a quorum of different people has approved.
 * @param counts whether an earlier decision still counts.
 */
export function addApproval(
  { approvals }: RecordedDecisions,
  decision: PersonDecision,
  quorum: number,
  counts: (before: PersonDecision) => boolean = () => true,
): RecordedDecisions {
  const otherDecisions = (approvals?.decisions ?? []).filter(
    (before) => before.by !== decision.by && counts(before),
  );
  if (quorum === 1 && otherDecisions.length === 0) return { personDecision: decision };
  const decisions = [...otherDecisions, decision];
  return {
    approvals: { decisions, quorum },
    ...(decisions.length >= quorum && { personDecision: decision }),
  };
}

/** Whether the verdict follows the person's decision, and no rule with precedence, such as a block. */
export function matchesDecision(
  { outcome }: Pick<Verdict, 'outcome'>,
  { decision }: PersonDecision,
): boolean {
  return outcome === outcomeOfDecision[decision];
}

/** The outcome of each decision. */
export const outcomeOfDecision = { approve: 'accept', deny: 'reject' } as const satisfies Record<
  PersonDecision['decision'],
  Outcome
>;
