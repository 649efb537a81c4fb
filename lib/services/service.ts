import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';
import { ServiceId } from '../privatelink/connection.ts';
import { ManagedBy } from '../runtime/managed-by.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import { WholeNumber } from '../values/whole-number.ts';

export const serviceNameFormat =
  'a name has 1 to 64 letters, digits, `.`, `_` and `-`, begins with a letter or digit, and is no id (`vpce-…`)';
/** The provider's own name for a service. Whatever begins like an id of EC2 is read as an id, so that no name may. */
export const ServiceName = v.pipe(
  v.string(),
  v.regex(/^(?![Vv][Pp][Cc][Ee]-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, serviceNameFormat),
);

/** What a service does with an account of which the allowlist says nothing. */
export const OnUnlisted = v.picklist(['ask', 'hold', 'reject']);

export const OnExpiry = v.picklist(['escalate', 'reject']);

/** What a service does with a connection that somebody else accepted and the policy does not endorse. */
export const OnExternalAccept = v.picklist(['ask', 'disconnect', 'adopt']);

/** Whether AWS's allowed principals are kept equal to what the allowlist implies, or only compared with it. */
export const PrincipalsMode = v.picklist(['observed', 'managed']);

/** How long people have for a request: a minute to 90 days, in seconds. */
export const DeadlineSeconds = WholeNumber(60, 90 * 86_400, {
  few: 'people have a minute or longer',
  many: 'people have 90 days at most',
});

/** How long a connection stays after its permission has gone: an hour to 90 days, in seconds. */
export const GraceSeconds = WholeNumber(3600, 90 * 86_400, {
  few: 'a grace period is an hour or longer: what is to be cut at once is blocked or revoked',
  many: 'a grace period is 90 days at most',
});
/** 72 hours. */
export const defaultGraceSeconds = 72 * 3600;

export function effectiveGraceSeconds({
  graceSeconds = defaultGraceSeconds,
}: Pick<Service, 'graceSeconds'>): number {
  return graceSeconds;
}

/** Something about a service in EC2 that is not as linkgate needs it or would advise it. */
export const Drift = v.object({
  check: v.picklist([
    'service-is-missing',
    'acceptance-is-not-required',
    'principal-is-everyone',
    'notification-is-missing',
    'notification-is-disabled',
    'notification-lacks-events',
    'tag-is-missing',
  ]),
  detail: v.string(),
});
export type Drift = v.InferOutput<typeof Drift>;

/** How the allowed principals in EC2 differ from those that the allowlist implies. */
export const PrincipalDrift = v.object({ check: v.string(), detail: v.string() });
export type PrincipalDrift = v.InferOutput<typeof PrincipalDrift>;

/** An endpoint service that linkgate looks after. */
export const Service = v.object({
  serviceId: ServiceId,
  /** The provider's own name for it. */
  name: v.string(),
  /** `com.amazonaws.vpce.us-east-1.vpce-svc-…`: what consumers connect to. */
  serviceName: v.string(),
  location: AccountRegion,
  onUnlisted: OnUnlisted,
  /** The group that is asked. */
  approvers: v.string(),
  /** Each decision of a person names a ticket. */
  requireTicket: v.exactOptional(v.boolean()),
  /** How long people have for a request. */
  deadlineSeconds: v.exactOptional(DeadlineSeconds),
  /** What becomes of a request that nobody decided in time: it stays open, unless the service says otherwise. */
  onExpiry: v.exactOptional(OnExpiry),
  /** How long a connection stays after its permission has gone; 72 hours where nothing is said. */
  graceSeconds: v.exactOptional(GraceSeconds),
  /** `ask` where nothing is said. */
  onExternalAccept: v.exactOptional(OnExternalAccept),
  /** `observed` where nothing is said. */
  principals: v.exactOptional(PrincipalsMode),
  /** Principals that are allowed beside those that the allowlist implies: `*`, users, services, or an organization to try. */
  otherPrincipals: v.exactOptional(v.array(v.string())),
  /** Who saw a plan of its principals and agreed, and how many may go at once by that. Without it `managed` changes nothing. */
  principalsApproval: v.exactOptional(
    v.object({ by: v.string(), at: v.string(), removals: v.exactOptional(v.number()) }),
  ),
  managedBy: v.exactOptional(ManagedBy),
  /** ISO 8601, once somebody takes the service out and has all of its connections cut first. */
  deregisteringAt: v.exactOptional(v.string()),
  deregisteringBy: v.exactOptional(v.string()),
  /** ISO 8601: connections from before are recorded and left alone. */
  registeredAt: v.string(),
  registeredBy: v.string(),
  /** ISO 8601: when somebody last changed its settings, paused or resumed it. */
  changedAt: v.exactOptional(v.string()),
  changedBy: v.exactOptional(v.string()),
  /** ISO 8601, while everything is to wait. */
  pausedAt: v.exactOptional(v.string()),
  pausedBy: v.exactOptional(v.string()),
  pauseReason: v.exactOptional(v.string()),
  topicArn: v.string(),
  acceptanceRequired: v.boolean(),
  drift: v.array(Drift),
  /** Apart from `drift`, of whose checks an older version knows only its own. */
  principalDrift: v.exactOptional(v.array(PrincipalDrift)),
  /** ISO 8601: when EC2 was last asked. */
  checkedAt: v.string(),
  /** ISO 8601: when the allowed principals were last held against the allowlist, by the beginning of it. */
  principalsCheckedAt: v.exactOptional(v.string()),
  /** Grows when something changes that decisions rest on. */
  policyRevision: v.number(),
  version: v.number(),
});
export type Service = v.InferOutput<typeof Service>;

/** What somebody says of a service beside its name; each may be left out. */
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

const serviceEntity = entity(Service.entries);

export const servicesPartition = 'SERVICE';

export function serviceKey(serviceId: string): Key {
  return { pk: servicesPartition, sk: serviceId };
}

export function readService(item: Item): Service {
  return serviceEntity.read(item);
}

export function serviceItem(service: Service): Item {
  return serviceEntity.item(serviceKey(service.serviceId), service);
}
