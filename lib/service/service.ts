import * as v from 'valibot';
import { ServiceId } from '../connection/connection.ts';
import { Place } from '../place.ts';
import { itemKind } from '../table/item.ts';
import type { Item, Key } from '../table/table.ts';

/** What a service does with an account of which the allowlist says nothing. */
export const OnUnlisted = v.picklist(['ask', 'hold', 'reject']);

export const OnExpiry = v.picklist(['escalate', 'reject']);

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

/** An endpoint service that linkgate looks after. */
export const Service = v.object({
  serviceId: ServiceId,
  /** The provider's own name for it. */
  name: v.string(),
  /** `com.amazonaws.vpce.us-east-1.vpce-svc-…`: what consumers connect to. */
  serviceName: v.string(),
  place: Place,
  onUnlisted: OnUnlisted,
  /** The group that is asked. */
  approvers: v.string(),
  /** Each decision of a person names a ticket. */
  requireTicket: v.exactOptional(v.boolean()),
  /** How long people have for a request. */
  deadlineSeconds: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(60))),
  /** What becomes of a request that nobody decided in time: it stays open, unless the service says otherwise. */
  onExpiry: v.exactOptional(OnExpiry),
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
  /** ISO 8601: when EC2 was last asked. */
  checkedAt: v.string(),
  /** Grows when something changes that decisions rest on. */
  revision: v.number(),
  version: v.number(),
});
export type Service = v.InferOutput<typeof Service>;

const kind = itemKind(Service.entries);

export const allServices = 'SERVICES';

export function serviceKey(serviceId: string): Key {
  return { pk: allServices, sk: serviceId };
}

export function readService(item: Item): Service {
  return kind.read(item);
}

export function serviceItem(service: Service): Item {
  return kind.item(serviceKey(service.serviceId), service);
}
