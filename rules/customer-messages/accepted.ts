import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { endpointText } from './phrases.ts';

export const acceptedMessage: CustomerMessages['accepted'] = (news) => {
  const { endpointId, region, service, serviceName } = news;
  return {
    subject: `Accepted: ${endpointId} to ${service}`,
    body: `Your ${endpointText(news)} is accepted.`,
    nextSteps: [
      'Let the security group of the endpoint admit your clients at the ports of the service.',
      `aws ec2 describe-vpc-endpoints --region ${region} --vpc-endpoint-ids ${endpointId} --query "VpcEndpoints[].[State,Groups,SubnetIds,DnsEntries]"`,
      'If the service has a private DNS name, enable it for the endpoint. Your clients then resolve the service by that name.',
      `aws ec2 describe-vpc-endpoint-services --region ${region} --service-names ${serviceName} --query "ServiceDetails[].[PrivateDnsName,PrivateDnsNameVerificationState,AvailabilityZones]"`,
      `aws ec2 modify-vpc-endpoint --region ${region} --vpc-endpoint-id ${endpointId} --private-dns-enabled`,
      'Give the endpoint a subnet in each Availability Zone that your clients share with the service, so that they stay connected when a zone fails.',
    ],
  };
};
