import { AwsError } from '../../sandbox/aws/aws-service.ts';
import type { Endpoint, EndpointService } from '../../sandbox/privatelink/model.ts';
import type { SimulationDeps } from './linkgate.ts';
import type { Topology } from './topology.ts';

const regions = ['us-east-1', 'us-east-1', 'eu-west-1'];
const consumerLocation = ({ accountId, region }: Endpoint) => ({ accountId, region });

/** The steps of consumers. */
export function createConsumerSteps(
  { random, scheduler, aws: { privateLink }, note }: SimulationDeps,
  inventory: Topology,
) {
  function create(service: EndpointService, accountId: string): void {
    const consumer = { accountId, region: random.pick(regions), arn: `arn:aws:iam::${accountId}:root` };
    const spec = {
      serviceName: service.name,
      serviceRegion: service.region,
      vpcId: 'vpc-0123456789abcdef0',
      ipAddressType: 'ipv4',
      subnetIds: [],
      securityGroupIds: [],
      policyDocument: undefined,
      privateDnsEnabled: false,
    };
    const { id } = privateLink.createEndpoint(consumer, spec, scheduler.now());
    note(`account ${accountId}`, `creates ${id} at ${service.id} in ${consumer.region}`);
  }

  return {
    create,
    steps: {
      'endpoint created'() {
        const [service, accountId] = [inventory.anyService(), inventory.anyAccount()];
        for (let remaining = random.pick([1, 1, 1, 4]); remaining > 0; remaining--)
          create(service, accountId);
      },
      'many endpoints created'() {
        const service = inventory.anyService();
        for (let remaining = 12; remaining > 0; remaining--) create(service, inventory.anyAccount());
      },
      'endpoint modified'() {
        const endpoint = inventory.anyEndpoint('available', 'pending', 'pendingAcceptance');
        if (!endpoint) return;
        note(`account ${endpoint.accountId}`, `modifies ${endpoint.id}`);
        try {
          privateLink.modifyEndpoint(
            consumerLocation(endpoint),
            endpoint.id,
            { subnetIds: [] },
            scheduler.now(),
          );
        } catch (error) {
          // EC2 rejected the endpoint at the same moment.
          if (!(error instanceof AwsError)) throw error;
        }
      },
      'endpoint deleted'() {
        const endpoint = inventory.anyEndpoint('pendingAcceptance', 'pending', 'available', 'rejected');
        if (!endpoint) return;
        note(`account ${endpoint.accountId}`, `deletes ${endpoint.id}`);
        privateLink.deleteEndpoints(consumerLocation(endpoint), [endpoint.id], scheduler.now());
      },
    },
  };
}
