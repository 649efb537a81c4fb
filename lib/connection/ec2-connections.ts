import {
  AcceptVpcEndpointConnectionsCommand,
  DescribeVpcEndpointConnectionsCommand,
  type EC2Client,
  type Filter,
  RejectVpcEndpointConnectionsCommand,
  type UnsuccessfulItem,
  type VpcEndpointConnection,
} from '@aws-sdk/client-ec2';
import * as v from 'valibot';
import type { Place } from '../place.ts';
import { Connection } from './connection.ts';
import {
  type Answer,
  type ConnectionFilter,
  type Connections,
  RefusedCallError,
  StaleTokenError,
  ThrottledError,
} from './connections.ts';

/** The most that DescribeVpcEndpointConnections returns in one page (EC2 model: 5 to 1,000). */
const pageSize = 1_000;

/**
 * Connections as EC2 has them in one place.
 * One report says that EC2 refuses the documented filter `vpc-endpoint-id` (hashicorp/terraform-provider-aws PR 48442); once
 * it did, ids are matched here.
 */
export function ec2Connections(ec2: EC2Client, place: Place): Connections {
  let takesEndpointIds = true;

  async function describe(filter: ConnectionFilter, nextToken: string | undefined) {
    const { VpcEndpointConnections = [], NextToken } = await ec2.send(
      new DescribeVpcEndpointConnectionsCommand({
        Filters: filtersFor(filter, takesEndpointIds),
        // EC2 refuses MaxResults beside some ways to name what is wanted, never beside filters.
        MaxResults: pageSize,
        ...(nextToken !== undefined && { NextToken: nextToken }),
      }),
    );
    const wanted = takesEndpointIds ? undefined : filter.endpointIds;
    const connections = VpcEndpointConnections.flatMap((each) => connectionFrom(each, place)).filter(
      ({ endpointId }) => wanted === undefined || wanted.includes(endpointId),
    );
    return { connections, ...(NextToken && { nextToken: NextToken }) };
  }

  async function answersTo(
    Command: typeof AcceptVpcEndpointConnectionsCommand | typeof RejectVpcEndpointConnectionsCommand,
    serviceId: string,
    endpointIds: readonly string[],
  ): Promise<Answer[]> {
    try {
      const { Unsuccessful = [] } = await ec2.send(
        new Command({ ServiceId: serviceId, VpcEndpointIds: [...endpointIds] }),
      );
      // EC2 reports a refusal inside a successful response, not as an exception.
      return answersFrom(endpointIds, Unsuccessful);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  return {
    async page(filter, nextToken) {
      try {
        return await describe(filter, nextToken);
      } catch (error) {
        if (codeOf(error) === 'InvalidParameterValue' && filter.endpointIds && takesEndpointIds) {
          takesEndpointIds = false;
          return describe(filter, nextToken);
        }
        if (nextToken !== undefined && /Token/.test(codeOf(error)))
          throw new StaleTokenError('', { cause: error });
        throw error;
      }
    },
    accept: (serviceId, endpointIds) =>
      answersTo(AcceptVpcEndpointConnectionsCommand, serviceId, endpointIds),
    reject: (serviceId, endpointIds) =>
      answersTo(RejectVpcEndpointConnectionsCommand, serviceId, endpointIds),
  };
}

function filtersFor(filter: ConnectionFilter, takesEndpointIds: boolean): Filter[] {
  const { serviceIds, endpointIds, ownerAccountId, state } = filter;
  return [
    ...(serviceIds ? [{ Name: 'service-id', Values: [...serviceIds] }] : []),
    ...(endpointIds && takesEndpointIds ? [{ Name: 'vpc-endpoint-id', Values: [...endpointIds] }] : []),
    ...(ownerAccountId !== undefined ? [{ Name: 'vpc-endpoint-owner', Values: [ownerAccountId] }] : []),
    ...(state !== undefined ? [{ Name: 'vpc-endpoint-state', Values: [state] }] : []),
  ];
}

/** Every field is optional in the SDK's types. What lacks what we need is not a connection that can be decided. */
function connectionFrom(shown: VpcEndpointConnection, place: Place): Connection[] {
  const {
    VpcEndpointState: state = '',
    VpcEndpointRegion: endpointRegion,
    IpAddressType: ipAddressType,
  } = shown;
  const result = v.safeParse(Connection, {
    place,
    serviceId: shown.ServiceId,
    endpointId: shown.VpcEndpointId,
    ownerAccountId: shown.VpcEndpointOwner,
    // The documentation prints `pendingAcceptance`, the SDK's constants `PendingAcceptance`: settled here for everyone.
    state: state.charAt(0).toLowerCase() + state.slice(1),
    requestedAt: shown.CreationTimestamp?.toISOString(),
    ...(endpointRegion !== undefined && { endpointRegion }),
    ...(ipAddressType !== undefined && { ipAddressType }),
  });
  return result.success ? [result.output] : [];
}

function answersFrom(endpointIds: readonly string[], unsuccessful: readonly UnsuccessfulItem[]): Answer[] {
  const refusals = new Map(unsuccessful.map(({ ResourceId, Error: error }) => [ResourceId, error]));
  return endpointIds.map((endpointId) => {
    if (!refusals.has(endpointId)) return { endpointId, taken: true };
    const { Code = 'unknown', Message = '' } = refusals.get(endpointId) ?? {};
    return { endpointId, taken: false, reason: `${Code}: ${Message}` };
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** Tells a refusal, which did nothing, from an error after which anything may have happened. */
function refusalOf(error: unknown): unknown {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : '';
  const refused = (because: RefusedCallError['because']) =>
    new RefusedCallError(because, code, message, { cause: error });
  if (code === 'RequestLimitExceeded' || code === 'Throttling' || code === 'ThrottlingException')
    return new ThrottledError(message, { cause: error });
  if (/^InvalidVpcEndpoint(Id|Type)?\./.test(code) || code === 'InvalidVpcEndpointType')
    return refused('endpoint');
  if (/^InvalidVpcEndpointService/.test(code) || code === 'UnauthorizedOperation' || code === 'OptInRequired')
    return refused('service');
  if (/^Invalid|LimitExceeded$|^TooMany/.test(code)) return refused('size');
  return error;
}
