import {
  AcceptVpcEndpointConnectionsCommand,
  type EC2Client,
  RejectVpcEndpointConnectionsCommand,
  type UnsuccessfulItem,
} from '@aws-sdk/client-ec2';
import {
  type ChangeableConnections,
  type EndpointResult,
  RefusedCallError,
} from '../privatelink/connections.ts';
import { toThrottledError } from './ec2-throttling.ts';

/**
 * Calls AcceptVpcEndpointConnections and RejectVpcEndpointConnections. Only apply-verdicts may call them, so they are in their
 * own file.
 */
export function ec2ConnectionChanges(ec2: EC2Client): Pick<ChangeableConnections, 'accept' | 'reject'> {
  async function callPerEndpoint(
    Command: typeof AcceptVpcEndpointConnectionsCommand | typeof RejectVpcEndpointConnectionsCommand,
    serviceId: string,
    endpointIds: readonly string[],
  ): Promise<EndpointResult[]> {
    try {
      const { Unsuccessful = [] } = await ec2.send(
        new Command({ ServiceId: serviceId, VpcEndpointIds: [...endpointIds] }),
      );
      // EC2 reports a refusal inside a successful response, not as an exception.
      return toEndpointResults(endpointIds, Unsuccessful);
    } catch (error) {
      throw error instanceof Error ? toRefusedCallError(error) : error;
    }
  }

  return {
    accept: (serviceId, endpointIds) =>
      callPerEndpoint(AcceptVpcEndpointConnectionsCommand, serviceId, endpointIds),
    reject: (serviceId, endpointIds) =>
      callPerEndpoint(RejectVpcEndpointConnectionsCommand, serviceId, endpointIds),
  };
}

function toEndpointResults(
  endpointIds: readonly string[],
  unsuccessful: readonly UnsuccessfulItem[],
): EndpointResult[] {
  const refusals = new Map(unsuccessful.map(({ ResourceId, Error: error }) => [ResourceId, error]));
  return endpointIds.map((endpointId) => {
    if (!refusals.has(endpointId)) return { endpointId, successful: true };
    const { Code = 'unknown', Message = '' } = refusals.get(endpointId) ?? {};
    return { endpointId, successful: false, reason: `${Code}: ${Message}` };
  });
}

/** Converts an error with which EC2 refused the call and did nothing. After any other error the result is unknown. */
function toRefusedCallError(error: Error): Error {
  const { name: code, message } = error;
  const throttling = toThrottledError(error);
  if (throttling) return throttling;
  const reason = callRefusalReason(code);
  return reason ? new RefusedCallError(reason, code, message, { cause: error }) : error;
}

/** AWS documents only some error codes of these calls. The meaning of the others follows from their names. */
function callRefusalReason(code: string): RefusedCallError['reason'] | undefined {
  if (/^InvalidVpcEndpointService|^(UnauthorizedOperation|OptInRequired)$/.test(code)) return 'service';
  if (/^InvalidVpcEndpoint|State/.test(code)) return 'endpoint';
  if (/^Invalid|LimitExceeded$|^TooMany/.test(code)) return 'size';
  return undefined;
}
