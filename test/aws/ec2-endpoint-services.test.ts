import { EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, test } from '@jest/globals';
import { ec2EndpointServices, NotificationRefusedError } from '../../lib/aws/ec2-endpoint-services.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { aConfiguration, serviceId, topicArn } from '../builders.ts';
import { awsError } from '../doubles/sdk-client.ts';

/** The services of a client that responds by command; paginators require an instance of the real client class. */
function createStubbedServices(answers: Readonly<Record<string, unknown>>) {
  const sent: { command: string; input: unknown }[] = [];
  const client = Object.assign(new EC2Client({ region: 'us-east-1' }), {
    async send(command: { input: unknown }) {
      const name = command.constructor.name.replace(/Command$/, '');
      sent.push({ command: name, input: command.input });
      const answer = answers[name] ?? {};
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { services: ec2EndpointServices(client, 'test'), sent };
}

const describeAnswers = {
  DescribeVpcEndpointServiceConfigurations: {
    ServiceConfigurations: [
      {
        ServiceId: serviceId(1),
        ServiceName: aConfiguration().serviceName,
        ServiceState: 'Available',
        AcceptanceRequired: true,
        Tags: [
          { Key: 'linkgate', Value: 'test' },
          { Key: 'Name', Value: 'orders' },
        ],
      },
    ],
  },
  DescribeVpcEndpointServicePermissions: {
    AllowedPrincipals: [{ Principal: 'arn:aws:iam::022222222222:root', PrincipalType: 'Account' }],
  },
  DescribeVpcEndpointConnectionNotifications: {
    ConnectionNotificationSet: [
      {
        ConnectionNotificationId: 'vpce-nfn-00000000000000001',
        ConnectionNotificationArn: topicArn,
        ConnectionEvents: ['Accept', 'Connect', 'Delete', 'Reject'],
        ConnectionNotificationState: 'Enabled',
      },
    ],
  },
};

/** The services of a client whose service configuration has these changes. */
function createServicesWith(change: object) {
  const [configuration] = describeAnswers.DescribeVpcEndpointServiceConfigurations.ServiceConfigurations;
  return createStubbedServices({
    ...describeAnswers,
    DescribeVpcEndpointServiceConfigurations: { ServiceConfigurations: [{ ...configuration, ...change }] },
  });
}

describe('a service', () => {
  test('is described with its principals, its tag and its connection notifications', async () => {
    const { services } = createStubbedServices(describeAnswers);
    expect(await services.describe(serviceId(1))).toEqual(aConfiguration({ nameTag: 'orders' }));
  });

  test('with the tag of another stage does not count as tagged', async () => {
    const { services, sent } = createServicesWith({ Tags: [{ Key: 'linkgate', Value: 'other' }] });
    expect(await services.describe(serviceId(1))).toMatchObject({ isTagged: false, otherStage: 'other' });
    expect(sent.map(({ command }) => command)).not.toContain('DescribeVpcEndpointServicePermissions');
  });

  test('without the tag is described without its principals, which EC2 does not list', async () => {
    const { principals: _principals, ...untagged } = aConfiguration({ isTagged: false });
    expect(await createServicesWith({ Tags: [] }).services.describe(serviceId(1))).toEqual(untagged);
  });

  test.each([
    ['GatewayLoadBalancer', true],
    ['Interface', undefined],
  ])('of the type %s is described with isGatewayLoadBalancer %s', async (ServiceType, isOfGateways) => {
    const { services } = createServicesWith({ ServiceType: [{ ServiceType }] });
    expect((await services.describe(serviceId(1)))?.isGatewayLoadBalancer).toBe(isOfGateways);
  });

  test.each(['Deleting', 'Deleted'])('in the state %s counts as missing', async (ServiceState) => {
    expect(await createServicesWith({ ServiceState }).services.describe(serviceId(1))).toBeUndefined();
  });

  test.each(['InvalidVpcEndpointServiceId.NotFound', 'InvalidVpcEndpointService.NotFound'])(
    'counts as missing for the error code %s',
    async (code) => {
      const { services } = createStubbedServices({
        DescribeVpcEndpointServiceConfigurations: awsError(code),
      });
      expect(await services.describe(serviceId(1))).toBeUndefined();
    },
  );

  test('does not count as missing for any other error', async () => {
    const error = awsError('UnauthorizedOperation');
    const { services } = createStubbedServices({ DescribeVpcEndpointServiceConfigurations: error });
    await expect(services.describe(serviceId(1))).rejects.toBe(error);
  });

  test.each(['tag', 'untag'] as const)('gets and loses the tag of the stage: %s', async (change) => {
    const { services, sent } = createStubbedServices({});
    await services[change](serviceId(1));
    const command = change === 'tag' ? 'CreateTags' : 'DeleteTags';
    const input = { Resources: [serviceId(1)], Tags: [{ Key: 'linkgate', Value: 'test' }] };
    expect(sent).toEqual([{ command, input }]);
  });
});

describe('a connection notification', () => {
  test('is created for all four events', async () => {
    const { services, sent } = createStubbedServices({});
    await services.createNotification(serviceId(1), topicArn);
    expect(sent).toMatchObject([
      {
        command: 'CreateVpcEndpointConnectionNotification',
        input: {
          ServiceId: serviceId(1),
          ConnectionNotificationArn: topicArn,
          ConnectionEvents: ['Accept', 'Connect', 'Delete', 'Reject'],
        },
      },
    ]);
  });

  test('in `Unsuccessful` of the delete call is an error', async () => {
    const Unsuccessful = [{ ResourceId: 'vpce-nfn-1', Error: { Code: 'InvalidState', Message: 'no' } }];
    const { services } = createStubbedServices({
      DeleteVpcEndpointConnectionNotifications: { Unsuccessful },
    });
    await expect(services.deleteNotification('vpce-nfn-1')).rejects.toThrow(NotificationRefusedError);
  });
});

describe('the permission to repair a service', () => {
  const findDenial = (tagError: string, notificationError = tagError) => {
    const { services, sent } = createStubbedServices({
      CreateTags: awsError(tagError, 'it says so'),
      CreateVpcEndpointConnectionNotification: awsError(notificationError, 'it says so'),
    });
    return { sent, denial: services.findRepairDenial(serviceId(1), topicArn) };
  };

  test('is tested with dry runs', async () => {
    const { sent, denial } = findDenial('DryRunOperation');
    expect(await denial).toBeUndefined();
    expect(sent).toMatchObject([
      { command: 'CreateTags', input: { DryRun: true } },
      { command: 'CreateVpcEndpointConnectionNotification', input: { DryRun: true } },
    ]);
  });

  test('is not denied by the error that EC2 has no notifications for this type of service', async () => {
    expect(await findDenial('DryRunOperation', 'InvalidParameter').denial).toBeUndefined();
  });

  test('is denied by UnauthorizedOperation, and unknown after any other error', async () => {
    expect(await findDenial('UnauthorizedOperation').denial).toBe('it says so');
    await expect(findDenial('RequestLimitExceeded').denial).rejects.toThrow('it says so');
  });
});

test('services are listed page by page, without deleted ones', async () => {
  const { ServiceConfigurations } = describeAnswers.DescribeVpcEndpointServiceConfigurations;
  const { services, sent } = createStubbedServices({
    DescribeVpcEndpointServiceConfigurations: {
      ServiceConfigurations: [
        ...ServiceConfigurations,
        { ServiceId: serviceId(2), ServiceState: 'Deleted' },
        {
          ServiceId: serviceId(3),
          ServiceState: 'Available',
          ServiceName: 'unnamed',
          AcceptanceRequired: false,
        },
      ],
      NextToken: 'page-3',
    },
  });
  expect(await services.page('page-2')).toEqual({
    services: [
      {
        serviceId: serviceId(1),
        serviceName: aConfiguration().serviceName,
        nameTag: 'orders',
        state: 'Available',
        acceptanceRequired: true,
      },
      { serviceId: serviceId(3), serviceName: 'unnamed', state: 'Available', acceptanceRequired: false },
    ],
    nextToken: 'page-3',
  });
  expect(sent).toMatchObject([{ input: { NextToken: 'page-2' } }]);
});

test.each([
  ['InvalidNextToken', awsError('InvalidNextToken')],
  [
    'a message about the token',
    Object.assign(awsError('InvalidParameterValue'), { message: 'Unable to parse pagination token' }),
  ],
])('a page throws ExpiredTokenError for %s', async (_how, error) => {
  const { services } = createStubbedServices({ DescribeVpcEndpointServiceConfigurations: error });
  await expect(services.page('old')).rejects.toThrow(ExpiredTokenError);
});
