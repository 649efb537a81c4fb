import * as v from 'valibot';
import { NeededText, OptionalText } from '../text.ts';

/** The longest that a person may write with a decision, in characters, whichever way they decide. */
export const longest = { reason: 1_000, ticket: 100, toConsumer: 500 } as const;

/** One form of each at every door: the API, Slack and links. */
export const needed = (what: keyof typeof longest, missing: string) => NeededText(longest[what], missing);
export const OptionalReason = OptionalText(longest.reason);

/** A person's word on a request. */
export const Approval = v.object({
  decision: v.picklist(['approve', 'deny']),
  /** An actor: see `channelOf`. */
  by: v.string(),
  /** ISO 8601 */
  at: v.string(),
  reason: v.exactOptional(v.string()),
  ticket: v.exactOptional(v.string()),
  /** Why, in words for the consumer, who is told nothing else of it. */
  toConsumer: v.exactOptional(v.string()),
  /** An approval that is to allow the account as well, from then on or until it expires (ISO 8601). */
  allow: v.exactOptional(v.object({ expiresAt: v.exactOptional(v.string()) })),
  /** A denial that is to block the account as well. */
  block: v.exactOptional(v.literal(true)),
});
export type Approval = v.InferOutput<typeof Approval>;

/** What people said of a request, as its record keeps it. */
export const Heard = v.object({
  /** The word that closed the request: there is never a second one. */
  approval: v.exactOptional(Approval),
  /** Where it takes several: the newest approval of each person, and how many it takes. */
  approvals: v.exactOptional(v.object({ words: v.array(Approval), quorum: v.number() })),
});
export type Heard = v.InferOutput<typeof Heard>;

/** What a record says of people's words, and nothing else of it. */
export function heardIn({ approval, approvals }: Heard = {}): Heard {
  return { ...(approval && { approval }), ...(approvals && { approvals }) };
}

/** One denial denies. */
export function denied(heard: Heard, word: Approval): Heard {
  return { ...heard, approval: word };
}

/**
 * It takes a quorum of different people to approve.
 * @param counts whether somebody's word from before still does.
 */
export function approved(
  { approvals }: Heard,
  word: Approval,
  quorum: number,
  counts: (before: Approval) => boolean = () => true,
): Heard {
  const others = (approvals?.words ?? []).filter((before) => before.by !== word.by && counts(before));
  if (quorum === 1 && others.length === 0) return { approval: word };
  const words = [...others, word];
  return { approvals: { words, quorum }, ...(words.length >= quorum && { approval: word }) };
}
