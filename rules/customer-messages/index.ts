import type { CustomerMessages, EventFacts } from '../../lib/customer-notifications/customer-email.ts';
import { formatTime } from '../../lib/values/styled-text.ts';

/** The message to a customer's contact for each event. Change the texts as you like. */
export const customerMessages: CustomerMessages = {
  received: (news) => ({
    subject: 'Received',
    body: `We received the request of your ${endpointText(news)}. It is not connected yet.`,
    nextSteps: [
      'You need not do anything. We notify you of the decision. Until then EC2 shows it as pendingAcceptance.',
    ],
  }),

  waiting: (news) => ({
    subject: 'Waiting for approval',
    body: `Your ${endpointText(news)} waits for approval by the provider.`,
    nextSteps: [
      'You need not do anything. We notify you of the decision. A new endpoint does not get a faster decision.',
      'If you did not mean to create it, delete it.',
    ],
  }),

  accepted: (news) => ({
    subject: 'Accepted',
    body: `Your ${endpointText(news)} is accepted.`,
    nextSteps: [
      'Let the security group of the endpoint admit your clients at the ports of the service.',
      `aws ec2 describe-vpc-endpoints --region ${news.region} --vpc-endpoint-ids ${news.endpointId} --query "VpcEndpoints[].[State,Groups,SubnetIds,DnsEntries]"`,
      'If the service has a private DNS name, enable it for the endpoint. Your clients then resolve the service by that name.',
      `aws ec2 describe-vpc-endpoint-services --region ${news.region} --service-names ${news.serviceName} --query "ServiceDetails[].[PrivateDnsName,PrivateDnsNameVerificationState,AvailabilityZones]"`,
      `aws ec2 modify-vpc-endpoint --region ${news.region} --vpc-endpoint-id ${news.endpointId} --private-dns-enabled`,
      'Give the endpoint a subnet in each Availability Zone that your clients share with the service, so that they stay connected when a zone fails.',
    ],
  }),

  rejected: (news) => ({
    subject: 'Rejected',
    body: `Your ${endpointText(news)} is rejected. ${reasonText(news, 'The provider does not allow it.')}`,
    nextSteps: [
      ...deleteEndpoint(news),
      'If you expected it to be accepted, contact the provider. Create a new endpoint once they allow your account.',
    ],
  }),

  'disconnect-scheduled': (news) => {
    const time = formatTime(news.disconnectAt);
    const { previousDisconnectAt: previous } = news;
    const moved = previous === undefined ? '' : `, not on ${formatTime(previous)}`;
    return {
      subject: `Will be disconnected on ${time}`,
      body: `Your ${endpointText(news)} will be disconnected on ${time}${moved}. ${reasonText(news, 'The provider no longer allows it.')}`,
      nextSteps: [
        'To keep it, contact the provider before then. Nothing else keeps it connected.',
        'Move your workloads before then. The disconnect ends open connections.',
      ],
    };
  },

  'disconnect-extended': (news) => ({
    subject: 'Disconnect postponed',
    body: `Your ${endpointText(news)} is not disconnected at the announced time. The provider decides whether it stays connected.`,
    nextSteps: [
      'We notify you of the decision. It may be disconnected right after the decision, so move your workloads before.',
      'To keep it, contact the provider.',
    ],
  }),

  'disconnect-cancelled': (news) => ({
    subject: 'Stays connected',
    body: `Your ${endpointText(news)} stays connected. The announced disconnect is cancelled.`,
    nextSteps: ['You need not do anything.'],
  }),

  expiring: (news) => ({
    subject: `Access ends within ${news.daysBefore === 1 ? 'a day' : `${news.daysBefore} days`}`,
    body: `The access of your ${endpointText(news)} ends on ${formatTime(news.until)}. It is disconnected some time later, and we notify you of the time first.`,
    nextSteps: ['To keep it, ask the provider to renew its access before then.'],
  }),

  disconnected: (news) => ({
    subject: 'Disconnected',
    body: `Your ${endpointText(news)} was disconnected. ${reasonText(news, 'The provider ended the connection.')}`,
    nextSteps: deleteEndpoint(news),
  }),
};

/** `endpoint vpce-… to payments` */
function endpointText({ endpointId, service }: EventFacts): string {
  return `endpoint ${endpointId} to ${service}`;
}

/** Returns the provider's customer message, or a default sentence. */
function reasonText(
  { reason, isDeregistering }: { readonly reason?: string; readonly isDeregistering?: true },
  otherwise: string,
): string {
  if (reason !== undefined) return `The provider says: “${reason}”`;
  return isDeregistering ? 'The provider shuts the service down.' : otherwise;
}

/** Explains that a rejected or disconnected endpoint cannot connect again. */
function deleteEndpoint({ endpointId, region }: EventFacts): readonly string[] {
  return [
    'Delete the endpoint. It does not reconnect, and AWS bills it until you delete it.',
    `aws ec2 delete-vpc-endpoints --region ${region} --vpc-endpoint-ids ${endpointId}`,
  ];
}
