import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';
import { ServiceId } from '../privatelink/connection.ts';
import { ManagedBy } from '../runtime/managed-by.ts';
import { entity } from '../storage/entity.ts';
import type { Key } from '../storage/table.ts';
import { WholeNumber } from '../values/whole-number.ts';

export const serviceNameFormat =
  'a name has 1 to 64 letters, digits, `.`, `_` and `-`, begins with a letter or digit, and is not an id (`vpce-…`)';
/** The provider's own name for a service. A name may not start with `vpce-`, because linkgate parses such a text as an id. */
export const ServiceName = v.pipe(
  v.string(),
  v.regex(/^(?![Vv][Pp][Cc][Ee]-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, serviceNameFormat),
);

/** The default outcome for accounts that are not in the allowlist. */
export const OnUnlisted = v.picklist(['ask', 'hold', 'reject']);

export const OnExpiry = v.picklist(['escalate', 'reject']);

/** The reaction to a connection that somebody accepted outside linkgate and that policy does not allow. */
export const OnExternalAccept = v.picklist(['ask', 'disconnect', 'adopt']);

/** `managed`: linkgate keeps AWS's allowed principals equal to the allowlist. `observed`: linkgate only reports differences. */
export const PrincipalsMode = v.picklist(['observed', 'managed']);

/** The deadline of an approval request: a minute to 90 days, in seconds. */
export const DeadlineSeconds = WholeNumber(60, 90 * 86_400, {
  few: 'the deadline is at least a minute',
  many: 'the deadline is at most 90 days',
});

/** The grace period of a connection that is no longer allowed: an hour to 90 days, in seconds. */
export const GraceSeconds = WholeNumber(3600, 90 * 86_400, {
  few: 'a grace period is at least an hour: to disconnect at once, block the account or revoke the connection',
  many: 'a grace period is at most 90 days',
});
export const defaultGraceSeconds = 72 * 3600;

export function effectiveGraceSeconds({
  graceSeconds = defaultGraceSeconds,
}: Pick<Service, 'graceSeconds'>): number {
  return graceSeconds;
}

/** A difference between a service in EC2 and what linkgate needs or recommends, by the id of the check that found it. */
export const Drift = v.object({ check: v.string(), detail: v.string() });
export type Drift = v.InferOutput<typeof Drift>;

/** A registered endpoint service. */
export const Service = v.object({
  serviceId: ServiceId,
  /** The provider's own name for the service. */
  name: v.string(),
  /** `com.amazonaws.vpce.us-east-1.vpce-svc-…`: the name to which consumers connect. */
  serviceName: v.string(),
  location: AccountRegion,
  onUnlisted: OnUnlisted,
  /** The approver group. */
  approvers: v.string(),
  /** Whether each person's decision must name a ticket. */
  requireTicket: v.exactOptional(v.boolean()),
  /** The deadline of an approval request. */
  deadlineSeconds: v.exactOptional(DeadlineSeconds),
  /** The action at the deadline. Without it linkgate leaves the request open. */
  onExpiry: v.exactOptional(OnExpiry),
  /** The grace period before a disconnect. The default is 72 hours. */
  graceSeconds: v.exactOptional(GraceSeconds),
  /** The default is `ask`. */
  onExternalAccept: v.exactOptional(OnExternalAccept),
  /** The default is `observed`. */
  principals: v.exactOptional(PrincipalsMode),
  /** Allowed principals in addition to the allowlist: `*`, users, services, or an organization. */
  otherPrincipals: v.exactOptional(v.array(v.string())),
  /**
   * The person who approved a plan of the principals, and the number of its removals. Without it `managed` changes no principal.
   */
  principalsApproval: v.exactOptional(
    v.object({ by: v.string(), at: v.string(), removals: v.exactOptional(v.number()) }),
  ),
  managedBy: v.exactOptional(ManagedBy),
  /** ISO 8601: the time when a person requested the removal of the service, which first disconnects all its connections. */
  deregisteringAt: v.exactOptional(v.string()),
  deregisteringBy: v.exactOptional(v.string()),
  /** ISO 8601. linkgate records older connections and does not change them. */
  registeredAt: v.string(),
  registeredBy: v.string(),
  /** ISO 8601: the last change of the settings, pause or resume. */
  changedAt: v.exactOptional(v.string()),
  changedBy: v.exactOptional(v.string()),
  /** ISO 8601: the start of the pause; absent while the service is not paused. */
  pausedAt: v.exactOptional(v.string()),
  pausedBy: v.exactOptional(v.string()),
  pauseReason: v.exactOptional(v.string()),
  topicArn: v.string(),
  acceptanceRequired: v.boolean(),
  /** The drift of the configuration, then that of the allowed principals. */
  drift: v.array(Drift),
  /** ISO 8601: the last check in EC2. */
  checkedAt: v.string(),
  /** ISO 8601: the start of the last comparison of allowed principals with the allowlist. */
  principalsCheckedAt: v.exactOptional(v.string()),
  /** Grows with each change of a setting on which decisions depend. */
  policyRevision: v.number(),
  version: v.number(),
});
export type Service = v.InferOutput<typeof Service>;

/** The optional settings of a service. */
export const serviceSettings = [
  'onUnlisted',
  'approvers',
  'requireTicket',
  'deadlineSeconds',
  'onExpiry',
  'graceSeconds',
  'onExternalAccept',
  'principals',
  'otherPrincipals',
] as const satisfies readonly (keyof Service)[];
/** The settings of a service in the API and in a policy. */
export const ServiceSettings = v.partial(v.pick(Service, serviceSettings));

export const serviceEntity = entity(Service.entries, ({ serviceId }) => serviceKey(serviceId));
export const { read: readService, item: serviceItem } = serviceEntity;

export const servicesPartition = 'SERVICE';

export function serviceKey(serviceId: string): Key {
  return { pk: servicesPartition, sk: serviceId };
}
