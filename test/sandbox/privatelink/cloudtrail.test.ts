import {
  AcceptVpcEndpointConnections$,
  CreateTags$,
  CreateVpcEndpoint$,
  DeleteVpcEndpoints$,
  DescribeVpcEndpointServices$,
} from '@aws-sdk/client-ec2';
import { expect, test } from '@jest/globals';
import { NormalizedSchema } from '@smithy/core/schema';
import { cloudTrailEvent } from '../../../sandbox/privatelink/cloudtrail.ts';
import { aConsumer, noon } from './builders.ts';

const root = { ...aConsumer(), principal: 'root' };

function recordCall(schema: typeof CreateVpcEndpoint$, input: unknown, output: unknown, caller = root) {
  const [, , operation, , inputSchema, outputSchema] = schema;
  return cloudTrailEvent({
    operation,
    input,
    output,
    schema: { input: NormalizedSchema.of(inputSchema), output: NormalizedSchema.of(outputSchema) },
    caller,
    time: noon,
    requestId: 'request',
    eventId: 'event',
  });
}

const accept = (...VpcEndpointIds: string[]) =>
  recordCall(AcceptVpcEndpointConnections$, { ServiceId: 'vpce-svc-1', VpcEndpointIds }, { Unsuccessful: [] })
    .detail;

test('several elements are an array, a single one is an object, and none is an empty string', () => {
  expect(accept('vpce-1', 'vpce-2').requestParameters).toEqual({
    AcceptVpcEndpointConnectionsRequest: {
      ServiceId: 'vpce-svc-1',
      VpcEndpointId: [
        { tag: 1, content: 'vpce-1' },
        { tag: 2, content: 'vpce-2' },
      ],
    },
  });
  expect(accept('vpce-1')).toMatchObject({
    requestParameters: {
      AcceptVpcEndpointConnectionsRequest: { VpcEndpointId: { tag: 1, content: 'vpce-1' } },
    },
    responseElements: {
      AcceptVpcEndpointConnectionsResponse: {
        xmlns: 'http://ec2.amazonaws.com/doc/2016-11-15/',
        requestId: 'request',
        unsuccessful: '',
      },
    },
  });
  expect(recordCall(DescribeVpcEndpointServices$, {}, {}).detail.requestParameters).toEqual({
    DescribeVpcEndpointServicesRequest: '',
  });
});

test('a change of tags has a form of its own', () => {
  const Tags = [{ Key: 'linkgate', Value: 'dev' }];
  expect(recordCall(CreateTags$, { Resources: ['vpce-svc-1'], Tags }, {}).detail.requestParameters).toEqual({
    resourcesSet: { items: [{ resourceId: 'vpce-svc-1' }] },
    tagSet: { items: [{ key: 'linkgate', value: 'dev' }] },
  });
});

test('a response has lists of items, and an owner without leading zeros', () => {
  const { detail } = recordCall(
    CreateVpcEndpoint$,
    { TagSpecifications: [{ ResourceType: 'vpc-endpoint', Tags: [{ Key: 'Name', Value: 'mine' }] }] },
    {
      VpcEndpoint: {
        OwnerId: '022222222222',
        State: 'pendingAcceptance',
        SubnetIds: ['subnet-1', 'subnet-2'],
        RouteTableIds: [],
        Groups: [{ GroupId: 'sg-1' }],
        CreationTimestamp: new Date(noon),
      },
    },
  );
  expect(detail.requestParameters).toEqual({
    CreateVpcEndpointRequest: {
      TagSpecification: { tag: 1, ResourceType: 'vpc-endpoint', Tag: { tag: 1, Key: 'Name', Value: 'mine' } },
    },
  });
  expect(detail.responseElements).toMatchObject({
    CreateVpcEndpointResponse: {
      vpcEndpoint: {
        ownerId: 22222222222,
        state: 'pendingAcceptance',
        subnetIdSet: { item: ['subnet-1', 'subnet-2'] },
        routeTableIdSet: '',
        groupSet: { item: { groupId: 'sg-1' } },
        creationTimestamp: '2026-11-21T12:00:00.000Z',
      },
    },
  });
  expect(detail.recipientAccountId).toBe('022222222222');
});

test('a session names its role, root does not', () => {
  const session = {
    ...root,
    arn: 'arn:aws:sts::022222222222:assumed-role/apply-verdicts/session',
    principal: 'apply-verdicts',
  };
  expect(recordCall(DeleteVpcEndpoints$, {}, {}, session).detail.userIdentity).toMatchObject({
    type: 'AssumedRole',
    sessionContext: { sessionIssuer: { arn: 'arn:aws:iam::022222222222:role/apply-verdicts' } },
  });
  expect(accept().userIdentity).toEqual({
    type: 'Root',
    principalId: '022222222222',
    arn: 'arn:aws:iam::022222222222:root',
    accountId: '022222222222',
  });
});
