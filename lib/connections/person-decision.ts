import * as v from 'valibot';
import { OptionalText, RequiredText } from '../values/text.ts';
import type { Outcome, Verdict } from '../verdicts/verdict.ts';

/** The longest that a person may write with a decision, in characters, whichever way they decide. */
export const maxDecisionLength = { reason: 1_000, ticket: 100, customerMessage: 500 } as const;

/** One form of each at every door: the API, Slack and links. */
export const requiredDecisionText = (what: keyof typeof maxDecisionLength, missing: string) =>
  RequiredText(maxDecisionLength[what], missing);
export const OptionalReason = OptionalText(maxDecisionLength.reason);

/** A person's word on a request. */
export const PersonDecision = v.object({
  decision: v.picklist(['approve', 'deny']),
  /** An actor: see `channelOf`. */
  by: v.string(),
  /** ISO 8601 */
  at: v.string(),
  reason: v.exactOptional(v.string()),
  ticket: v.exactOptional(v.string()),
  /** Why, in words for the consumer, who is told nothing else of it. */
  customerMessage: v.exactOptional(v.string()),
  /** An approval that is to allow the account as well, from then on or until it expires (ISO 8601). */
  allow: v.exactOptional(v.object({ expiresAt: v.exactOptional(v.string()) })),
  /** A denial that is to block the account as well. */
  block: v.exactOptional(v.literal(true)),
});
export type PersonDecision = v.InferOutput<typeof PersonDecision>;

/** What people said of a request, as its record keeps it. */
export const RecordedDecisions = v.object({
  /** The word that closed the request: there is never a second one. */
  approval: v.exactOptional(PersonDecision),
  /** Where it takes several: the newest approval of each person, and how many it takes. */
  approvals: v.exactOptional(v.object({ decisions: v.array(PersonDecision), quorum: v.number() })),
});
export type RecordedDecisions = v.InferOutput<typeof RecordedDecisions>;

/** What a record says of people's words, and nothing else of it. */
export function pickRecordedDecisions({ approval, approvals }: RecordedDecisions = {}): RecordedDecisions {
  return { ...(approval && { approval }), ...(approvals && { approvals }) };
}

/** One denial denies. */
export function addDenial(personDecisions: RecordedDecisions, word: PersonDecision): RecordedDecisions {
  return { ...personDecisions, approval: word };
}

/**
 * It takes a quorum of different people to approve.
 * @param counts whether somebody's word from before still does.
 */
export function addApproval(
  { approvals }: RecordedDecisions,
  word: PersonDecision,
  quorum: number,
  counts: (before: PersonDecision) => boolean = () => true,
): RecordedDecisions {
  const others = (approvals?.decisions ?? []).filter((before) => before.by !== word.by && counts(before));
  if (quorum === 1 && others.length === 0) return { approval: word };
  const words = [...others, word];
  return { approvals: { decisions: words, quorum }, ...(words.length >= quorum && { approval: word }) };
}

/** Whether it is what the person wanted: what comes before a person's word, such as a block, is nobody's in particular. */
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
