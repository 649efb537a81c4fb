import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { matches } from '../../sandbox/aws/event-pattern.ts';

const applyRole = 'arn:aws:iam::111111111111:role/linkgate-test-ApplyVerdictsRole';

/** A pattern as it is deployed: with the role's ARN where the template refers to it. */
function patternNamed(name: string): object {
  const text = readFileSync(new URL(`../../rules/events/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text, (_key, value) =>
    value?.['Fn::GetAtt']?.[0] === 'ApplyVerdictsRole' ? applyRole : value,
  );
}

/** An event as linkgate puts it on its own bus. */
function said(type: string, state = 'available') {
  return { source: 'linkgate', 'detail-type': type, detail: { connection: { state } } };
}

/** A call as CloudTrail delivers it on the account's default bus. */
function called(eventName: string, userIdentity: object = { type: 'Root' }) {
  return {
    source: 'aws.ec2',
    'detail-type': 'AWS API Call via CloudTrail',
    detail: { eventSource: 'ec2.amazonaws.com', eventName, userIdentity },
  };
}

function inRole(arn: string) {
  return { type: 'AssumedRole', sessionContext: { sessionIssuer: { type: 'Role', arn } } };
}

const request = said('Connection Request', 'pendingAcceptance');
const person = { type: 'IAMUser', arn: 'arn:aws:iam::111111111111:user/alice' };
const otherRole = inRole('arn:aws:iam::111111111111:role/operators');

const samples = {
  'connection-request': {
    matching: { 'a connection request': request },
    others: {
      'a changed connection': said('Connection Changed'),
      "somebody else's event of that name": { ...request, source: 'elsewhere' },
    },
  },
  'connection-changed': {
    matching: {
      'a connection that became available': said('Connection Changed'),
      'a connection that is pending': said('Connection Changed', 'pending'),
    },
    others: { 'a connection request': request },
  },
  'connection-is-pending': {
    matching: { 'a connection that EC2 is connecting': said('Connection Changed', 'pending') },
    others: {
      'a connection that became available': said('Connection Changed'),
      'a request that awaits acceptance': said('Connection Changed', 'pendingAcceptance'),
      'a connection request': request,
    },
  },
  'connection-changed-by-hand': {
    matching: {
      "a person's Accept": called('AcceptVpcEndpointConnections', person),
      "the account's own Reject": called('RejectVpcEndpointConnections'),
      'an Accept in another role': called('AcceptVpcEndpointConnections', otherRole),
    },
    others: {
      "linkgate's own Accept": called('AcceptVpcEndpointConnections', inRole(applyRole)),
      "linkgate's own Reject": called('RejectVpcEndpointConnections', inRole(applyRole)),
      'a look at connections': called('DescribeVpcEndpointConnections', person),
      'an endpoint that this account made itself': called('CreateVpcEndpoint', person),
    },
  },
  'service-changed': {
    matching: {
      'a change of the allowed principals': called('ModifyVpcEndpointServicePermissions', person),
      'a change of the service, such as acceptance switched off': called(
        'ModifyVpcEndpointServiceConfiguration',
        otherRole,
      ),
      'a change of who pays': called('ModifyVpcEndpointServicePayerResponsibility'),
      'a new connection notification': called('CreateVpcEndpointConnectionNotification', person),
      'a changed connection notification': called('ModifyVpcEndpointConnectionNotification'),
      'a deleted connection notification': called('DeleteVpcEndpointConnectionNotifications'),
      'a deleted service': called('DeleteVpcEndpointServiceConfigurations'),
    },
    others: {
      'an Accept': called('AcceptVpcEndpointConnections', person),
      'a look at services': called('DescribeVpcEndpointServiceConfigurations'),
      'a call of that name to another service': {
        ...called('ModifyVpcEndpointServicePermissions'),
        source: 'aws.other',
      },
    },
  },
};

describe.each(Object.entries(samples))('%s', (name, { matching, others }) => {
  test.each(Object.entries(matching))('hears of %s', (_sample, event) => {
    expect(matches(patternNamed(name), event)).toBe(true);
  });

  test.each(Object.entries(others))('does not hear of %s', (_sample, event) => {
    expect(matches(patternNamed(name), event)).toBe(false);
  });
});
