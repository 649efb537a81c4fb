import type * as Client from '@aws-sdk/client-ec2';
import { serviceType } from '../privatelink/endpoint-services.ts';
import type { EndpointService } from '../privatelink/model.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import { AwsError, type OperationContext } from './aws-service.ts';
import { selectPage } from './ec2-describe.ts';
import { availabilityZones, baseDnsName } from './ec2-endpoint-services.ts';
import { tagList } from './ec2-tags.ts';

/** The operations by which a consumer finds the services that allow it. */
export function serviceDiscoveryOperations(privateLink: PrivateLink) {
  const { state } = privateLink;

  return {
    DescribeVpcEndpointServices(
      input: Client.DescribeVpcEndpointServicesRequest,
      context: OperationContext,
    ): Client.DescribeVpcEndpointServicesResult {
      const { caller } = context;
      // Only the provider sees the tags of its services.
      const visibleTags = ({ id, accountId }: EndpointService) =>
        accountId === caller.accountId ? (state.tags[id] ?? {}) : {};
      const serviceRegions = input.ServiceRegions?.length ? input.ServiceRegions : [caller.region];
      const visibleServices = privateLink
        .discoverableServices(caller, caller.region)
        .filter(({ region }) => serviceRegions.includes(region));
      const unknown = input.ServiceNames?.find(
        (name) => !visibleServices.some((service) => service.name === name),
      );
      if (unknown !== undefined)
        throw new AwsError('InvalidServiceName', `The Vpc Endpoint Service '${unknown}' does not exist`);
      const selected = input.ServiceNames?.length
        ? visibleServices.filter(({ name }) => input.ServiceNames?.includes(name))
        : visibleServices;
      const { rows, NextToken } = selectPage('DescribeVpcEndpointServices', selected, input, context);
      return {
        ServiceNames: rows.map(({ name }) => name),
        ServiceDetails: rows.map((service) => ({
          ...serviceDetail(service),
          Tags: tagList(visibleTags(service)),
        })),
        NextToken,
      };
    },
  };
}

function serviceDetail(service: EndpointService): Client.ServiceDetail {
  const { privateDns } = service;
  return {
    ServiceName: service.name,
    ServiceId: service.id,
    ServiceType: [{ ServiceType: serviceType(service) }],
    ServiceRegion: service.region,
    ...availabilityZones(service),
    Owner: service.accountId,
    BaseEndpointDnsNames: [baseDnsName(service)],
    ...(privateDns && {
      PrivateDnsName: privateDns.domain,
      PrivateDnsNames: [{ PrivateDnsName: privateDns.domain }],
      PrivateDnsNameVerificationState: privateDns.state,
    }),
    VpcEndpointPolicySupported: false,
    AcceptanceRequired: service.acceptanceRequired,
    ManagesVpcEndpoints: false,
    SupportedIpAddressTypes: service.supportedIpAddressTypes as 'ipv4'[],
  };
}
