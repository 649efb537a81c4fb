import {
  type CreateVpcEndpointServiceConfigurationCommandInput,
  paginateDescribeVpcEndpointConnections,
} from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createEc2 } from '../../../sandbox/aws/ec2.ts';
import type { PrivateLink } from '../../../sandbox/privatelink/privatelink.ts';
import { aConsumer, anEndpoint, aPrivateLink, noon, provider } from '../privatelink/builders.ts';
import { ec2Client } from './ec2-client.ts';

const loadBalancer =
  'arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/svc/0123456789abcdef';
const topic = 'arn:aws:sns:us-east-1:111111111111:connections';
const inVpc = { VpcId: 'vpc-0123456789abcdef0', VpcEndpointType: 'Interface' } as const;

let now: number;
let privateLink: PrivateLink;
let providers: ReturnType<typeof ec2Client>;
let consumers: ReturnType<typeof ec2Client>;

const createClient = (caller: ReturnType<typeof aConsumer>) =>
  ec2Client(
    createEc2(privateLink, (time) => privateLink.advance(time)),
    caller,
    () => now,
  );

beforeEach(() => {
  now = noon;
  privateLink = aPrivateLink();
  providers = createClient(aConsumer(provider.accountId));
  consumers = createClient(aConsumer());
});

async function aService({
  admitting = ['*'],
  ...settings
}: CreateVpcEndpointServiceConfigurationCommandInput & { admitting?: string[] } = {}) {
  const { ServiceConfiguration: { ServiceId = '', ServiceName = '' } = {} } =
    await providers.createVpcEndpointServiceConfiguration({
      NetworkLoadBalancerArns: [loadBalancer],
      ...settings,
    });
  await providers.modifyVpcEndpointServicePermissions({ ServiceId, AddAllowedPrincipals: admitting });
  return { ServiceId, ServiceName };
}

async function anEndpointTo(ServiceName: string): Promise<string> {
  const { VpcEndpoint } = await consumers.createVpcEndpoint({ ...inVpc, ServiceName });
  return VpcEndpoint?.VpcEndpointId ?? '';
}

const expectedError = (name: string, message: string | RegExp = /./) =>
  expect.objectContaining({ name, message: expect.stringMatching(message) });

test('a provider lists and accepts a connection, which becomes available to its consumer', async () => {
  const { ServiceId, ServiceName } = await aService();
  const endpointId = await anEndpointTo(ServiceName);
  const pending = await providers.describeVpcEndpointConnections({
    Filters: [
      { Name: 'service-id', Values: [ServiceId] },
      { Name: 'vpc-endpoint-state', Values: ['pendingAcceptance'] },
    ],
  });
  expect(pending.VpcEndpointConnections).toMatchObject([
    {
      VpcEndpointId: endpointId,
      VpcEndpointOwner: '022222222222',
      VpcEndpointState: 'pendingAcceptance',
      CreationTimestamp: new Date(noon),
      VpcEndpointRegion: 'us-east-1',
      NetworkLoadBalancerArns: [loadBalancer],
      Tags: [],
    },
  ]);

  const answer = await providers.acceptVpcEndpointConnections({
    ServiceId,
    VpcEndpointIds: [endpointId, 'vpce-0fffffffffffffff0'],
  });
  expect(answer.Unsuccessful).toMatchObject([
    { ResourceId: 'vpce-0fffffffffffffff0', Error: { Code: 'InvalidVpcEndpointId.NotFound' } },
  ]);
  now += 200;
  const { VpcEndpoints } = await consumers.describeVpcEndpoints({ VpcEndpointIds: [endpointId] });
  expect(VpcEndpoints).toMatchObject([
    { State: 'available', OwnerId: '022222222222', ServiceRegion: 'us-east-1' },
  ]);
});

test('filters are case-sensitive, support wildcards, and refuse unknown names', async () => {
  const { ServiceName } = await aService();
  const endpointId = await anEndpointTo(ServiceName);
  const countConnections = async (Name: string, ...Values: string[]) =>
    (await providers.describeVpcEndpointConnections({ Filters: [{ Name, Values }] })).VpcEndpointConnections
      ?.length;

  expect(await countConnections('vpc-endpoint-state', 'PendingAcceptance')).toBe(0);
  expect(await countConnections('vpc-endpoint-state', 'available', 'pending*')).toBe(1);
  expect(await countConnections('vpc-endpoint-region', 'cross-region')).toBe(0);
  expect(await countConnections('vpc-endpoint-id', endpointId)).toBe(1);
  await expect(countConnections('endpoint-id', endpointId)).rejects.toEqual(expectedError('InvalidFilter'));
  privateLink.assume({ endpointIdFilter: 'refused' });
  await expect(countConnections('vpc-endpoint-id', endpointId)).rejects.toEqual(
    expectedError('InvalidFilter'),
  );
});

