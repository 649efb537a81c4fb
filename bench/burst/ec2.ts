import { EC2Client } from '@aws-sdk/client-ec2';
import { AwsError } from '../../sandbox/aws/aws-service.ts';
import { createEc2 } from '../../sandbox/aws/ec2.ts';
import { defaultAssumptions } from '../../sandbox/privatelink/assumptions.ts';
import type { Output } from '../../sandbox/privatelink/model.ts';
import { createPrivateLink } from '../../sandbox/privatelink/privatelink.ts';
import { createTokenBuckets } from '../../sandbox/privatelink/token-buckets.ts';
import { randomFrom } from '../../test/simulation/random.ts';
import type { Clock } from './clock.ts';

export const provider = { accountId: '111111111111', region: 'us-east-1' };
export const consumer = '222222222222';

/** The latency of a call in milliseconds. An assumption; the published token buckets dominate the result. */
export const latencyMs = { ec2: 100, dynamodb: 10, other: 20 };

/** The SDK's standard retry on throttling: two more attempts, each after a random part of these delays. */
const backoff = { first: 500, longest: 20_000 };

/** The sandbox's EC2 with its token buckets, on a simulated clock. */
export function simulatedEc2(
  clock: Clock,
  count: (operation: string) => void,
  onEffect: (effect: Output) => void,
) {
  let ids = 0;
  let wakesAt: number | undefined;
  const random = randomFrom(1);
  const buckets = createTokenBuckets();
  const privateLink = createPrivateLink({
    id: () => (++ids).toString(16).padStart(17, '0'),
    assumptions: { ...defaultAssumptions, pendingAfterMs: 100, availableAfterMs: 100 },
  });
  const { operations } = createEc2(privateLink, (now) => privateLink.advance(now).forEach(onEffect));

  function operate(name: string, input: object, accountId = provider.accountId) {
    const caller = { ...provider, accountId, principal: 'root', arn: `arn:aws:iam::${accountId}:root` };
    const answer = operations[name]?.(input as never, { caller, now: clock.now(), origin: '' });
    wakeUp();
    return answer;
  }

  function wakeUp(): void {
    const due = privateLink.nextDue();
    if (due === undefined || due === wakesAt) return;
    wakesAt = due;
    clock.at(due, () => {
      privateLink.advance(clock.now()).forEach(onEffect);
      wakeUp();
    });
  }

  async function call(name: string, input: object): Promise<unknown> {
    count(name);
    await clock.sleep(latencyMs.ec2);
    if (!buckets.take(provider, name, clock.now())) {
      count(`${name}, throttled`);
      throw Object.assign(new Error('Request limit exceeded.'), { name: 'RequestLimitExceeded' });
    }
    try {
      return operate(name, input);
    } catch (error) {
      throw error instanceof AwsError ? Object.assign(new Error(error.message), { name: error.code }) : error;
    }
  }

  return {
    privateLink,
    /** Runs an operation without tokens, latency or count. */
    operate,
    /** The provider's SDK client, as far as the bench uses it. */
    client(maxAttempts = 3): EC2Client {
      async function send(command: { readonly input: object }, attempt = 1): Promise<unknown> {
        try {
          return await call(command.constructor.name.replace(/Command$/, ''), command.input);
        } catch (error) {
          const isThrottled = (error as Error).name === 'RequestLimitExceeded';
          if (!isThrottled || attempt >= maxAttempts) throw error;
          await clock.sleep(random.below(Math.min(backoff.first * 2 ** (attempt - 1), backoff.longest)));
          return send(command, attempt + 1);
        }
      }
      return Object.create(EC2Client.prototype, { send: { value: send } }) as EC2Client;
    },
    /** Creates a service and `count` requests of one account at once. */
    burst(requests: number, topicArn: string) {
      const { ServiceConfiguration } = operate('CreateVpcEndpointServiceConfiguration', {
        AcceptanceRequired: true,
        NetworkLoadBalancerArns: [
          `arn:aws:elasticloadbalancing:us-east-1:${provider.accountId}:loadbalancer/net/svc/0123456789abcdef`,
        ],
      }) as { ServiceConfiguration: { ServiceId: string } };
      const { ServiceId } = ServiceConfiguration;
      operate('ModifyVpcEndpointServicePermissions', { ServiceId, AddAllowedPrincipals: ['*'] });
      operate('CreateVpcEndpointConnectionNotification', {
        ServiceId,
        ConnectionNotificationArn: topicArn,
        ConnectionEvents: ['Accept', 'Connect', 'Delete', 'Reject'],
      });
      return {
        serviceId: ServiceId,
        begin() {
          for (let request = 0; request < requests; request++)
            operate(
              'CreateVpcEndpoint',
              {
                VpcEndpointType: 'Interface',
                VpcId: 'vpc-0123456789abcdef0',
                SubnetIds: ['subnet-0123456789abcdef0'],
                ServiceName: `com.amazonaws.vpce.us-east-1.${ServiceId}`,
              },
              consumer,
            );
        },
      };
    },
  };
}
