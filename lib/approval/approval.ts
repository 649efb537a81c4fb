import * as v from 'valibot';
import type { Verdict } from '../policy/decide.ts';

/** A person's word on a request. */
export const Approval = v.object({
  decision: v.picklist(['approve', 'deny']),
  /** The authenticated caller: an IAM ARN. */
  by: v.string(),
  /** ISO 8601 */
  at: v.string(),
  reason: v.exactOptional(v.string()),
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

/** One denial denies; it takes a quorum of different people to approve. */
export function hear(heard: Heard, word: Approval, quorum: number): Heard {
  if (word.decision === 'deny' || quorum === 1) return { ...heard, approval: word };
  const others = (heard.approvals?.words ?? []).filter(({ by }) => by !== word.by);
  const approvals = { words: [...others, word], quorum };
  return { approvals, ...(approvals.words.length >= quorum && { approval: word }) };
}

/** Adds to a verdict that rests on several people's word, or waits for it, how many have approved. */
export function withCount(verdict: Verdict, { approval, approvals }: Heard): Verdict {
  const { outcome, findings } = verdict;
  const isAboutPeople = outcome === 'ask' || outcome === 'wait' || (outcome === 'accept' && approval);
  if (!approvals || !isAboutPeople) return verdict;
  const { words, quorum } = approvals;
  const reason = `${words.length} of ${quorum} approvals: ${words.map(({ by }) => by).join(', ')}`;
  const count = { rule: 'quorum', outcome, reason };
  // What is told first is why it is so: what stops a service comes before how many have approved.
  return { ...verdict, findings: outcome === 'ask' ? [count, ...findings] : [...findings, count] };
}