test('ten thousand connections come in ten pages', async () => {
  const { ServiceId } = await aService();
  const service = privateLink.service(provider, ServiceId);
  const created = Array.from({ length: 10_000 }, () => anEndpoint(privateLink, service).id);
  const pages = [];
  for await (const page of paginateDescribeVpcEndpointConnections({ client: providers, pageSize: 1000 }, {}))
    pages.push(page.VpcEndpointConnections?.map(({ VpcEndpointId }) => VpcEndpointId));
  expect(pages.length).toBe(10);
  expect(pages.flat()).toEqual(created);
});

test('a token of another operation, a malformed one, and a page out of bounds are refused', async () => {
  await Promise.all(Array.from({ length: 6 }, () => aService()));
  const { NextToken } = await providers.describeVpcEndpointServiceConfigurations({ MaxResults: 5 });
  expect(NextToken).toBeDefined();
  const rest = await providers.describeVpcEndpointServiceConfigurations({ MaxResults: 5, NextToken });
  expect(rest.ServiceConfigurations).toHaveLength(1);
  expect(rest.NextToken).toBeUndefined();

  const describe = (page: object) => providers.describeVpcEndpointConnections(page);
  for (const token of [NextToken, 'nonsense'])
    await expect(describe({ NextToken: token })).rejects.toEqual(expectedError('InvalidNextToken'));
  for (const MaxResults of [4, 1001])
    await expect(describe({ MaxResults })).rejects.toEqual(
      expectedError('InvalidParameterValue', 'between 5 and 1000'),
    );
});

test('a dry run returns DryRunOperation and changes nothing', async () => {
  const { ServiceName } = await aService();
  await expect(consumers.createVpcEndpoint({ ...inVpc, ServiceName, DryRun: true })).rejects.toMatchObject({
    name: 'DryRunOperation',
    $metadata: { httpStatusCode: 412 },
  });
  expect(privateLink.connections(provider)).toEqual([]);
});

test('a consumer discovers the service, without its tags, as soon as it is an allowed principal', async () => {
  const { ServiceId, ServiceName } = await aService({ admitting: ['333333333333'] });
  await expect(anEndpointTo(ServiceName)).rejects.toEqual(
    expectedError('InvalidServiceName', `The Vpc Endpoint Service '${ServiceName}' does not exist`),
  );
  const { ServiceNames } = await consumers.describeVpcEndpointServices({});
  expect(ServiceNames).toEqual([]);
  await expect(consumers.describeVpcEndpointServicePermissions({ ServiceId })).rejects.toEqual(
    expectedError('InvalidVpcEndpointServiceId.NotFound'),
  );

  await providers.createTags({ Resources: [ServiceId], Tags: [{ Key: 'a', Value: 'b' }] });
  const allow = { ServiceId, AddAllowedPrincipals: ['022222222222'] };
  await providers.modifyVpcEndpointServicePermissions(allow);
  const discover = { ServiceNames: [ServiceName] };
  expect((await consumers.describeVpcEndpointServices(discover)).ServiceDetails).toMatchObject([
    { ServiceName, Owner: '111111111111', AcceptanceRequired: true, Tags: [] },
  ]);
});

test('a consumer in another Region has to name the Region of the service', async () => {
  const { ServiceId, ServiceName } = await aService({ SupportedRegions: ['eu-west-1'] });
  const abroad = createClient(aConsumer('022222222222', 'eu-west-1'));
  await expect(abroad.createVpcEndpoint({ ...inVpc, ServiceName })).rejects.toEqual(
    expectedError('InvalidServiceName'),
  );
  await abroad.createVpcEndpoint({ ...inVpc, ServiceName, ServiceRegion: 'us-east-1' });
  const crossRegion = [{ Name: 'vpc-endpoint-region', Values: ['cross-region'] }];
  const { VpcEndpointConnections } = await providers.describeVpcEndpointConnections({ Filters: crossRegion });
  expect(VpcEndpointConnections).toMatchObject([{ VpcEndpointRegion: 'eu-west-1' }]);

  const remove = {
    ServiceId,
    RemoveSupportedRegions: ['eu-west-1'],
  };
  await providers.modifyVpcEndpointServiceConfiguration(remove);
  await expect(providers.modifyVpcEndpointServiceConfiguration(remove)).rejects.toEqual(
    expectedError('InvalidParameter', 'Cannot remove region'),
  );
});

