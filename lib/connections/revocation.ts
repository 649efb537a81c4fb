import * as v from 'valibot';

/** That a connection is to be cut, and when. */
export const Revocation = v.object({
  /** ISO 8601: when it was found that its permission is gone, or who cuts it said so. */
  since: v.string(),
  /** ISO 8601: until then it stays, and everything may change. */
  disconnectAt: v.string(),
  /** What the policy takes away has a grace period and a budget; what somebody commands has neither. */
  cause: v.picklist(['policy', 'block', 'person', 'service']),
  /** An actor: see `channelOf`. */
  by: v.string(),
  /** The budget of cuts was used up when its time had come: people are asked. */
  overQuota: v.exactOptional(v.literal(true)),
});
export type Revocation = v.InferOutput<typeof Revocation>;

const Said = { by: v.string(), at: v.string(), reason: v.exactOptional(v.string()) };

/** All that a record says of a connection that lives, beside its verdict. */
export const ConnectedState = v.object({
  revocation: v.exactOptional(Revocation),
  /** It may stay although no policy endorses it: it was there first, or somebody said so. */
  grandfathered: v.exactOptional(v.object(Said)),
  /** Somebody prolonged its grace period. */
  extended: v.exactOptional(v.object({ ...Said, until: v.string() })),
  /** Somebody revoked it, whatever the policy says; `now`: without a grace period; `customerMessage`: why, in words for the consumer. */
  revokeOrder: v.exactOptional(
    v.object({
      ...Said,
      immediate: v.exactOptional(v.literal(true)),
      customerMessage: v.exactOptional(v.string()),
    }),
  ),
  /** ISO 8601: when a policy first endorsed it, or a person approved it, while it lived. */
  allowedSince: v.exactOptional(v.string()),
  /** ISO 8601: when it was last decided as a connection that lives. */
  reevaluatedAt: v.exactOptional(v.string()),
  /** The warning before its permission expires that was given last: so many days before. */
  expiryWarning: v.exactOptional(v.object({ until: v.string(), daysBefore: v.number() })),
});
export type ConnectedState = v.InferOutput<typeof ConnectedState>;

/** The rule that speaks where people are asked about a connection since somebody else accepted it. */
export const externallyAcceptedRule = 'accepted-outside-linkgate';

export function isAboutExternalAccept({
  findings,
}: {
  readonly findings: readonly { readonly rule: string }[];
}): boolean {
  return findings.some(({ rule }) => rule === externallyAcceptedRule);
}

/** The rules that speak of a connection that lives, where no rule for requests objects to it. */
const rulesOfReviews = [
  externallyAcceptedRule,
  'no-longer-allowed',
  'person-revoked',
  'person-denied',
  'disconnect-quota-exceeded',
];

/** Whether a rule objects, such as a block: nobody overrules that, so nobody is asked. */
export function isBlockedByRule({
  outcome,
  findings: [first],
}: {
  readonly outcome: string;
  readonly findings: readonly { readonly rule: string }[];
}): boolean {
  return outcome === 'reject' && first !== undefined && !rulesOfReviews.includes(first.rule);
}

/** How many days before a permission expires people are warned. */
const warnings = [14, 7, 1] as const;
const day = 86_400_000;

/** The warning that is due: one that fell due since the verdict was reached that it is about. */
export function dueWarning(until: string, since: string, now: Date): number | undefined {
  return warnings.findLast((days) => {
    const time = warnedAt(until, days);
    return time > new Date(since).getTime() && time <= now.getTime();
  });
}

/** When the next warning is due, or the permission expires. ISO 8601. */
export function nextWarningAt(until: string, now: string): string {
  const next = warnings.map((days) => warnedAt(until, days)).find((time) => time > new Date(now).getTime());
  return next === undefined ? until : new Date(next).toISOString();
}

function warnedAt(until: string, days: number): number {
  return new Date(until).getTime() - days * day;
}
