import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { endpointText } from './phrases.ts';

export const accepted: CustomerMessages['accepted'] = (news) => {
  const { endpointId, region, service, serviceName } = news;
  return {
    subject: `Accepted: ${endpointId} to ${service}`,
    body: `Your ${endpointText(news)} is accepted.`,
    nextSteps: [
      'Let your clients reach it: its security group has to admit them at the ports of the service.',
      `aws ec2 describe-vpc-endpoints --region ${region} --vpc-endpoint-ids ${endpointId} --query "VpcEndpoints[].[State,Groups,SubnetIds,DnsEntries]"`,
      'If the service has a private DNS name, enable it for the endpoint: your clients then find the service by its own name.',
      `aws ec2 describe-vpc-endpoint-services --region ${region} --service-names ${serviceName} --query "ServiceDetails[].[PrivateDnsName,PrivateDnsNameVerificationState,AvailabilityZones]"`,
      `aws ec2 modify-vpc-endpoint --region ${region} --vpc-endpoint-id ${endpointId} --private-dns-enabled`,
      'Have a subnet of the endpoint in each zone of your clients in which the service is too, so that one zone less does not cut them off.',
    ],
  };
};
