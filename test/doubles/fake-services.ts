import {
  connectionEvents,
  type EndpointServices,
  type ServiceConfiguration,
} from '../../lib/services/endpoint-services.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';

/** The endpoint services of one location in EC2, and the calls that change them. */
export interface FakeServices extends EndpointServices {
  setConfiguration(configuration: ServiceConfiguration): void;
  configuration(serviceId: string): ServiceConfiguration | undefined;
  readonly calls: string[];
}

export function fakeServices(...configurations: readonly ServiceConfiguration[]): FakeServices {
  const services = new Map(configurations.map((configuration) => [configuration.serviceId, configuration]));
  const calls: string[] = [];

  function change(
    serviceId: string,
    to: (configuration: ServiceConfiguration) => Partial<ServiceConfiguration>,
  ) {
    const configuration = services.get(serviceId);
    if (configuration) services.set(serviceId, { ...configuration, ...to(configuration) });
  }

  function changeNotification(
    notificationId: string,
    to: (
      notification: ServiceConfiguration['notifications'][number],
    ) => ServiceConfiguration['notifications'],
  ) {
    for (const serviceId of services.keys())
      change(serviceId, ({ notifications }) => ({
        notifications: notifications.flatMap((each) =>
          each.notificationId === notificationId ? to(each) : each,
        ),
      }));
  }

  return {
    setConfiguration: (configuration) => services.set(configuration.serviceId, configuration),
    configuration: (serviceId) => services.get(serviceId),
    calls,
    async page(nextToken) {
      if (nextToken !== undefined) throw new ExpiredTokenError();
      return { services: [...services.values()] };
    },
    async describe(serviceId) {
      const configuration = services.get(serviceId);
      if (configuration?.isTagged !== false) return configuration;
      // IAM allows DescribeVpcEndpointServicePermissions only for services with linkgate's tag.
      const { principals: _principals, ...described } = configuration;
      return described;
    },
    async tag(serviceId) {
      calls.push(`tag ${serviceId}`);
      change(serviceId, () => ({ isTagged: true }));
    },
    async untag(serviceId) {
      calls.push(`untag ${serviceId}`);
      change(serviceId, () => ({ isTagged: false }));
    },
    async createNotification(serviceId, topicArn) {
      calls.push(`createNotification ${serviceId}`);
      change(serviceId, ({ notifications }) => ({
        notifications: [
          ...notifications,
          {
            notificationId: `vpce-nfn-${notifications.length}`,
            topicArn,
            events: connectionEvents,
            isEnabled: true,
          },
        ],
      }));
    },
    async repairNotification(notificationId, topicArn) {
      calls.push(`repairNotification ${notificationId}`);
      changeNotification(notificationId, (notification) => [
        { ...notification, topicArn, events: connectionEvents },
      ]);
    },
    async deleteNotification(notificationId) {
      calls.push(`deleteNotification ${notificationId}`);
      changeNotification(notificationId, () => []);
    },
    async findRepairDenial() {
      return undefined;
    },
  };
}
