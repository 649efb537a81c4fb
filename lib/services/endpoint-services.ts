/** The configuration of an endpoint service in EC2. */
export interface ServiceConfiguration {
  readonly serviceId: string;
  /** `com.amazonaws.vpce.us-east-1.vpce-svc-…` */
  readonly serviceName: string;
  /** The value of the tag `Name`. */
  readonly nameTag?: string;
  /** EC2's ServiceState, such as `Available`. */
  readonly state: string;
  readonly acceptanceRequired: boolean;
  /** EC2 has no connection notifications for Gateway Load Balancer services. */
  readonly isGatewayLoadBalancer?: true;
  /** ARNs, `*`, or account ids; absent if the service lacks the tag, because linkgate may not list them then. */
  readonly principals?: readonly string[];
  /** The service has the tag that allows linkgate to accept and reject. */
  readonly isTagged: boolean;
  /** The stage of another deployment that the tag names. */
  readonly otherStage?: string;
  readonly notifications: readonly NotificationConfiguration[];
}

export interface NotificationConfiguration {
  readonly notificationId: string;
  readonly topicArn: string;
  readonly events: readonly string[];
  readonly isEnabled: boolean;
}

/** All events of a connection notification. EC2 sends none when an endpoint changes or fails. */
export const connectionEvents = ['Accept', 'Connect', 'Delete', 'Reject'] as const;

/** A service in a list. */
export type ListedService = Pick<
  ServiceConfiguration,
  'serviceId' | 'serviceName' | 'nameTag' | 'state' | 'acceptanceRequired'
>;

export interface ServicePage {
  readonly services: readonly ListedService[];
  readonly nextToken?: string;
}

/** The endpoint services of one location. */
export interface EndpointServices {
  /** Returns one page of the services of the account, registered or not. */
  page(nextToken?: string): Promise<ServicePage>;
  /** @returns undefined if the account owns no such service. */
  describe(serviceId: string): Promise<ServiceConfiguration | undefined>;
  tag(serviceId: string): Promise<void>;
  untag(serviceId: string): Promise<void>;
  createNotification(serviceId: string, topicArn: string): Promise<void>;
  /** Subscribes the notification to all events. */
  repairNotification(notificationId: string, topicArn: string): Promise<void>;
  deleteNotification(notificationId: string): Promise<void>;
  /**
   * Checks with DryRun that linkgate may tag a service and create its notification.
   * @returns EC2's message if linkgate lacks a permission.
   */
  findRepairDenial(serviceId: string, topicArn: string): Promise<string | undefined>;
}
