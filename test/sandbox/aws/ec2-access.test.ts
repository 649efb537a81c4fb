import { expect, test } from '@jest/globals';
import { listEc2Accesses } from '../../../sandbox/aws/ec2-access.ts';
import { aConsumer, aPrivateLink, aService, provider } from '../privatelink/builders.ts';

const caller = { ...aConsumer(provider.accountId), principal: 'apply-verdicts' };

function aTaggedService() {
  const privateLink = aPrivateLink();
  const { id } = aService(privateLink);
  privateLink.state.tags[id] = { linkgate: 'local' };
  return { privateLink, id, arn: `arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/${id}` };
}

test('accepting needs permission for the service, with its tags as condition keys', () => {
  const { privateLink, id, arn } = aTaggedService();
  const input = { ServiceId: id, VpcEndpointIds: [] };
  expect(listEc2Accesses(privateLink, 'AcceptVpcEndpointConnections', input, caller)).toMatchObject([
    {
      action: 'ec2:AcceptVpcEndpointConnections',
      resource: arn,
      conditions: { 'aws:ResourceTag/linkgate': 'local' },
    },
  ]);
});

test('describing has no resources', () => {
  const { privateLink, id } = aTaggedService();
  expect(
    listEc2Accesses(privateLink, 'DescribeVpcEndpointServiceConfigurations', { ServiceIds: [id] }, caller),
  ).toEqual([
    {
      action: 'ec2:DescribeVpcEndpointServiceConfigurations',
      resource: '*',
      conditions: { 'ec2:Region': 'us-east-1' },
    },
  ]);
});

test('listing the allowed principals of a service needs permission for that service', () => {
  const { privateLink, id, arn } = aTaggedService();
  expect(
    listEc2Accesses(privateLink, 'DescribeVpcEndpointServicePermissions', { ServiceId: id }, caller),
  ).toMatchObject([{ resource: arn, conditions: { 'aws:ResourceTag/linkgate': 'local' } }]);
});

test('changing and deleting a notification needs permission for its service', () => {
  const { privateLink, id, arn } = aTaggedService();
  const { id: notificationId } = privateLink.createNotification(caller, {
    serviceId: id,
    topicArn: 'arn:aws:sns:us-east-1:111111111111:connections',
    events: ['Connect'],
  });
  const onService = [{ resource: arn, conditions: { 'aws:ResourceTag/linkgate': 'local' } }];
  const listAccesses = (operation: string, input: object) =>
    listEc2Accesses(privateLink, operation, input, caller);
  expect(
    listAccesses('ModifyVpcEndpointConnectionNotification', { ConnectionNotificationId: notificationId }),
  ).toMatchObject(onService);
  expect(
    listAccesses('DeleteVpcEndpointConnectionNotifications', { ConnectionNotificationIds: [notificationId] }),
  ).toMatchObject(onService);
});

test('a missing notification has no tag', () => {
  const [access] = listEc2Accesses(
    aTaggedService().privateLink,
    'DeleteVpcEndpointConnectionNotifications',
    { ConnectionNotificationIds: ['vpce-nfn-0123456789abcdef0'] },
    caller,
  );
  expect(access?.conditions).toEqual({ 'ec2:Region': 'us-east-1' });
});

test('tagging passes the request tags as condition keys', () => {
  const { privateLink, id, arn } = aTaggedService();
  const input = { Resources: [id], Tags: [{ Key: 'linkgate', Value: 'prod' }] };
  expect(listEc2Accesses(privateLink, 'CreateTags', input, caller)).toMatchObject([
    {
      action: 'ec2:CreateTags',
      resource: arn,
      conditions: { 'aws:RequestTag/linkgate': 'prod', 'aws:TagKeys': ['linkgate'] },
    },
  ]);
});

test('tags on creation need ec2:CreateTags too', () => {
  const input = { TagSpecifications: [{ Tags: [{ Key: 'Name', Value: 'billing' }] }] };
  const accesses = listEc2Accesses(aPrivateLink(), 'CreateVpcEndpointServiceConfiguration', input, caller);
  expect(accesses.map(({ action }) => action)).toEqual([
    'ec2:CreateVpcEndpointServiceConfiguration',
    'ec2:CreateTags',
  ]);
});

test('a notification is authorized by its service', () => {
  const { privateLink, id, arn } = aTaggedService();
  const accesses = listEc2Accesses(
    privateLink,
    'CreateVpcEndpointConnectionNotification',
    { ServiceId: id },
    caller,
  );
  expect(accesses.map(({ resource }) => resource)).toEqual([arn]);
});
