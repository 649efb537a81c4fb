import {
  DescribeVpcEndpointConnectionsCommand,
  type EC2Client,
  type Filter,
  type VpcEndpointConnection,
} from '@aws-sdk/client-ec2';
import * as v from 'valibot';
import type { AccountRegion } from '../locations/account-region.ts';
import { Connection, type ConnectionState, connectionStates } from '../privatelink/connection.ts';
import type { ConnectionFilter, Connections } from '../privatelink/connections.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { toExpiredTokenError } from './ec2-expired-token.ts';
import { toThrottledError } from './ec2-throttling.ts';

/** The maximum page size of DescribeVpcEndpointConnections (EC2 model: 5 to 1,000). */
const connectionsPerPage = 1_000;

/**
 * Describes the connections of one location. EC2 may refuse the documented filter `vpc-endpoint-id`
 * (hashicorp/terraform-provider-aws PR 48442). After the first refusal this adapter filters by id itself.
 */
export function ec2Connections(
  ec2: EC2Client,
  location: AccountRegion,
  reportError: Runtime['reportError'],
): Connections {
  let supportsEndpointFilter = true;

  async function describe(filter: ConnectionFilter, nextToken: string | undefined) {
    const { VpcEndpointConnections = [], NextToken } = await ec2.send(
      new DescribeVpcEndpointConnectionsCommand({
        Filters: toConnectionFilters(filter, supportsEndpointFilter),
        MaxResults: connectionsPerPage,
        ...(nextToken !== undefined && { NextToken: nextToken }),
      }),
    );
    const requestedIds = supportsEndpointFilter ? undefined : filter.endpointIds;
    const connections: Connection[] = [];
    const unreadable: string[] = [];
    for (const ec2Connection of VpcEndpointConnections) {
      const { VpcEndpointId: endpointId = '' } = ec2Connection;
      if (requestedIds !== undefined && !requestedIds.includes(endpointId)) continue;
      const connection = toConnection(ec2Connection, location, reportError);
      if (connection) connections.push(connection);
      else unreadable.push(endpointId);
    }
    return {
      connections,
      ...(unreadable.length > 0 && { unreadable }),
      ...(NextToken && { nextToken: NextToken }),
    };
  }

  return {
    async page(filter, nextToken) {
      try {
        return await describe(filter, nextToken);
      } catch (error) {
        if (isRefusedFilter(error) && filter.endpointIds && supportsEndpointFilter) {
          supportsEndpointFilter = false;
          return describe(filter, nextToken);
        }
        throw toExpiredTokenError(error) ?? toThrottledError(error) ?? error;
      }
    },
  };
}

/** Whether EC2 refused a filter: with `InvalidFilter` in this call, and with `InvalidParameterValue` in other calls. */
function isRefusedFilter(error: unknown): boolean {
  const code = errorCode(error);
  if (code === 'InvalidFilter') return true;
  return code === 'InvalidParameterValue' && /filter|vpc-endpoint-id/i.test((error as Error).message);
}

function toConnectionFilters(filter: ConnectionFilter, supportsEndpointFilter: boolean): Filter[] {
  const { serviceIds, endpointIds, ownerAccountId, state } = filter;
  return [
    ...(serviceIds ? [{ Name: 'service-id', Values: [...serviceIds] }] : []),
    ...(endpointIds && supportsEndpointFilter ? [{ Name: 'vpc-endpoint-id', Values: [...endpointIds] }] : []),
    ...(ownerAccountId !== undefined ? [{ Name: 'vpc-endpoint-owner', Values: [ownerAccountId] }] : []),
    ...(state !== undefined ? [{ Name: 'vpc-endpoint-state', Values: [state] }] : []),
  ];
}

/** EC2 describes a connection without a required field, or in an unknown format. */
class UnreadableConnectionError extends Error {
  override readonly name = 'UnreadableConnectionError';

  constructor({ VpcEndpointId = '' }: VpcEndpointConnection, { region }: AccountRegion, cause: unknown) {
    super(
      `EC2 shows the connection of \`${VpcEndpointId}\` in ${region} in a form that linkgate cannot read`,
      {
        cause,
      },
    );
  }
}

/** Parses a connection. The SDK declares every field optional. Reports and omits a connection that it cannot parse. */
function toConnection(
  ec2Connection: VpcEndpointConnection,
  location: AccountRegion,
  reportError: Runtime['reportError'],
): Connection | undefined {
  const {
    VpcEndpointState: state = '',
    VpcEndpointRegion: endpointRegion,
    IpAddressType: ipAddressType,
  } = ec2Connection;
  const result = v.safeParse(Connection, {
    location,
    serviceId: ec2Connection.ServiceId,
    endpointId: ec2Connection.VpcEndpointId,
    ownerAccountId: ec2Connection.VpcEndpointOwner,
    state: toConnectionState(state),
    requestedAt: ec2Connection.CreationTimestamp?.toISOString(),
    ...(endpointRegion !== undefined && { endpointRegion }),
    ...(ipAddressType !== undefined && { ipAddressType }),
  });
  if (result.success) return result.output;
  reportError(
    new UnreadableConnectionError(ec2Connection, location, new v.ValiError(result.issues)),
    'describe connections',
  );
  return undefined;
}

/**
 * Normalizes a state: the documentation prints `pendingAcceptance`, the SDK's constants `PendingAcceptance`. An unknown state
 * counts as `partial`, for which linkgate does nothing. The connection does not count as missing.
 */
function toConnectionState(ec2State: string): ConnectionState {
  const state = ec2State.charAt(0).toLowerCase() + ec2State.slice(1);
  return connectionStates.find((candidate) => candidate === state) ?? 'partial';
}

function errorCode(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
