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
  /** The reason for the customer, who sees nothing else of the decision. */
  customerMessage: v.exactOptional(v.string()),
  /** An approval that also allows the account, until `expiresAt` (ISO 8601) if present. */
  allow: v.exactOptional(v.object({ expiresAt: v.exactOptional(v.string()) })),
  /** A denial that also blocks the account. */
  block: v.exactOptional(v.literal(true)),
});
export type PersonDecision = v.InferOutput<typeof PersonDecision>;

/** The decisions of people, as the record keeps them. */
export const RecordedDecisions = v.object({
  /** The decision that closed the request. There is never a second one. */
  personDecision: v.exactOptional(PersonDecision),
  /** With a quorum above one: the newest approval of each person, and the quorum. */
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

/** One denial closes the request. */
export function addDenial(personDecisions: RecordedDecisions, decision: PersonDecision): RecordedDecisions {
  return { ...personDecisions, personDecision: decision };
}

/**
 * A quorum of different people approves.
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

/** Whether the verdict is the one that the person asked for, and not one that overrides people, such as a block. */
export function matchesDecision(
  { outcome }: Pick<Verdict, 'outcome'>,
  { decision }: PersonDecision,
): boolean {
  return outcome === outcomeOfDecision[decision];
}

/** The outcome that a person asked for by their decision. */
export const outcomeOfDecision = { approve: 'accept', deny: 'reject' } as const satisfies Record<
  PersonDecision['decision'],
  Outcome
>;