test.each([
  ['without a VPC', { VpcId: undefined }, 'MissingParameter'],
  ['in an unknown VPC', { VpcId: 'vpc-0000000000000000f' }, 'InvalidVpcID.NotFound'],
  ['in a malformed VPC', { VpcId: 'mine' }, 'InvalidVpcID.Malformed'],
  ['in an unknown subnet', { SubnetIds: ['subnet-0000000000000000f'] }, 'InvalidSubnetID.NotFound'],
  [
    'in an unknown security group',
    { SecurityGroupIds: ['sg-0000000000000000f'] },
    'InvalidSecurityGroupID.NotFound',
  ],
  // AWS's list of error codes has both `ID` and `Id`.
  ['in a malformed security group', { SecurityGroupIds: ['mine'] }, 'InvalidSecurityGroupId.Malformed'],
  ['as a gateway', { VpcEndpointType: undefined }, 'InvalidParameter'],
  ['with a private name that the service lacks', { PrivateDnsEnabled: true }, 'InvalidParameter'],
  [
    'with tags for something else',
    { TagSpecifications: [{ ResourceType: 'instance' as const, Tags: [] }] },
    'InvalidParameterValue',
  ],
])('an endpoint %s is refused', async (_, settings, code) => {
  const { ServiceName } = await aService();
  const input = { ...inVpc, ServiceName, ...settings } as typeof inVpc & { ServiceName: string };
  await expect(consumers.createVpcEndpoint(input)).rejects.toEqual(expectedError(code));
});

test("a service needs the provider's own load balancer, and a refusal names it", async () => {
  const create = (client: typeof providers, NetworkLoadBalancerArns: string[]) =>
    client.createVpcEndpointServiceConfiguration({ NetworkLoadBalancerArns });
  const notFound = expectedError('InvalidNetworkLoadBalancerArn.NotFound', loadBalancer);
  await expect(create(consumers, [loadBalancer])).rejects.toEqual(notFound);
  for (const unknown of [
    loadBalancer.replace('/svc/', '/other/'),
    loadBalancer.replace('us-east-1', 'eu-west-1'),
    loadBalancer.replace('111111111111', '222222222222'),
    'svc',
  ])
    await expect(create(providers, [unknown])).rejects.toEqual(notFound);
  await expect(create(providers, [])).rejects.toEqual(expectedError('MissingParameter'));
});

test('a private DNS name is pending verification by a TXT record', async () => {
  const { ServiceId } = await aService({ PrivateDnsName: 'api.example.com' });
  const { ServiceConfigurations } = await providers.describeVpcEndpointServiceConfigurations({
    ServiceIds: [ServiceId],
  });
  expect(ServiceConfigurations).toMatchObject([
    {
      PrivateDnsName: 'api.example.com',
      PrivateDnsNameConfiguration: {
        State: 'pendingVerification',
        Type: 'TXT',
        Name: expect.stringMatching(/^_[^.]+$/),
        Value: expect.stringMatching(/^vpce:/),
      },
    },
  ]);
});

test('principals are returned as they were added, without duplicates', async () => {
  const { ServiceId } = await aService({ admitting: ['022222222222', 'arn:aws:iam::022222222222:root'] });
  const { AllowedPrincipals } = await providers.describeVpcEndpointServicePermissions({ ServiceId });
  expect(AllowedPrincipals).toMatchObject([
    { Principal: '022222222222', PrincipalType: 'Account', ServiceId },
  ]);
  await expect(
    providers.modifyVpcEndpointServicePermissions({
      ServiceId,
      AddAllowedPrincipals: ['arn:aws:iam::022222222222:role/with/path'],
    }),
  ).rejects.toEqual(expectedError('InvalidPrincipal'));
});

