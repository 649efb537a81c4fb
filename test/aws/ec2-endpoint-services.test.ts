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

describe('a service', () => {
  test('is described with its principals, its tag and its connection notifications', async () => {
    const { services } = createStubbedServices(describeAnswers);
    expect(await services.describe(serviceId(1))).toEqual(aConfiguration({ nameTag: 'orders' }));
  });

  test('with the tag of another stage does not count as tagged', async () => {
    const [configuration] = describeAnswers.DescribeVpcEndpointServiceConfigurations.ServiceConfigurations;
    const ServiceConfigurations = [{ ...configuration, Tags: [{ Key: 'linkgate', Value: 'other' }] }];
    const { services, sent } = createStubbedServices({
      ...describeAnswers,
      DescribeVpcEndpointServiceConfigurations: { ServiceConfigurations },
    });
    expect(await services.describe(serviceId(1))).toMatchObject({ isTagged: false, otherStage: 'other' });
    expect(sent.map(({ command }) => command)).not.toContain('DescribeVpcEndpointServicePermissions');
  });

  test('without the tag is described without its principals, which EC2 does not list', async () => {
    const [{ Tags: _tags, ...configuration } = {}] =
      describeAnswers.DescribeVpcEndpointServiceConfigurations.ServiceConfigurations;
    const { services } = createStubbedServices({
      ...describeAnswers,
      DescribeVpcEndpointServicePermissions: awsError('UnauthorizedOperation'),
      DescribeVpcEndpointServiceConfigurations: { ServiceConfigurations: [configuration] },
    });
    const { principals: _principals, ...untagged } = aConfiguration({ isTagged: false });
    expect(await services.describe(serviceId(1))).toEqual(untagged);
  });

  test.each([
    ['GatewayLoadBalancer', true],
    ['Interface', undefined],
  ])('of the type %s is described with isGatewayLoadBalancer %s', async (ServiceType, isOfGateways) => {
    const [configuration] = describeAnswers.DescribeVpcEndpointServiceConfigurations.ServiceConfigurations;
    const ServiceConfigurations = [{ ...configuration, ServiceType: [{ ServiceType }] }];
    const { services } = createStubbedServices({
      ...describeAnswers,
      DescribeVpcEndpointServiceConfigurations: { ServiceConfigurations },
    });
    expect((await services.describe(serviceId(1)))?.isGatewayLoadBalancer).toBe(isOfGateways);
  });

  test.each(['Deleting', 'Deleted'])('in the state %s counts as missing', async (ServiceState) => {
    const ServiceConfigurations = [{ ServiceId: serviceId(1), ServiceState }];
    const { services } = createStubbedServices({
      DescribeVpcEndpointServiceConfigurations: { ServiceConfigurations },
    });
    expect(await services.describe(serviceId(1))).toBeUndefined();
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
  const createServicesWithError = (name: string) => {
    const error = Object.assign(new Error('it says so'), { name });
    return createStubbedServices({ CreateTags: error, CreateVpcEndpointConnectionNotification: error });
  };

  test('is tested with dry runs', async () => {
    const { services, sent } = createServicesWithError('DryRunOperation');
    expect(await services.findRepairDenial(serviceId(1), topicArn)).toBeUndefined();
    expect(sent).toMatchObject([
      { command: 'CreateTags', input: { DryRun: true } },
      { command: 'CreateVpcEndpointConnectionNotification', input: { DryRun: true } },
    ]);
  });

  test('is not denied by the error that EC2 has no notifications for this type of service', async () => {
    const { services } = createStubbedServices({
      CreateTags: awsError('DryRunOperation'),
      CreateVpcEndpointConnectionNotification: awsError('InvalidParameter'),
    });
    expect(await services.findRepairDenial(serviceId(1), topicArn)).toBeUndefined();
  });

  test('is denied by UnauthorizedOperation', async () => {
    const { services } = createServicesWithError('UnauthorizedOperation');
    expect(await services.findRepairDenial(serviceId(1), topicArn)).toBe('it says so');
  });

  test('is unknown after any other error', async () => {
    const { services } = createServicesWithError('RequestLimitExceeded');
    await expect(services.findRepairDenial(serviceId(1), topicArn)).rejects.toThrow('it says so');
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
