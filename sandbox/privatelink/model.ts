import { AwsError } from '../aws/aws-service.ts';
import type { Assumptions } from './assumptions.ts';

/** The account and Region of a resource. */
export interface ResourceLocation {
  /** Twelve digits, with leading zeros. */
  readonly accountId: string;
  readonly region: string;
}

/** The states of an endpoint, in EC2's spelling. */
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
  /** The principal as the provider added it: an ARN, an account id, a service principal or `*`. */
  readonly principal: string;
}

export interface EndpointService extends ResourceLocation {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  acceptanceRequired: boolean;
  networkLoadBalancerArns: string[];
  /** Set for a service of Gateway Load Balancer endpoints. */
  readonly gatewayLoadBalancerArns?: readonly string[];
  supportedIpAddressTypes: string[];
  /** States by Region; a removed Region stays as `Closed`. */
  supportedRegions: Record<string, 'Available' | 'Closed'>;
  privateDns?: PrivateDns | undefined;
  permissions: Permission[];
  /** Set by the deletion: EC2 lists the service until then. */
  endedAt?: number;
}

export interface PrivateDns {
  readonly domain: string;
  readonly recordName: string;
  readonly recordValue: string;
  readonly state: 'pendingVerification' | 'verified' | 'failed';
}

/** An endpoint of a consumer, which the provider sees as an endpoint connection. */
export interface Endpoint extends ResourceLocation {
  readonly id: string;
  readonly serial: number;
  /** The id that the provider tags, with the same digits as the endpoint id. */
  readonly connectionId: string;
  readonly serviceId: string;
  readonly serviceName: string;
  readonly serviceRegion: string;
  readonly createdAt: number;
  readonly vpcId: string;
  readonly dnsLabel: string;
  readonly ipAddressType: string;
  /** Absent for an interface endpoint. */
  readonly type?: 'GatewayLoadBalancer';
  subnetIds: string[];
  securityGroupIds: string[];
  policyDocument: string | undefined;
  privateDnsEnabled: boolean;
  state: EndpointState;
  /** The next state of the endpoint and its time. */
  next?: { readonly state: EndpointState | 'gone'; readonly at: number } | undefined;
}

export interface ConnectionNotification extends ResourceLocation {
  readonly id: string;
  readonly serial: number;
  /** A connection notification of a service or of one endpoint. */
  readonly serviceId: string | undefined;
  readonly endpointId: string | undefined;
  topicArn: string;
  events: ConnectionEvent[];
  state: 'Enabled' | 'Disabled';
}

/** The state of all accounts and Regions as JSON data. Keys are ids. */
export interface PrivateLinkState {
  services: Record<string, EndpointService>;
  endpoints: Record<string, Endpoint>;
  notifications: Record<string, ConnectionNotification>;
  tags: Record<string, Record<string, string>>;
  /** The due times in order. `advance` skips entries that a later change replaced. */
  schedule: { readonly at: number; readonly id: string }[];
  /** Numbers resources in the order of their creation; pages use this order. */
  serial: number;
}

/** An effect outside of PrivateLink: a notification, or a change of state. */
export type Output = NotificationEffect | StateChangeEffect;

/** A message that AWS publishes to the owner's topic. */
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

interface StateChangeEffect {
  readonly type: 'state-change';
  readonly serviceId: string;
  readonly endpointId: string;
  readonly from: EndpointState | undefined;
  readonly to: EndpointState;
  readonly time: number;
}

/** The context that all parts of the model share. */
export interface PrivateLinkContext {
  readonly state: PrivateLinkState;
  /** Returns seventeen hexadecimal digits, unique. */
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
    schedule: [],
    serial: 0,
  };
}

/** Restores the state from its resources: they contain the due times and the last serial. */
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

/** Converts a refusal that concerns the whole call. */
export function toAwsError({ code, message }: Refusal): AwsError {
  return new AwsError(code, message);
}

export function isOwnedBy(location: ResourceLocation, resource: ResourceLocation): boolean {
  return resource.accountId === location.accountId && resource.region === location.region;
}

/** Times mostly come in order, so the search begins at the end. */
export function scheduleTransition({ state }: PrivateLinkContext, id: string, at: number): void {
  const earlier = state.schedule.findLastIndex((entry) => entry.at <= at);
  state.schedule.splice(earlier + 1, 0, { at, id });
}
