import * as v from 'valibot';
import type { Verdict } from '../verdicts/verdict.ts';

/** The scheduled disconnect of a connection. */
export const Revocation = v.object({
  /** ISO 8601: the time when linkgate detected the missing permission, or of the person's decision or the block. */
  since: v.string(),
  /** ISO 8601: the scheduled time. The connection stays until then. */
  disconnectAt: v.string(),
  /** A disconnect by policy has a grace period and counts towards the disconnect quota. The other causes have neither. */
  cause: v.picklist(['policy', 'block', 'person', 'service']),
  /** An actor: see `actorChannel`. */
  by: v.string(),
  /** The disconnect quota was used up at `disconnectAt`, so approvers decide. */
  overQuota: v.exactOptional(v.literal(true)),
});
export type Revocation = v.InferOutput<typeof Revocation>;

const PersonStamp = { by: v.string(), at: v.string(), reason: v.exactOptional(v.string()) };

/** The attributes of a record for a connected endpoint, besides its verdict. */
export const ConnectedState = v.object({
  revocation: v.exactOptional(Revocation),
  /** The connection stays although no rule allows it: it is older than the registration, or somebody adopted it. */
  grandfathered: v.exactOptional(v.object(PersonStamp)),
  /** Somebody extended its grace period. */
  extended: v.exactOptional(v.object({ ...PersonStamp, until: v.string() })),
  /**
   * A person revoked it against the policy. `immediate`: without a grace period. `customerMessage`: the reason for the customer.
   */
  revokeOrder: v.exactOptional(
    v.object({
      ...PersonStamp,
      immediate: v.exactOptional(v.literal(true)),
      customerMessage: v.exactOptional(v.string()),
    }),
  ),
  /** ISO 8601: the time when a rule or a person first allowed it while it was connected. */
  allowedSince: v.exactOptional(v.string()),
  /** ISO 8601: its last evaluation as a connected endpoint. */
  reevaluatedAt: v.exactOptional(v.string()),
  /** The last warning before its permission expires: the expiry, and the days before it. */
  expiryWarning: v.exactOptional(v.object({ until: v.string(), daysBefore: v.number() })),
});
export type ConnectedState = v.InferOutput<typeof ConnectedState>;

/** The rule that requests approval for a connection that somebody accepted outside linkgate. */
export const externallyAcceptedRule = 'accepted-outside-linkgate';

export function isAboutExternalAccept({ findings }: Pick<Verdict, 'findings'>): boolean {
  return findings.some(({ rule }) => rule === externallyAcceptedRule);
}

/** The rules for connected endpoints. Any other rule that rejects is a rule for requests. */
const connectedRules = [
  externallyAcceptedRule,
  'no-longer-allowed',
  'person-revoked',
  'person-denied',
  'disconnect-quota-exceeded',
];

/** Whether a rule for requests rejects, such as a block. Nobody can overrule it, so linkgate requests no approval. */
export function isBlockedByRule({ outcome, findings: [first] }: Verdict): boolean {
  return outcome === 'reject' && first !== undefined && !connectedRules.includes(first.rule);
}
