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

function recordCall(schema: typeof CreateVpcEndpoint$, input: unknown, caller = root) {
  const [, , operation, , inputSchema] = schema;
  return cloudTrailEvent({
    operation,
    input,
    schema: { input: NormalizedSchema.of(inputSchema) },
    caller,
    time: noon,
    requestId: 'request',
    eventId: 'event',
  }).detail;
}

const idsOf = (...VpcEndpointIds: string[]) => ({ ServiceId: 'vpce-svc-1', VpcEndpointIds });
const tags = [{ Key: 'linkgate', Value: 'dev' }];
test.each<[what: string, schema: typeof CreateVpcEndpoint$, input: object, parameters: object]>([
  [
    'several elements as an array',
    AcceptVpcEndpointConnections$,
    idsOf('vpce-1', 'vpce-2'),
    {
      AcceptVpcEndpointConnectionsRequest: {
        ServiceId: 'vpce-svc-1',
        VpcEndpointId: [
          { tag: 1, content: 'vpce-1' },
          { tag: 2, content: 'vpce-2' },
        ],
      },
    },
  ],
  [
    'a single element as an object',
    AcceptVpcEndpointConnections$,
    idsOf('vpce-1'),
    {
      AcceptVpcEndpointConnectionsRequest: {
        ServiceId: 'vpce-svc-1',
        VpcEndpointId: { tag: 1, content: 'vpce-1' },
      },
    },
  ],
  [
    'structures with their members',
    CreateVpcEndpoint$,
    { TagSpecifications: [{ ResourceType: 'vpc-endpoint', Tags: tags }] },
    {
      CreateVpcEndpointRequest: {
        TagSpecification: {
          tag: 1,
          ResourceType: 'vpc-endpoint',
          Tag: { tag: 1, Key: 'linkgate', Value: 'dev' },
        },
      },
    },
  ],
  [
    'no parameters as an empty text',
    DescribeVpcEndpointServices$,
    {},
    { DescribeVpcEndpointServicesRequest: '' },
  ],
  [
    'a change of tags in a form of its own',
    CreateTags$,
    { Resources: ['vpce-svc-1'], Tags: tags },
    {
      resourcesSet: { items: [{ resourceId: 'vpce-svc-1' }] },
      tagSet: { items: [{ key: 'linkgate', value: 'dev' }] },
    },
  ],
])('a record has %s', (_, schema, input, parameters) => {
  expect(recordCall(schema, input).requestParameters).toEqual(parameters);
});

test('a session names its role, root does not', () => {
  const session = {
    ...root,
    arn: 'arn:aws:sts::022222222222:assumed-role/apply-verdicts/session',
    principal: 'apply-verdicts',
  };
  expect(recordCall(DeleteVpcEndpoints$, {}, session).userIdentity).toMatchObject({
    type: 'AssumedRole',
    sessionContext: { sessionIssuer: { arn: 'arn:aws:iam::022222222222:role/apply-verdicts' } },
  });
  expect(recordCall(DeleteVpcEndpoints$, {}).userIdentity).toEqual({
    type: 'Root',
    principalId: '022222222222',
    arn: 'arn:aws:iam::022222222222:root',
    accountId: '022222222222',
  });
});
