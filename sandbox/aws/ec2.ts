import type { PrivateLink } from '../privatelink/privatelink.ts';
import { AwsError, type AwsService, type Operation, type OperationContext } from './aws-service.ts';
import { listEc2Accesses } from './ec2-access.ts';
import { connectionNotificationOperations } from './ec2-connection-notifications.ts';
import { endpointConnectionOperations } from './ec2-endpoint-connections.ts';
import { endpointServiceOperations } from './ec2-endpoint-services.ts';
import { endpointOperations } from './ec2-endpoints.ts';
import { missingParameter } from './ec2-parameters.ts';
import { serviceDiscoveryOperations } from './ec2-service-discovery.ts';
import { servicePermissionOperations } from './ec2-service-permissions.ts';
import { tagOperations } from './ec2-tags.ts';

/** EC2 returns `MissingParameter` without these parameters, by their names in the query protocol. */
const requiredParameters: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  AcceptVpcEndpointConnections: { ServiceId: 'ServiceId', VpcEndpointIds: 'VpcEndpointId' },
  RejectVpcEndpointConnections: { ServiceId: 'ServiceId', VpcEndpointIds: 'VpcEndpointId' },
  ModifyVpcEndpointServiceConfiguration: { ServiceId: 'ServiceId' },
  DeleteVpcEndpointServiceConfigurations: { ServiceIds: 'ServiceId' },
  ModifyVpcEndpointServicePermissions: { ServiceId: 'ServiceId' },
  DescribeVpcEndpointServicePermissions: { ServiceId: 'ServiceId' },
  CreateVpcEndpointConnectionNotification: {
    ConnectionNotificationArn: 'ConnectionNotificationArn',
    ConnectionEvents: 'ConnectionEvents',
  },
  ModifyVpcEndpointConnectionNotification: { ConnectionNotificationId: 'ConnectionNotificationId' },
  DeleteVpcEndpointConnectionNotifications: { ConnectionNotificationIds: 'ConnectionNotificationId' },
  CreateVpcEndpoint: { VpcId: 'VpcId', ServiceName: 'ServiceName' },
  ModifyVpcEndpoint: { VpcEndpointId: 'VpcEndpointId' },
  DeleteVpcEndpoints: { VpcEndpointIds: 'VpcEndpointId' },
  CreateTags: { Resources: 'ResourceId', Tags: 'Tag' },
  DeleteTags: { Resources: 'ResourceId' },
};

/**
 * The PrivateLink part of EC2. `settle` runs before and after each operation: it carries out due transitions and publishes
 * their effects.
 */
export function createEc2(privateLink: PrivateLink, settle: (now: number) => void): AwsService {
  const operations = {
    ...endpointServiceOperations(privateLink),
    ...servicePermissionOperations(privateLink),
    ...endpointConnectionOperations(privateLink),
    ...connectionNotificationOperations(privateLink),
    ...serviceDiscoveryOperations(privateLink),
    ...endpointOperations(privateLink),
    ...tagOperations(privateLink),
  };

  return {
    signingName: 'ec2',
    loadClient: () => import('@aws-sdk/client-ec2'),
    protocol: 'ec2Query',
    xmlNamespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
    operations: Object.fromEntries(
      Object.entries(operations).map(([name, operation]) => [name, checkRequired(name, operation, settle)]),
    ),
    accesses: (operation, input, { caller }) => listEc2Accesses(privateLink, operation, input, caller),
  };
}

function checkRequired(name: string, operation: Operation, settle: (now: number) => void): Operation {
  return (input: Readonly<Record<string, unknown>>, context: OperationContext) => {
    for (const [member, parameter] of Object.entries(requiredParameters[name] ?? {}))
      if (isMissing(input[member])) throw missingParameter(parameter);
    if (input.DryRun)
      throw new AwsError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
    settle(context.now);
    const answer = operation(input as never, context);
    settle(context.now);
    return answer;
  };
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}
