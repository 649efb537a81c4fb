import {
  CreateTagsCommand,
  CreateVpcEndpointConnectionNotificationCommand,
  DeleteTagsCommand,
  DeleteVpcEndpointConnectionNotificationsCommand,
  DescribeVpcEndpointServiceConfigurationsCommand,
  type EC2Client,
  ModifyVpcEndpointConnectionNotificationCommand,
  paginateDescribeVpcEndpointConnectionNotifications,
  paginateDescribeVpcEndpointServiceConfigurations,
  paginateDescribeVpcEndpointServicePermissions,
  type ServiceConfiguration as ShownService,
} from '@aws-sdk/client-ec2';
import {
  type ConnectionNotification,
  connectionEvents,
  type EndpointServices,
  type ListedService,
} from '../services/endpoint-services.ts';
import { toExpiredTokenError } from './ec2-expired-token.ts';

/** EC2 answered, but left a connection notification as it was. */
export class NotificationRefusedError extends Error {
  override readonly name = 'NotificationRefusedError';
}

/** Deleted services stay listed for a while. */
const endedStates = new Set(['Deleting', 'Deleted']);
const servicesPerPage = 100;

/** @param stage the value of the tag `linkgate`, which lets this deployment act on a service. */
export function ec2EndpointServices(ec2: EC2Client, stage: string): EndpointServices {
  const tags = [{ Key: 'linkgate', Value: stage }];

  async function configurationOf(serviceId: string) {
    try {
      for await (const { ServiceConfigurations = [] } of paginateDescribeVpcEndpointServiceConfigurations(
        { client: ec2 },
        { ServiceIds: [serviceId] },
      ))
        for (const configuration of ServiceConfigurations) if (isThere(configuration)) return configuration;
    } catch (error) {
      // The codes of a missing service differ by call; all end so.
      if (!(error instanceof Error && error.name.endsWith('.NotFound'))) throw error;
    }
    return undefined;
  }

  async function notificationsOf(serviceId: string): Promise<ConnectionNotification[]> {
    const notifications: ConnectionNotification[] = [];
    for await (const { ConnectionNotificationSet = [] } of paginateDescribeVpcEndpointConnectionNotifications(
      { client: ec2 },
      { Filters: [{ Name: 'service-id', Values: [serviceId] }] },
    ))
      for (const each of ConnectionNotificationSet)
        notifications.push({
          notificationId: each.ConnectionNotificationId ?? '',
          topicArn: each.ConnectionNotificationArn ?? '',
          events: each.ConnectionEvents ?? [],
          isEnabled: each.ConnectionNotificationState === 'Enabled',
        });
    return notifications;
  }

  function tagging(serviceId: string) {
    return { Resources: [serviceId], Tags: tags };
  }

  return {
    async page(nextToken) {
      const command = new DescribeVpcEndpointServiceConfigurationsCommand({
        MaxResults: servicesPerPage,
        ...(nextToken !== undefined && { NextToken: nextToken }),
      });
      const { ServiceConfigurations = [], NextToken } = await ec2.send(command).catch((error: unknown) => {
        throw toExpiredTokenError(error) ?? error;
      });
      return {
        services: ServiceConfigurations.filter(isThere).map(listed),
        ...(NextToken && { nextToken: NextToken }),
      };
    },
    async describe(serviceId) {
      const configuration = await configurationOf(serviceId);
      if (!configuration) return undefined;
      const tagged = new Map(configuration.Tags?.map(({ Key, Value }) => [Key, Value]));
      const otherStage = tagged.get('linkgate');
      const isTagged = otherStage === stage;
      const [principals, notifications] = await Promise.all([
        isTagged ? principalsIn(ec2, serviceId) : undefined,
        notificationsOf(serviceId),
      ]);
      return {
        ...listed(configuration),
        ...(isOfGateways(configuration) && { isOfGateways: true }),
        ...(principals && { principals }),
        isTagged,
        ...(otherStage !== undefined && otherStage !== stage && { otherStage }),
        notifications,
      };
    },
    async tag(serviceId) {
      await ec2.send(new CreateTagsCommand(tagging(serviceId)));
    },
    async untag(serviceId) {
      await ec2.send(new DeleteTagsCommand(tagging(serviceId)));
    },
    async createNotification(serviceId, topicArn) {
      await ec2.send(new CreateVpcEndpointConnectionNotificationCommand(notifying(serviceId, topicArn)));
    },
    async repairNotification(notificationId, topicArn) {
      await ec2.send(
        new ModifyVpcEndpointConnectionNotificationCommand({
          ConnectionNotificationId: notificationId,
          ConnectionNotificationArn: topicArn,
          ConnectionEvents: [...connectionEvents],
        }),
      );
    },
    async deleteNotification(notificationId) {
      const { Unsuccessful: [refusal] = [] } = await ec2.send(
        new DeleteVpcEndpointConnectionNotificationsCommand({ ConnectionNotificationIds: [notificationId] }),
      );
      if (refusal)
        throw new NotificationRefusedError(
          `could not delete \`${notificationId}\`: ${refusal.Error?.Code} ${refusal.Error?.Message}`,
        );
    },
    async refusalOfRepair(serviceId, topicArn) {
      const DryRun = true;
      const notification = { ...notifying(serviceId, topicArn), DryRun };
      const refusals = await Promise.all([
        refusalOf(ec2.send(new CreateTagsCommand({ ...tagging(serviceId), DryRun }))),
        refusalOf(ec2.send(new CreateVpcEndpointConnectionNotificationCommand(notification))),
      ]);
      return refusals.find((refusal) => refusal !== undefined);
    },
  };
}

/** The allowed principals of a service, as EC2 writes them. */
export async function principalsIn(ec2: EC2Client, serviceId: string): Promise<string[]> {
  const principals: string[] = [];
  for await (const { AllowedPrincipals = [] } of paginateDescribeVpcEndpointServicePermissions(
    { client: ec2 },
    { ServiceId: serviceId },
  ))
    principals.push(...AllowedPrincipals.flatMap(({ Principal }) => Principal ?? []));
  return principals;
}

function notifying(serviceId: string, topicArn: string) {
  return {
    ServiceId: serviceId,
    ConnectionNotificationArn: topicArn,
    ConnectionEvents: [...connectionEvents],
  };
}

/** EC2 says that a dry run would be done, or that what is asked for is not to be had, by whoever may ask for it. */
const permitted = ['DryRunOperation', 'InvalidParameter'];

/** For want of which permission a dry run is refused. It always ends in an error, which says what would have been. */
async function refusalOf(dryRun: Promise<unknown>): Promise<string | undefined> {
  try {
    await dryRun;
  } catch (error) {
    if (error instanceof Error && error.name === 'UnauthorizedOperation') return error.message;
    if (!(error instanceof Error && permitted.includes(error.name))) throw error;
  }
  return undefined;
}

function isOfGateways({ ServiceType }: ShownService): boolean {
  return ServiceType?.some((each) => each.ServiceType === 'GatewayLoadBalancer') === true;
}

function isThere({ ServiceState }: ShownService): boolean {
  return !endedStates.has(ServiceState ?? '');
}

function listed(shown: ShownService): ListedService {
  const nameTag = shown.Tags?.find(({ Key }) => Key === 'Name')?.Value;
  return {
    serviceId: shown.ServiceId ?? '',
    serviceName: shown.ServiceName ?? '',
    ...(nameTag && { nameTag }),
    state: shown.ServiceState ?? '',
    acceptanceRequired: shown.AcceptanceRequired === true,
  };
}
