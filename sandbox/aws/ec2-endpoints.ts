import type * as Client from '@aws-sdk/client-ec2';
import type { Endpoint } from '../privatelink/model.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import type { OperationContext } from './aws-service.ts';
import { selectPage } from './ec2-describe.ts';
import {
  addAndRemove,
  defaultSecurityGroupId,
  missingParameter,
  requireIds,
  requireNetwork,
  requireOneOf,
} from './ec2-parameters.ts';
import { readTagSpecifications, tagList } from './ec2-tags.ts';
import { unsuccessful } from './ec2-unsuccessful.ts';

/** The operations of a consumer on its endpoints. */
export function endpointOperations(privateLink: PrivateLink) {
  const { state } = privateLink;

  return {
    CreateVpcEndpoint(
      input: Client.CreateVpcEndpointRequest,
      context: OperationContext,
    ): Client.CreateVpcEndpointResult {
      const { caller, now } = context;
      const { ServiceName: serviceName, SubnetIds: subnetIds, SecurityGroupIds: securityGroupIds } = input;
      if (serviceName === undefined) throw missingParameter('ServiceName');
      requireNetwork({ vpcId: input.VpcId, subnetIds, securityGroupIds });
      requireOneOf('IpAddressType', input.IpAddressType && [input.IpAddressType], [
        'ipv4',
        'ipv6',
        'dualstack',
      ]);
      const tags = readTagSpecifications(input.TagSpecifications, 'vpc-endpoint');
      const created = privateLink.createEndpoint(
        caller,
        {
          serviceName,
          // The default of EC2.
          type: input.VpcEndpointType ?? 'Gateway',
          serviceRegion: input.ServiceRegion ?? caller.region,
          vpcId: input.VpcId ?? '',
          ipAddressType: input.IpAddressType ?? 'ipv4',
          subnetIds: subnetIds ?? [],
          securityGroupIds: securityGroupIds?.length ? securityGroupIds : [defaultSecurityGroupId],
          policyDocument: input.PolicyDocument,
          privateDnsEnabled: input.PrivateDnsEnabled ?? false,
        },
        now,
      );
      state.tags[created.id] = tags;
      return { VpcEndpoint: describeEndpoint(created) };
    },

    ModifyVpcEndpoint(input: Client.ModifyVpcEndpointRequest, { caller, now }: OperationContext) {
      const {
        VpcEndpointId: id = '',
        AddSubnetIds: subnetIds,
        AddSecurityGroupIds: securityGroupIds,
      } = input;
      requireIds('endpoint', [id]);
      requireNetwork({ subnetIds, securityGroupIds });
      const endpoint = privateLink.endpoint(caller, id);
      privateLink.modifyEndpoint(
        caller,
        id,
        {
          subnetIds: addAndRemove(endpoint.subnetIds, subnetIds, input.RemoveSubnetIds),
          securityGroupIds: addAndRemove(
            endpoint.securityGroupIds,
            securityGroupIds,
            input.RemoveSecurityGroupIds,
          ),
          policyDocument: input.ResetPolicy ? undefined : (input.PolicyDocument ?? endpoint.policyDocument),
          privateDnsEnabled: input.PrivateDnsEnabled ?? endpoint.privateDnsEnabled,
        },
        now,
      );
      return { Return: true };
    },

    DeleteVpcEndpoints(
      { VpcEndpointIds: ids = [] }: Client.DeleteVpcEndpointsRequest,
      { caller, now }: OperationContext,
    ) {
      requireIds('endpoint', ids);
      return unsuccessful(privateLink.deleteEndpoints(caller, ids, now));
    },

    DescribeVpcEndpoints(
      input: Client.DescribeVpcEndpointsRequest,
      context: OperationContext,
    ): Client.DescribeVpcEndpointsResult {
      const { VpcEndpointIds: ids = [] } = input;
      requireIds('endpoint', ids);
      const own =
        ids.length === 0
          ? privateLink.endpoints(context.caller)
          : [...new Set(ids)]
              .map((id) => privateLink.endpoint(context.caller, id))
              .sort((a, b) => a.serial - b.serial);
      const { rows, NextToken } = selectPage('DescribeVpcEndpoints', own, input, context);
      return { VpcEndpoints: rows.map(describeEndpoint), NextToken };
    },
  };

  function describeEndpoint(endpoint: Endpoint): Client.VpcEndpoint {
    return {
      VpcEndpointId: endpoint.id,
      VpcEndpointType: endpointType(endpoint),
      VpcId: endpoint.vpcId,
      ServiceName: endpoint.serviceName,
      // EC2 sends another casing than the SDK's constants.
      State: endpoint.state as Client.State,
      PolicyDocument: endpoint.policyDocument ?? fullAccess,
      RouteTableIds: [],
      SubnetIds: endpoint.subnetIds,
      Groups: endpoint.securityGroupIds.map((GroupId) => ({ GroupId, GroupName: 'default' })),
      IpAddressType: endpoint.ipAddressType as 'ipv4',
      DnsOptions: { DnsRecordIpType: 'ipv4' },
      PrivateDnsEnabled: endpoint.privateDnsEnabled,
      RequesterManaged: false,
      NetworkInterfaceIds: endpoint.subnetIds.map(() => endpoint.id.replace('vpce-', 'eni-')),
      DnsEntries: dnsEntries(endpoint),
      CreationTimestamp: new Date(endpoint.createdAt),
      Tags: tagList(state.tags[endpoint.id]),
      OwnerId: endpoint.accountId,
      ServiceRegion: endpoint.serviceRegion,
      PayerResponsibilities: payerValues,
    };
  }
}

function endpointType({ type }: Endpoint) {
  return type ?? 'Interface';
}

const fullAccess = JSON.stringify({
  Statement: [{ Action: '*', Effect: 'Allow', Principal: '*', Resource: '*' }],
});

export const payerValues: Client.PayerResponsibilityEntry[] = [
  { Scope: 'vpc-endpoint-charges', PayerResponsibilityType: 'vpc-endpoint-account' },
];

export function dnsEntries({ id, dnsLabel, serviceId, region }: Endpoint): Client.DnsEntry[] {
  return [
    { DnsName: `${id}-${dnsLabel}.${serviceId}.${region}.vpce.amazonaws.com`, HostedZoneId: 'Z7HUB22UULQXV' },
  ];
}
