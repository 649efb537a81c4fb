import type { Assumptions } from './assumptions.ts';
import type { NotificationEffect } from './model.ts';

/**
 * Returns the body that AWS sends to the topic. All of these bodies are INVENTED: AWS documents the four events and no body,
 * and nobody has published one.
 */
export function notificationBody(
  { event, serviceId, endpointId, endpointOwner, state, time }: NotificationEffect,
  style: Assumptions['notificationBody'],
): string {
  const timestamp = new Date(time).toISOString();
  switch (style) {
    case 'camel':
      return JSON.stringify({
        event,
        vpcEndpointServiceId: serviceId,
        vpcEndpointId: endpointId,
        vpcEndpointOwner: endpointOwner,
        vpcEndpointState: state,
        timestamp,
      });
    case 'pascal':
      return JSON.stringify({
        Event: event,
        ServiceId: serviceId,
        VpcEndpointId: endpointId,
        VpcEndpointOwner: endpointOwner,
        VpcEndpointState: state,
        Timestamp: timestamp,
      });
    case 'text':
      return `${event}: VPC endpoint ${endpointId} of account ${endpointOwner}, service ${serviceId}, at ${timestamp}`;
    case 'no-ids':
      return `A VPC endpoint connection event occurred: ${event}`;
    default:
      return style satisfies never;
  }
}