describe('the allowed principals of a service', () => {
  const organization = 'arn:aws:organizations::111111111111:organization/o-abc123';

  async function change(
    assumptions: Parameters<typeof aPrivateLink>[0],
    ...[AddAllowedPrincipals, RemoveAllowedPrincipals]: string[][]
  ) {
    privateLink = aPrivateLink(assumptions);
    providers = createClient(aConsumer(provider.accountId));
    const { ServiceId } = await aService();
    const input = { ServiceId, AddAllowedPrincipals, RemoveAllowedPrincipals };
    return providers.modifyVpcEndpointServicePermissions(input);
  }

  test('cannot be an organization by default', async () => {
    await expect(change({}, [organization])).rejects.toEqual(expectedError('InvalidPrincipal'));
    expect(await change({ organizationPrincipals: 'accepted' }, [organization])).toMatchObject({
      AddedPrincipals: [{ Principal: organization, PrincipalType: 'OrganizationUnit' }],
    });
  });

  test('are limited per call', async () => {
    const two = ['022222222222', '033333333333'];
    await expect(change({ maxPrincipalsPerCall: 1 }, two)).rejects.toEqual(
      expectedError('InvalidParameterValue'),
    );
  });

  test('can be removed if missing, unless assumed otherwise', async () => {
    expect(await change({}, [], ['022222222222'])).toMatchObject({ ReturnValue: true });
    await expect(change({ absentPrincipal: 'refused' }, [], ['022222222222'])).rejects.toEqual(
      expectedError('InvalidPrincipal.NotFound'),
    );
  });
});

test('a connection notification is created, changed, listed and deleted', async () => {
  const { ServiceId } = await aService();
  const { ConnectionNotification } = await providers.createVpcEndpointConnectionNotification({
    ServiceId,
    ConnectionNotificationArn: topic,
    ConnectionEvents: ['Connect'],
  });
  const id = ConnectionNotification?.ConnectionNotificationId;
  await providers.modifyVpcEndpointConnectionNotification({
    ConnectionNotificationId: id,
    ConnectionEvents: ['Connect', 'Accept'],
  });
  const list = {
    Filters: [{ Name: 'service-id', Values: [ServiceId] }],
  };
  expect(
    (await providers.describeVpcEndpointConnectionNotifications(list)).ConnectionNotificationSet,
  ).toMatchObject([
    {
      ConnectionNotificationArn: topic,
      ConnectionEvents: ['Accept', 'Connect'],
      ConnectionNotificationState: 'Enabled',
    },
  ]);
  const remove = {
    ConnectionNotificationIds: [id ?? ''],
  };
  expect((await providers.deleteVpcEndpointConnectionNotifications(remove)).Unsuccessful).toEqual([]);
  expect((await providers.deleteVpcEndpointConnectionNotifications(remove)).Unsuccessful).toMatchObject([
    { ResourceId: id },
  ]);
  for (const ConnectionNotificationId of [id, 'mine'])
    await expect(
      providers.modifyVpcEndpointConnectionNotification({ ConnectionNotificationId }),
    ).rejects.toEqual(expectedError('InvalidConnectionNotification'));
});

describe('a service of Gateway Load Balancers', () => {
  const gateway = loadBalancer.replace('/net/', '/gwy/');
  const aGatewayService = () => aService({ NetworkLoadBalancerArns: [], GatewayLoadBalancerArns: [gateway] });

  test('has its type, and accepts endpoints of that type only', async () => {
    const { ServiceId, ServiceName } = await aGatewayService();
    const { ServiceConfigurations } = await providers.describeVpcEndpointServiceConfigurations({
      ServiceIds: [ServiceId],
    });
    expect(ServiceConfigurations).toMatchObject([
      { ServiceType: [{ ServiceType: 'GatewayLoadBalancer' }], GatewayLoadBalancerArns: [gateway] },
    ]);
    await expect(anEndpointTo(ServiceName)).rejects.toEqual(
      expectedError('InvalidParameter', /GatewayLoadBalancer/),
    );
    const { VpcEndpoint } = await consumers.createVpcEndpoint({
      ...inVpc,
      ServiceName,
      VpcEndpointType: 'GatewayLoadBalancer',
    });
    expect(VpcEndpoint).toMatchObject({ VpcEndpointType: 'GatewayLoadBalancer', State: 'pendingAcceptance' });
  });

  test('cannot have a Network Load Balancer', async () => {
    await expect(aService({ GatewayLoadBalancerArns: [loadBalancer] })).rejects.toEqual(
      expectedError('InvalidParameterCombination'),
    );
    await expect(
      aService({ NetworkLoadBalancerArns: [], GatewayLoadBalancerArns: [loadBalancer] }),
    ).rejects.toEqual(expectedError('InvalidGatewayLoadBalancerArn.NotFound'));
  });
});

