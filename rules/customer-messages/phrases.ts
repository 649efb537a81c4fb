import type { EventFacts } from '../../lib/customers/customer-email.ts';

/** `endpoint vpce-… to payments` */
export function endpointText({ endpointId, service }: EventFacts): string {
  return `endpoint ${endpointId} to ${service}`;
}

/** What the provider had its reader know, or what is said where there is nothing. */
export function reasonText(reason: string | undefined, otherwise: string): string {
  return reason === undefined ? otherwise : `The provider says: “${reason}”`;
}

/** Rejected and cut endpoints are good for nothing any more. */
export function deleteEndpoint({ endpointId, region }: EventFacts): readonly string[] {
  return [
    'Delete the endpoint: it does not come back by itself, and AWS bills it until you do.',
    `aws ec2 delete-vpc-endpoints --region ${region} --vpc-endpoint-ids ${endpointId}`,
  ];
}

/** Until a connection that is to be cut is cut. */
export const askProviderToKeep = 'If it should stay, tell the provider before then; nothing else keeps it.';
