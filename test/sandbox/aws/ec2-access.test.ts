import { expect, test } from '@jest/globals';
import { listEc2Accesses } from '../../../sandbox/aws/ec2-access.ts';
import { aConsumer, aPrivateLink, aService, provider } from '../privatelink/builders.ts';

const caller = { ...aConsumer(provider.accountId), principal: 'apply-verdicts' };
const privateLink = aPrivateLink();
const { id } = aService(privateLink);
privateLink.state.tags[id] = { linkgate: 'local' };
const { id: ConnectionNotificationId } = privateLink.createNotification(caller, {
  serviceId: id,
  topicArn: 'arn:aws:sns:us-east-1:111111111111:connections',
  events: ['Connect'],
});

const resource = `arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/${id}`;
const service = { resource, conditions: { 'aws:ResourceTag/linkgate': 'local' } };
const everything = { resource: '*', conditions: { 'ec2:Region': 'us-east-1' } };

test.each([
  ['AcceptVpcEndpointConnections', { ServiceId: id, VpcEndpointIds: [] }, service],
  ['DescribeVpcEndpointServicePermissions', { ServiceId: id }, service],
  ['CreateVpcEndpointConnectionNotification', { ServiceId: id }, service],
  ['ModifyVpcEndpointConnectionNotification', { ConnectionNotificationId }, service],
  [
    'DeleteVpcEndpointConnectionNotifications',
    { ConnectionNotificationIds: [ConnectionNotificationId] },
    service,
  ],
  ['DescribeVpcEndpointServiceConfigurations', { ServiceIds: [id] }, everything],
  [
    'CreateTags',
    { Resources: [id], Tags: [{ Key: 'linkgate', Value: 'prod' }] },
    { resource, conditions: { 'aws:RequestTag/linkgate': 'prod', 'aws:TagKeys': ['linkgate'] } },
  ],
])(
  '%s of %j needs permission with the tags of its service as condition keys: %j',
  (operation, input, access) => {
    expect(listEc2Accesses(privateLink, operation, input, caller)).toMatchObject([
      { action: `ec2:${operation}`, ...access },
    ]);
  },
);

test('a call without a known service has the Region as its only condition key', () => {
  const input = { ConnectionNotificationIds: ['vpce-nfn-0123456789abcdef0'] };
  const accesses = listEc2Accesses(privateLink, 'DeleteVpcEndpointConnectionNotifications', input, caller);
  expect(accesses.map(({ conditions }) => conditions)).toEqual([everything.conditions]);
});

test('tags on creation need ec2:CreateTags too', () => {
  const input = { TagSpecifications: [{ Tags: [{ Key: 'Name', Value: 'billing' }] }] };
  const accesses = listEc2Accesses(privateLink, 'CreateVpcEndpointServiceConfiguration', input, caller);
  expect(accesses.map(({ action }) => action)).toEqual([
    'ec2:CreateVpcEndpointServiceConfiguration',
    'ec2:CreateTags',
  ]);
});