test.each([
  ['to a topic of another Region', { ConnectionNotificationArn: topic.replace('us-', 'eu-') }],
  ['for a service of Gateway Load Balancers', {}, [loadBalancer.replace('/net/', '/gwy/')]],
])('a notification %s is refused', async (_, input, GatewayLoadBalancerArns: string[] = []) => {
  const { ServiceId } = await aService(
    GatewayLoadBalancerArns.length > 0 ? { NetworkLoadBalancerArns: [], GatewayLoadBalancerArns } : {},
  );
  const events = { ConnectionNotificationArn: topic, ConnectionEvents: ['Connect'] };
  const create = { ServiceId, ...events, ...input };
  await expect(providers.createVpcEndpointConnectionNotification(create)).rejects.toEqual(
    expectedError(GatewayLoadBalancerArns.length > 0 ? 'InvalidParameter' : 'InvalidParameterValue'),
  );
});

test('deleting a service with live connections fails for that service alone', async () => {
  const [busy, idle] = [await aService(), await aService()];
  const endpointId = await anEndpointTo(busy.ServiceName);
  const { Unsuccessful } = await providers.deleteVpcEndpointServiceConfigurations({
    ServiceIds: [busy.ServiceId, idle.ServiceId],
  });
  expect(Unsuccessful).toMatchObject([
    { ResourceId: busy.ServiceId, Error: { Code: 'ExistingVpcEndpointConnections' } },
  ]);
  await providers.rejectVpcEndpointConnections({ ServiceId: busy.ServiceId, VpcEndpointIds: [endpointId] });
  const { ServiceConfigurations } = await providers.describeVpcEndpointServiceConfigurations({
    ServiceIds: [idle.ServiceId],
  });
  expect(ServiceConfigurations).toMatchObject([{ ServiceState: 'Deleted' }]);
});

test('tags are set on creation and later, and deleted by their value', async () => {
  const { ServiceId } = await aService({
    TagSpecifications: [{ ResourceType: 'vpc-endpoint-service', Tags: [{ Key: 'Name', Value: 'billing' }] }],
  });
  const linkgate = { Key: 'linkgate', Value: 'local' };
  const readTags = async () => {
    const describe = { ServiceIds: [ServiceId] };
    return (await providers.describeVpcEndpointServiceConfigurations(describe)).ServiceConfigurations?.[0]
      ?.Tags;
  };
  await providers.createTags({ Resources: [ServiceId], Tags: [linkgate] });
  const otherTag = { ...linkgate, Value: 'other' };
  await providers.deleteTags({ Resources: [ServiceId], Tags: [otherTag] });
  expect(await readTags()).toEqual([{ Key: 'Name', Value: 'billing' }, linkgate]);
  await providers.deleteTags({ Resources: [ServiceId], Tags: [{ Key: 'linkgate' }] });
  expect(await readTags()).toEqual([{ Key: 'Name', Value: 'billing' }]);
});

test("the provider's tags on a connection are separate from the consumer's on the endpoint", async () => {
  const { ServiceName } = await aService();
  const endpointId = await anEndpointTo(ServiceName);
  await consumers.createTags({ Resources: [endpointId], Tags: [{ Key: 'team', Value: 'theirs' }] });
  const describe = async () =>
    (await providers.describeVpcEndpointConnections({})).VpcEndpointConnections?.[0];
  const connectionId = (await describe())?.VpcEndpointConnectionId ?? '';
  await providers.createTags({ Resources: [connectionId], Tags: [{ Key: 'ticket', Value: '7' }] });
  expect((await describe())?.Tags).toEqual([{ Key: 'ticket', Value: '7' }]);
  await expect(
    providers.createTags({ Resources: [endpointId], Tags: [{ Key: 'team', Value: 'ours' }] }),
  ).rejects.toEqual(expectedError('InvalidID'));
});
