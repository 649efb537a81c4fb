/** What EC2 says of an endpoint service, as far as linkgate needs it. */
export interface ServiceConfiguration {
  readonly serviceId: string;
  /** `com.amazonaws.vpce.us-east-1.vpce-svc-…` */
  readonly serviceName: string;
  /** The value of the service's `Name` tag. */
  readonly nameTag?: string;
  /** `Available`, or what EC2 is doing with it. */
  readonly state: string;
  readonly acceptanceRequired: boolean;
  /** Its endpoints are those of Gateway Load Balancers, for which EC2 has no connection notifications. */
  readonly isGatewayLoadBalancer?: true;
  /** ARNs, `*`, or bare account ids; left out where the service lacks the tag, without which linkgate may not list them. */
  readonly principals?: readonly string[];
  /** Whether it carries the tag that lets linkgate accept and reject. */
  readonly isTagged: boolean;
  /** The other deployment whose tag it carries instead. */
  readonly otherStage?: string;
  readonly notifications: readonly NotificationConfiguration[];
}

export interface NotificationConfiguration {
  readonly notificationId: string;
  readonly topicArn: string;
  readonly events: readonly string[];
  readonly isEnabled: boolean;
}

/** All that AWS notifies of; of an endpoint that changes or fails it says nothing. */
export const connectionEvents = ['Accept', 'Connect', 'Delete', 'Reject'] as const;

/** A service as a list shows it. */
export type ListedService = Pick<
  ServiceConfiguration,
  'serviceId' | 'serviceName' | 'nameTag' | 'state' | 'acceptanceRequired'
>;

export interface ServicePage {
  readonly services: readonly ListedService[];
  readonly nextToken?: string;
}

/** What linkgate does with the endpoint services of one place. */
export interface EndpointServices {
  /** One page of the services that the account has there, registered or not. */
  page(nextToken?: string): Promise<ServicePage>;
  /** @returns undefined where the caller's account owns no such service. */
  describe(serviceId: string): Promise<ServiceConfiguration | undefined>;
  tag(serviceId: string): Promise<void>;
  untag(serviceId: string): Promise<void>;
  createNotification(serviceId: string, topicArn: string): Promise<void>;
  /** Makes it ring for all events. */
  repairNotification(notificationId: string, topicArn: string): Promise<void>;
  deleteNotification(notificationId: string): Promise<void>;
  /** Why EC2 would not let linkgate tag a service or make its notification, without doing it; undefined where it would. */
  findRepairDenial(serviceId: string, topicArn: string): Promise<string | undefined>;
}
