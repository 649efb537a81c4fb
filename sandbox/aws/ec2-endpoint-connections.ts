import type * as Client from '@aws-sdk/client-ec2';
import type { Endpoint, EndpointService } from '../privatelink/model.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import type { OperationContext } from './aws-service.ts';
import { type FilterTable, selectPage } from './ec2-describe.ts';
import { dnsEntries, payerValues } from './ec2-endpoints.ts';
import { requireIds } from './ec2-parameters.ts';
import { tagList } from './ec2-tags.ts';
import { unsuccessful } from './ec2-unsuccessful.ts';

interface Connection {
  readonly serial: number;
  readonly endpoint: Endpoint;
  readonly service: EndpointService;
}

const connectionFilters: FilterTable<Connection> = {
  'ip-address-type': ({ endpoint }) => endpoint.ipAddressType,
  'service-id': ({ service }) => service.id,
  'vpc-endpoint-id': ({ endpoint }) => endpoint.id,
  'vpc-endpoint-owner': ({ endpoint }) => endpoint.accountId,
  'vpc-endpoint-region': ({ endpoint, service }) =>
    endpoint.region === service.region ? endpoint.region : [endpoint.region, 'cross-region'],
  'vpc-endpoint-state': ({ endpoint }) => endpoint.state,
};

const { 'vpc-endpoint-id': _, ...connectionFiltersWithoutId } = connectionFilters;

/** The operations of a provider on endpoint connections. */
export function endpointConnectionOperations(privateLink: PrivateLink) {
  const { state } = privateLink;

  return {
    DescribeVpcEndpointConnections(
      input: Client.DescribeVpcEndpointConnectionsRequest,
      context: OperationContext,
    ): Client.DescribeVpcEndpointConnectionsResult {
      const isIdFilterRefused = privateLink.assumptions().endpointIdFilter === 'refused';
      const { rows, NextToken } = selectPage(
        'DescribeVpcEndpointConnections',
        privateLink.connections(context.caller),
        input,
        context,
        isIdFilterRefused ? connectionFiltersWithoutId : connectionFilters,
      );
      return { VpcEndpointConnections: rows.map(connection), NextToken };
    },

    AcceptVpcEndpointConnections(
      input: Client.AcceptVpcEndpointConnectionsRequest,
      { caller, now }: OperationContext,
    ) {
      const { serviceId, endpointIds } = namedEndpoints(input);
      return unsuccessful(privateLink.accept(caller, serviceId, endpointIds, now));
    },

    RejectVpcEndpointConnections(
      input: Client.RejectVpcEndpointConnectionsRequest,
      { caller, now }: OperationContext,
    ) {
      const { serviceId, endpointIds } = namedEndpoints(input);
      return unsuccessful(privateLink.reject(caller, serviceId, endpointIds, now));
    },
  };

  function connection({ endpoint, service }: Connection): Client.VpcEndpointConnection {
    return {
      ServiceId: service.id,
      VpcEndpointId: endpoint.id,
      VpcEndpointOwner: endpoint.accountId,
      // EC2 sends another casing than the SDK's constants.
      VpcEndpointState: endpoint.state as Client.State,
      CreationTimestamp: new Date(endpoint.createdAt),
      DnsEntries: dnsEntries(endpoint),
      NetworkLoadBalancerArns: service.networkLoadBalancerArns,
      IpAddressType: endpoint.ipAddressType as 'ipv4',
      VpcEndpointConnectionId: endpoint.connectionId,
      // The response has the provider's tags on the connection, never the consumer's tags on the endpoint.
      Tags: tagList(state.tags[endpoint.connectionId]),
      VpcEndpointRegion: endpoint.region,
      PayerResponsibilities: payerValues,
    };
  }
}

function namedEndpoints({
  ServiceId: serviceId = '',
  VpcEndpointIds: endpointIds = [],
}: Client.AcceptVpcEndpointConnectionsRequest) {
  requireIds('service', [serviceId]);
  requireIds('endpoint', endpointIds);
  return { serviceId, endpointIds };
}
