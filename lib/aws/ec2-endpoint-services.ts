import {
  CreateTagsCommand,
  CreateVpcEndpointConnectionNotificationCommand,
  DeleteTagsCommand,
  DeleteVpcEndpointConnectionNotificationsCommand,
  DescribeVpcEndpointServiceConfigurationsCommand,
  type EC2Client,
  type ServiceConfiguration as Ec2Service,
  ModifyVpcEndpointConnectionNotificationCommand,
  paginateDescribeVpcEndpointConnectionNotifications,
  paginateDescribeVpcEndpointServiceConfigurations,
  paginateDescribeVpcEndpointServicePermissions,
} from '@aws-sdk/client-ec2';
import {
  connectionEvents,
  type EndpointServices,
  type ListedService,
  type NotificationConfiguration,
  type ServiceConfiguration,
  type ServicePage,
} from '../services/endpoint-services.ts';
import { toExpiredTokenError } from './ec2-expired-token.ts';

/** EC2 returned success, but did not delete a connection notification. */
export class NotificationRefusedError extends Error {
  override readonly name = 'NotificationRefusedError';
}

/** EC2 lists a deleted service for some time. */
const endedStates = new Set(['Deleting', 'Deleted']);
const servicesPerPage = 100;

/** @param stage the value of the tag `linkgate`, which authorizes this deployment to act on a service. */
export function ec2EndpointServices(ec2: EC2Client, stage: string): EndpointServices {
  const tagInput = (serviceId: string) => ({
    Resources: [serviceId],
    Tags: [{ Key: 'linkgate', Value: stage }],
  });
  return {
    page: (nextToken) => listServicePage(ec2, nextToken),
    describe: (serviceId) => describeService(ec2, serviceId, stage),
    async tag(serviceId) {
      await ec2.send(new CreateTagsCommand(tagInput(serviceId)));
    },
    async untag(serviceId) {
      await ec2.send(new DeleteTagsCommand(tagInput(serviceId)));
    },
    async createNotification(serviceId, topicArn) {
      const input = { ServiceId: serviceId, ...notificationInput(topicArn) };
      await ec2.send(new CreateVpcEndpointConnectionNotificationCommand(input));
    },
    async repairNotification(notificationId, topicArn) {
      const input = { ConnectionNotificationId: notificationId, ...notificationInput(topicArn) };
      await ec2.send(new ModifyVpcEndpointConnectionNotificationCommand(input));
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
    async findRepairDenial(serviceId, topicArn) {
      const DryRun = true;
      const notification = { ServiceId: serviceId, ...notificationInput(topicArn), DryRun };
      const refusals = await Promise.all([
        dryRunDenial(ec2.send(new CreateTagsCommand({ ...tagInput(serviceId), DryRun }))),
        dryRunDenial(ec2.send(new CreateVpcEndpointConnectionNotificationCommand(notification))),
      ]);
      return refusals.find((refusal) => refusal !== undefined);
    },
  };
}

async function listServicePage(ec2: EC2Client, nextToken: string | undefined): Promise<ServicePage> {
  const command = new DescribeVpcEndpointServiceConfigurationsCommand({
    MaxResults: servicesPerPage,
    ...(nextToken !== undefined && { NextToken: nextToken }),
  });
  const { ServiceConfigurations = [], NextToken } = await ec2.send(command).catch((error: unknown) => {
    throw toExpiredTokenError(error) ?? error;
  });
  return {
    services: ServiceConfigurations.filter(isNotDeleted).map(toListedService),
    ...(NextToken && { nextToken: NextToken }),
  };
}

async function describeService(
  ec2: EC2Client,
  serviceId: string,
  stage: string,
): Promise<ServiceConfiguration | undefined> {
  const configuration = await findConfiguration(ec2, serviceId);
  if (!configuration) return undefined;
  const tagStage = configuration.Tags?.find(({ Key }) => Key === 'linkgate')?.Value;
  const isTagged = tagStage === stage;
  const [principals, notifications] = await Promise.all([
    isTagged ? listAllowedPrincipals(ec2, serviceId) : undefined,
    listNotifications(ec2, serviceId),
  ]);
  return {
    ...toListedService(configuration),
    ...(isGatewayLoadBalancerService(configuration) && { isGatewayLoadBalancer: true }),
    ...(principals && { principals }),
    isTagged,
    ...(tagStage !== undefined && !isTagged && { otherStage: tagStage }),
    notifications,
  };
}

async function findConfiguration(ec2: EC2Client, serviceId: string): Promise<Ec2Service | undefined> {
  try {
    for await (const { ServiceConfigurations = [] } of paginateDescribeVpcEndpointServiceConfigurations(
      { client: ec2 },
      { ServiceIds: [serviceId] },
    )) {
      const configuration = ServiceConfigurations.find(isNotDeleted);
      if (configuration) return configuration;
    }
  } catch (error) {
    // The error code for a missing service differs by call, but always ends with `.NotFound`.
    if (!(error instanceof Error && error.name.endsWith('.NotFound'))) throw error;
  }
  return undefined;
}

async function listNotifications(ec2: EC2Client, serviceId: string): Promise<NotificationConfiguration[]> {
  const notifications: NotificationConfiguration[] = [];
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

/** Lists the allowed principals of a service, as EC2 writes them. */
export async function listAllowedPrincipals(ec2: EC2Client, serviceId: string): Promise<string[]> {
  const principals: string[] = [];
  for await (const { AllowedPrincipals = [] } of paginateDescribeVpcEndpointServicePermissions(
    { client: ec2 },
    { ServiceId: serviceId },
  ))
    principals.push(...AllowedPrincipals.flatMap(({ Principal }) => Principal ?? []));
  return principals;
}

function notificationInput(topicArn: string) {
  return { ConnectionNotificationArn: topicArn, ConnectionEvents: [...connectionEvents] };
}

/** Error codes of a dry run for which the caller has the permission: EC2 checks the permission before the parameters. */
const permittedDryRunCodes = ['DryRunOperation', 'InvalidParameter'];

/** Returns EC2's message if the caller lacks the permission. A dry run always ends with an error, whose code is the result. */
async function dryRunDenial(dryRun: Promise<unknown>): Promise<string | undefined> {
  try {
    await dryRun;
  } catch (error) {
    if (error instanceof Error && error.name === 'UnauthorizedOperation') return error.message;
    if (!(error instanceof Error && permittedDryRunCodes.includes(error.name))) throw error;
  }
  return undefined;
}

function isGatewayLoadBalancerService({ ServiceType }: Ec2Service): boolean {
  return ServiceType?.some((each) => each.ServiceType === 'GatewayLoadBalancer') === true;
}

function isNotDeleted({ ServiceState }: Ec2Service): boolean {
  return !endedStates.has(ServiceState ?? '');
}

function toListedService(service: Ec2Service): ListedService {
  const nameTag = service.Tags?.find(({ Key }) => Key === 'Name')?.Value;
  return {
    serviceId: service.ServiceId ?? '',
    serviceName: service.ServiceName ?? '',
    ...(nameTag && { nameTag }),
    state: service.ServiceState ?? '',
    acceptanceRequired: service.AcceptanceRequired === true,
  };
}
