import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateVpcEndpointCommand,
  CreateVpcEndpointServiceConfigurationCommand,
  DescribeVpcEndpointsCommand,
  EC2Client,
  ModifyVpcEndpointServicePermissionsCommand,
} from '@aws-sdk/client-ec2';
import { provider } from './accounts.ts';
import { callLinkgate } from './linkgate-api.ts';

type WriteLine = (line: string) => void;

const consumers = [
  { accountId: '222222222222', allowlistStatus: 'allowed', endsAs: 'available' },
  { accountId: '444444444444', allowlistStatus: 'not on the list', endsAs: 'pendingAcceptance' },
  { accountId: '333333333333', allowlistStatus: 'blocked', endsAs: 'rejected' },
] as const;
const otherAllowedAccountId = '555555555555';

const decisionTimeoutMs = 10_000;
const pollMs = 25;

/** Runs the demo of `npm start`: a provider, three consumers and their requests, by real AWS calls. */
export async function runDemo(
  origin: string,
  { ApiUrl = '' }: Readonly<Record<string, string>>,
  say: WriteLine,
) {
  const linkgate = (method: string, path: string, input?: unknown) =>
    callLinkgate(ApiUrl, provider.accountId, method, path, input);
  const step = createStepTimer(say);

  say('\nA provider, account 111111111111:');
  const service = await step('makes an endpoint service that asks before anybody connects', () =>
    createDemoService(origin),
  );
  await step('registers it with linkgate as `payments`', () =>
    linkgate('POST', '/services', { serviceId: service.id, name: 'payments' }),
  );
  for (const accountId of ['222222222222', otherAllowedAccountId])
    await step(`allows account ${accountId}`, () =>
      linkgate('PUT', `/allowlist/${service.id}/${accountId}`, { effect: 'allow' }),
    );
  await step('blocks account 333333333333', () =>
    linkgate('PUT', `/allowlist/${service.id}/333333333333`, { effect: 'block' }),
  );

  let pendingEndpointId = '';
  for (const { accountId, allowlistStatus, endsAs } of consumers) {
    say(`\nA consumer, account ${accountId}, ${allowlistStatus}:`);
    const { endpointId } = await step('creates an endpoint', () =>
      createDemoEndpoint(origin, accountId, service.name),
    );
    await step(outcomeText[endsAs], () => waitForDecision(origin, accountId, endpointId, endsAs, linkgate));
    if (endsAs === 'pendingAcceptance') pendingEndpointId = endpointId;
  }

  say(nextStepsText(origin, pendingEndpointId));
}

const outcomeText = {
  available: 'is connected: linkgate accepted it',
  pendingAcceptance: 'waits: a person has to decide',
  rejected: 'is rejected by linkgate',
} as const;

function createStepTimer(say: WriteLine) {
  return async <T>(description: string, action: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await action();
    say(`  ${description} (${Math.round(performance.now() - start)} ms)`);
    return result;
  };
}

function createEc2Client(endpoint: string, accountId: string): EC2Client {
  const credentials = { accessKeyId: accountId, secretAccessKey: 'not-verified' };
  return new EC2Client({ endpoint, region: provider.region, credentials });
}

async function createDemoService(origin: string): Promise<{ id: string; name: string }> {
  const ec2 = createEc2Client(origin, provider.accountId);
  const balancer = `arn:aws:elasticloadbalancing:${provider.region}:${provider.accountId}:loadbalancer/net/svc/0123456789abcdef`;
  const { ServiceConfiguration } = await ec2.send(
    new CreateVpcEndpointServiceConfigurationCommand({
      AcceptanceRequired: true,
      NetworkLoadBalancerArns: [balancer],
    }),
  );
  const { ServiceId: id = '', ServiceName: name = '' } = ServiceConfiguration ?? {};
  const accounts = [...consumers.map(({ accountId }) => accountId), otherAllowedAccountId];
  await ec2.send(
    new ModifyVpcEndpointServicePermissionsCommand({
      ServiceId: id,
      AddAllowedPrincipals: accounts.map((accountId) => `arn:aws:iam::${accountId}:root`),
    }),
  );
  return { id, name };
}

async function createDemoEndpoint(
  origin: string,
  accountId: string,
  serviceName: string,
): Promise<{ endpointId: string }> {
  const { VpcEndpoint } = await createEc2Client(origin, accountId).send(
    new CreateVpcEndpointCommand({
      VpcEndpointType: 'Interface',
      VpcId: 'vpc-0123456789abcdef0',
      SubnetIds: ['subnet-0123456789abcdef0'],
      ServiceName: serviceName,
    }),
  );
  return { endpointId: VpcEndpoint?.VpcEndpointId ?? '' };
}

/** EC2 shows a waiting request the same before and after linkgate's verdict; linkgate's API shows the verdict. */
async function waitForDecision(
  origin: string,
  accountId: string,
  endpointId: string,
  state: string,
  linkgate: (method: string, path: string) => Promise<unknown>,
): Promise<void> {
  const ec2 = createEc2Client(origin, accountId);
  const deadline = performance.now() + decisionTimeoutMs;
  while (performance.now() < deadline) {
    const { VpcEndpoints } = await ec2.send(
      new DescribeVpcEndpointsCommand({ VpcEndpointIds: [endpointId] }),
    );
    if (
      String(VpcEndpoints?.[0]?.State) === state &&
      (state !== 'pendingAcceptance' || (await isAwaitingApproval(endpointId, linkgate)))
    )
      return;
    await pause(pollMs);
  }
  throw new Error(
    `\`${endpointId}\` of account ${accountId} did not become ${state} in ${decisionTimeoutMs / 1000} s`,
  );
}

async function isAwaitingApproval(
  endpointId: string,
  linkgate: (method: string, path: string) => Promise<unknown>,
) {
  const { connections } = (await linkgate('GET', '/connections?waiting=true')) as {
    connections: readonly { endpointId: string }[];
  };
  return connections.some((connection) => connection.endpointId === endpointId);
}

function nextStepsText(origin: string, pendingEndpointId: string): string {
  return `
What to try next: decide the request that waits, by a click on ${origin}/slack or by a link of
its mail in ${origin}/mail. Or in another terminal, in this folder:

  export AWS_ENDPOINT_URL=${origin} AWS_DEFAULT_REGION=${provider.region}
  export AWS_ACCESS_KEY_ID=${provider.accountId} AWS_SECRET_ACCESS_KEY=any

  npx linkgate connections
  npx linkgate explain ${pendingEndpointId}
  npx linkgate approve ${pendingEndpointId} --reason "known customer"
  aws ec2 describe-vpc-endpoint-connections

Ctrl-C stops the sandbox.
`;
}
