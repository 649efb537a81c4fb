import { AwsError } from '../aws/aws-service.ts';
import type { Assumptions } from './assumptions.ts';

/** Where a resource lives. */
export interface ResourceLocation {
  /** Twelve digits, leading zeros kept. */
  readonly accountId: string;
  readonly region: string;
}

/** As EC2 spells them on the wire. */
export type EndpointState =
  | 'pendingAcceptance'
  | 'pending'
  | 'available'
  | 'rejected'
  | 'deleting'
  | 'deleted';

export type ConnectionEvent = 'Accept' | 'Connect' | 'Delete' | 'Reject';

export interface Permission {
  readonly id: string;
  readonly serial: number;
  /** As it was added: an ARN, bare digits, a service principal or `*`. */
  readonly principal: string;
}

export interface EndpointService extends ResourceLocation {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  acceptanceRequired: boolean;
  networkLoadBalancerArns: string[];
  /** Then its endpoints are Gateway Load Balancer endpoints. */
  readonly gatewayLoadBalancerArns?: readonly string[];
  supportedIpAddressTypes: string[];
  /** By Region; a Region that was removed stays as `Closed`. */
  supportedRegions: Record<string, 'Available' | 'Closed'>;
  privateDns?: PrivateDns | undefined;
  permissions: Permission[];
  /** Set once deleted; the row lingers until then. */
  endedAt?: number;
}

export interface PrivateDns {
  readonly domain: string;
  readonly recordName: string;
  readonly recordValue: string;
  readonly state: 'pendingVerification' | 'verified' | 'failed';
}

/** An endpoint that a consumer has; the provider sees it as an endpoint connection. */
export interface Endpoint extends ResourceLocation {
  readonly id: string;
  readonly serial: number;
  /** What the provider tags; in its digits like the endpoint's own id. */
  readonly connectionId: string;
  readonly serviceId: string;
  readonly serviceName: string;
  readonly serviceRegion: string;
  readonly createdAt: number;
  readonly vpcId: string;
  readonly dnsLabel: string;
  readonly ipAddressType: string;
  /** An interface endpoint's is left out. */
  readonly type?: 'GatewayLoadBalancer';
  subnetIds: string[];
  securityGroupIds: string[];
  policyDocument: string | undefined;
  privateDnsEnabled: boolean;
  state: EndpointState;
  /** What the endpoint is about to become, and when that shows. */
  next?: { readonly state: EndpointState | 'gone'; readonly at: number } | undefined;
}

export interface ConnectionNotification extends ResourceLocation {
  readonly id: string;
  readonly serial: number;
  /** A notification is about a service or about one endpoint. */
  readonly serviceId: string | undefined;
  readonly endpointId: string | undefined;
  topicArn: string;
  events: ConnectionEvent[];
  state: 'Enabled' | 'Disabled';
}

/** Plain data of every account and Region, fit for JSON. Keys are ids. */
export interface PrivateLinkState {
  services: Record<string, EndpointService>;
  endpoints: Record<string, Endpoint>;
  notifications: Record<string, ConnectionNotification>;
  tags: Record<string, Record<string, string>>;
  /** What `ClientToken`s stood for: the parameters they came with, and what was created. */
  clientTokens: Record<string, { readonly parameters: string; readonly resourceId: string }>;
  /** When something is due, by time; entries that a later change made void are skipped. */
  schedule: { readonly at: number; readonly id: string }[];
  /** Numbers resources in the order of their creation, which is the order of pages. */
  serial: number;
}

/** What the world outside PrivateLink gets to know. */
export type Output = NotificationEffect | StateChangeEffect;

/** AWS publishes to the owner's topic. */
export interface NotificationEffect extends ResourceLocation {
  readonly type: 'notification';
  readonly topicArn: string;
  readonly notificationId: string;
  readonly serviceId: string;
  readonly endpointId: string;
  readonly event: ConnectionEvent;
  readonly endpointOwner: string;
  readonly state: EndpointState;
  readonly time: number;
}

export interface StateChangeEffect {
  readonly type: 'state-change';
  readonly serviceId: string;
  readonly endpointId: string;
  readonly from: EndpointState | undefined;
  readonly to: EndpointState;
  readonly time: number;
}

/** What the parts of the model share. */
export interface PrivateLinkContext {
  readonly state: PrivateLinkState;
  /** Seventeen hexadecimal digits, never the same twice. */
  readonly id: () => string;
  readonly effects: Output[];
  assumptions: Assumptions;
}

/** One entry of an `Unsuccessful` list. */
export interface Refusal {
  readonly resourceId: string;
  readonly code: string;
  readonly message: string;
}

export function emptyState(): PrivateLinkState {
  return {
    services: {},
    endpoints: {},
    notifications: {},
    tags: {},
    clientTokens: {},
    schedule: [],
    serial: 0,
  };
}

/** The state that an earlier one was, from its resources alone: what is due, and how many there were, shows in them. */
export function restoredState(resources: Omit<PrivateLinkState, 'schedule' | 'serial'>): PrivateLinkState {
  const { services, endpoints, notifications } = resources;
  const due = [
    ...Object.values(endpoints).map(({ id, next }) => ({ id, at: next?.at })),
    ...Object.values(services).map(({ id, endedAt }) => ({ id, at: endedAt })),
  ];
  const numbered = [services, endpoints, notifications].flatMap((kind) => Object.values<WithSerial>(kind));
  const permissions = Object.values(services).flatMap((service) => service.permissions);
  return {
    ...resources,
    schedule: due.flatMap(({ id, at }) => (at === undefined ? [] : { id, at })).sort((a, b) => a.at - b.at),
    serial: [...numbered, ...permissions].reduce((next, { serial }) => Math.max(next, serial + 1), 0),
  };
}

interface WithSerial {
  readonly serial: number;
}

/** A refusal where it concerns the whole call. */
export function toAwsError({ code, message }: Refusal): AwsError {
  return new AwsError(code, message);
}

export function isOwnedBy(location: ResourceLocation, resource: ResourceLocation): boolean {
  return resource.accountId === location.accountId && resource.region === location.region;
}

/** Times mostly come in order, so looking from the end is short. */
export function scheduleTransition({ state }: PrivateLinkContext, id: string, at: number): void {
  const earlier = state.schedule.findLastIndex((entry) => entry.at <= at);
  state.schedule.splice(earlier + 1, 0, { at, id });
}
