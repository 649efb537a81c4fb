import type { Endpoint, EndpointService } from '../../sandbox/privatelink/model.ts';
import type { Aws } from './aws.ts';
import type { Random } from './random.ts';

export const topicArn = 'arn:aws:sns:us-east-1:111111111111:connections';

export type Topology = ReturnType<typeof createTopology>;

/** The provider's services, the consumers' accounts, and their endpoints. */
export function createTopology({ privateLink, provider }: Aws, random: Random) {
  const accounts = ['000000000042', '222222222222', '333333333333'];
  const services = ['first', 'second'].map((): EndpointService => {
    const service = privateLink.createService(provider, {
      acceptanceRequired: true,
      networkLoadBalancerArns: ['arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/svc/0'],
      supportedIpAddressTypes: ['ipv4'],
      supportedRegions: ['eu-west-1'],
    });
    privateLink.modifyPermissions(provider, service.id, { add: ['*'], remove: [] });
    return service;
  });

  function anyEndpoint(...states: Endpoint['state'][]): Endpoint | undefined {
    const matching = Object.values(privateLink.state.endpoints).filter(({ state }) => states.includes(state));
    return matching.length > 0 ? random.pick(matching) : undefined;
  }

  const anybody = () => ({
    serviceId: random.pick([...services.map(({ id }) => id), '*']),
    accountId: random.pick(accounts),
  });

  function anybodyWith(...states: Endpoint['state'][]) {
    const endpoint = anyEndpoint(...states);
    return endpoint ? { serviceId: endpoint.serviceId, accountId: endpoint.accountId } : anybody();
  }

  /** Picks an account with a pending request, because policy changes matter most there. */
  const anyWaitingAccount = () => anybodyWith('pendingAcceptance');

  return {
    services,
    accounts,
    anyEndpoint,
    anyAccount: () => random.pick(accounts),
    anyService: () => random.pick(services),
    anyWaitingAccount,
    /** Picks a connected account, for removals. */
    anyConnectedAccount: () => anybodyWith('pending', 'available'),
    anybody: () => (random.chance(0.5) ? anyWaitingAccount() : anybody()),
    listEndpoints: (accountId: string) =>
      Object.values(privateLink.state.endpoints).filter((endpoint) => endpoint.accountId === accountId),
  };
}
