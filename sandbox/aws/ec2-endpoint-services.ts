import type * as Client from '@aws-sdk/client-ec2';
import { serviceType } from '../privatelink/endpoint-services.ts';
import type { EndpointService } from '../privatelink/model.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import { AwsError, type OperationContext } from './aws-service.ts';
import { selectPage } from './ec2-describe.ts';
import {
  addAndRemove,
  missingParameter,
  requireIds,
  requireLoadBalancers,
  requireOneOf,
} from './ec2-parameters.ts';
import { readTagSpecifications, tagList } from './ec2-tags.ts';
import { unsuccessful } from './ec2-unsuccessful.ts';

const ipAddressTypes: readonly Client.ServiceConnectivityType[] = ['ipv4', 'ipv6'];

/** The operations of a provider on endpoint services. */
export function endpointServiceOperations(privateLink: PrivateLink) {
  const { state } = privateLink;

  function configuration(service: EndpointService): Client.ServiceConfiguration {
    const { privateDns } = service;
    const regions = Object.entries(service.supportedRegions);
    return {
      ServiceType: [{ ServiceType: serviceType(service) }],
      ServiceId: service.id,
      ServiceName: service.name,
      ServiceState: serviceState(service),
      ...availabilityZones(service),
      AcceptanceRequired: service.acceptanceRequired,
      ManagesVpcEndpoints: false,
      NetworkLoadBalancerArns: service.networkLoadBalancerArns,
      GatewayLoadBalancerArns: [...(service.gatewayLoadBalancerArns ?? [])],
      SupportedIpAddressTypes: service.supportedIpAddressTypes as Client.ServiceConnectivityType[],
      BaseEndpointDnsNames: [baseDnsName(service)],
      ...(privateDns && {
        PrivateDnsName: privateDns.domain,
        PrivateDnsNameConfiguration: {
          State: privateDns.state,
          Type: 'TXT',
          Value: privateDns.recordValue,
          Name: privateDns.recordName,
        },
      }),
      Tags: tagList(state.tags[service.id]),
      SupportedRegions: regions.map(([Region, ServiceState]) => ({ Region, ServiceState })),
      RemoteAccessEnabled: regions.some(
        ([name, status]) => name !== service.region && status === 'Available',
      ),
    };
  }

  return {
    CreateVpcEndpointServiceConfiguration(
      input: Client.CreateVpcEndpointServiceConfigurationRequest,
      context: OperationContext,
    ): Client.CreateVpcEndpointServiceConfigurationResult {
      const { NetworkLoadBalancerArns: arns = [], GatewayLoadBalancerArns: gateways = [] } = input;
      if (arns.length + gateways.length === 0) throw missingParameter('NetworkLoadBalancerArns');
      if (arns.length > 0 && gateways.length > 0)
        throw new AwsError(
          'InvalidParameterCombination',
          'Give either NetworkLoadBalancerArns or GatewayLoadBalancerArns, not both',
        );
      requireLoadBalancers(context.caller, 'net', arns);
      requireLoadBalancers(context.caller, 'gwy', gateways);
      requireOneOf('SupportedIpAddressType', input.SupportedIpAddressTypes, ipAddressTypes);
      const tags = readTagSpecifications(input.TagSpecifications, 'vpc-endpoint-service');
      const created = privateLink.createService(context.caller, {
        acceptanceRequired: input.AcceptanceRequired ?? true,
        networkLoadBalancerArns: arns,
        ...(gateways.length > 0 && { gatewayLoadBalancerArns: gateways }),
        supportedIpAddressTypes: input.SupportedIpAddressTypes ?? ['ipv4'],
        supportedRegions: input.SupportedRegions ?? [],
        privateDnsName: input.PrivateDnsName,
      });
      state.tags[created.id] = tags;
      return { ServiceConfiguration: configuration(created) };
    },

    ModifyVpcEndpointServiceConfiguration(
      input: Client.ModifyVpcEndpointServiceConfigurationRequest,
      { caller }: OperationContext,
    ) {
      const { ServiceId: serviceId = '' } = input;
      requireIds('service', [serviceId]);
      const service = privateLink.service(caller, serviceId);
      requireLoadBalancers(caller, 'net', input.AddNetworkLoadBalancerArns);
      requireLoadBalancers(caller, 'gwy', input.AddGatewayLoadBalancerArns);
      requireOneOf('AddSupportedIpAddressType', input.AddSupportedIpAddressTypes, ipAddressTypes);
      const balancers = addAndRemove(
        service.networkLoadBalancerArns,
        input.AddNetworkLoadBalancerArns,
        input.RemoveNetworkLoadBalancerArns,
      );
      if (balancers.length === 0 && !service.gatewayLoadBalancerArns)
        throw new AwsError('InvalidParameter', 'An endpoint service needs at least one load balancer');
      privateLink.modifyService(caller, serviceId, {
        acceptanceRequired: input.AcceptanceRequired ?? service.acceptanceRequired,
        networkLoadBalancerArns: balancers,
        supportedIpAddressTypes: addAndRemove(
          service.supportedIpAddressTypes,
          input.AddSupportedIpAddressTypes,
          input.RemoveSupportedIpAddressTypes,
        ),
        addRegions: input.AddSupportedRegions ?? [],
        removeRegions: input.RemoveSupportedRegions ?? [],
        privateDnsName: input.RemovePrivateDnsName ? null : input.PrivateDnsName,
      });
      return { Return: true };
    },

    DescribeVpcEndpointServiceConfigurations(
      input: Client.DescribeVpcEndpointServiceConfigurationsRequest,
      context: OperationContext,
    ): Client.DescribeVpcEndpointServiceConfigurationsResult {
      requireIds('service', input.ServiceIds);
      const own = privateLink.services(context.caller);
      // EC2 lists a deleted service for a while, by its id too.
      for (const id of input.ServiceIds ?? [])
        if (!own.some((service) => service.id === id)) privateLink.service(context.caller, id);
      const selected = input.ServiceIds?.length
        ? own.filter(({ id }) => input.ServiceIds?.includes(id))
        : own;
      const { rows, NextToken } = selectPage(
        'DescribeVpcEndpointServiceConfigurations',
        selected,
        input,
        context,
      );
      return { ServiceConfigurations: rows.map(configuration), NextToken };
    },

    DeleteVpcEndpointServiceConfigurations(
      { ServiceIds: ids = [] }: Client.DeleteVpcEndpointServiceConfigurationsRequest,
      { caller, now }: OperationContext,
    ) {
      requireIds('service', ids);
      return unsuccessful(privateLink.deleteServices(caller, ids, now));
    },
  };
}

/** Each account and Region has one subnet here, and so one zone. */
export function availabilityZones({ region }: EndpointService) {
  return { AvailabilityZoneIds: [`${region}-az1`], AvailabilityZones: [`${region}a`] };
}

export function baseDnsName({ id, region }: EndpointService): string {
  return `${id}.${region}.vpce.amazonaws.com`;
}

function serviceState({ endedAt }: EndpointService): 'Available' | 'Deleted' {
  return endedAt === undefined ? 'Available' : 'Deleted';
}
