import type { EventFacts } from '../../lib/customer-notifications/customer-email.ts';

/** `endpoint vpce-… to payments` */
export function endpointText({ endpointId, service }: EventFacts): string {
  return `endpoint ${endpointId} to ${service}`;
}

/** Returns the provider's customer message, or a default sentence. */
export function reasonText(reason: string | undefined, otherwise: string): string {
  return reason === undefined ? otherwise : `The provider says: “${reason}”`;
}

/** Explains that a rejected or disconnected endpoint cannot connect again. */
export function deleteEndpoint({ endpointId, region }: EventFacts): readonly string[] {
  return [
    'Delete the endpoint. It does not reconnect, and AWS bills it until you delete it.',
    `aws ec2 delete-vpc-endpoints --region ${region} --vpc-endpoint-ids ${endpointId}`,
  ];
}

/** Explains how to keep a connection before a scheduled disconnect. */
export const askProviderToKeep =
  'To keep it, contact the provider before then. Nothing else keeps it connected.';
