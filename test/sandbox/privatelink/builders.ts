import { type Assumptions, defaultAssumptions } from '../../../sandbox/privatelink/assumptions.ts';
import { createPrivateLink, type PrivateLink } from '../../../sandbox/privatelink/privatelink.ts';

export const noon = Date.parse('2026-11-21T12:00:00Z');
export const provider = { accountId: '111111111111', region: 'us-east-1' };

/** The root of an account with a leading zero in its id. */
export function aConsumer(accountId = '022222222222', region = 'us-east-1') {
  return { accountId, region, arn: `arn:aws:iam::${accountId}:root` };
}

/** Returns ids in sequence. */
function createIds(): () => string {
  let count = 0;
  return () => (++count).toString(16).padStart(17, '0');
}

export function aPrivateLink(assumptions: Partial<Assumptions> = {}): PrivateLink {
  return createPrivateLink({ id: createIds(), assumptions: { ...defaultAssumptions, ...assumptions } });
}

/** A service that allows all principals, with a notification of all four events. */
export function aService(
  privateLink: PrivateLink,
  { acceptanceRequired = true, regions = [] as string[] } = {},
) {
  const service = privateLink.createService(provider, {
    acceptanceRequired,
    networkLoadBalancerArns: [
      'arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/svc/0123456789abcdef',
    ],
    supportedIpAddressTypes: ['ipv4'],
    supportedRegions: regions,
  });
  privateLink.modifyPermissions(provider, service.id, { add: ['*'], remove: [] });
  privateLink.createNotification(provider, {
    serviceId: service.id,
    topicArn: 'arn:aws:sns:us-east-1:111111111111:connections',
    events: ['Accept', 'Connect', 'Delete', 'Reject'],
  });
  return service;
}

export function anEndpoint(
  privateLink: PrivateLink,
  service: { readonly name: string; readonly region: string },
  { consumer = aConsumer(), now = noon } = {},
) {
  return privateLink.createEndpoint(
    consumer,
    {
      serviceName: service.name,
      serviceRegion: service.region,
      vpcId: 'vpc-0123456789abcdef0',
      ipAddressType: 'ipv4',
      subnetIds: [],
      securityGroupIds: [],
      policyDocument: undefined,
      privateDnsEnabled: false,
    },
    now,
  );
}
