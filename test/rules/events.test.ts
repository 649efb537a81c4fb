import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { matchesPattern } from '../../sandbox/aws/event-pattern.ts';

const applyRole = 'arn:aws:iam::111111111111:role/linkgate-test-ApplyVerdictsRole';
const checkRole = 'arn:aws:iam::111111111111:role/linkgate-test-CheckServiceRole';
const roles: Readonly<Record<string, string>> = { ApplyVerdictsRole: applyRole, CheckServiceRole: checkRole };

/** Returns a deployed pattern, with role ARNs for the references of the template. */
function patternNamed(name: string): object {
  const text = readFileSync(new URL(`../../rules/events/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text, (_key, value) => roles[value?.['Fn::GetAtt']?.[0]] ?? value);
}

/** An event that linkgate puts on its own bus. */
function linkgateEvent(type: string, state = 'available') {
  return { source: 'linkgate', 'detail-type': type, detail: { connection: { state } } };
}

/** A call as CloudTrail delivers it on the account's default bus. */
function apiCallEvent(eventName: string, userIdentity: object = { type: 'Root' }) {
  return {
    source: 'aws.ec2',
    'detail-type': 'AWS API Call via CloudTrail',
    detail: { eventSource: 'ec2.amazonaws.com', eventName, userIdentity },
  };
}

/** A change of tags, in the CloudTrail record format of EC2's oldest operations. */
function tagChangeEvent(eventName: string, resourceIds: readonly string[], keys: readonly string[]) {
  const event = apiCallEvent(eventName, person);
  const requestParameters = {
    resourcesSet: { items: resourceIds.map((resourceId) => ({ resourceId })) },
    tagSet: { items: keys.map((key) => ({ key })) },
  };
  return { ...event, detail: { ...event.detail, requestParameters } };
}

function inRole(arn: string) {
  return { type: 'AssumedRole', sessionContext: { sessionIssuer: { type: 'Role', arn } } };
}

function withErrorCode(event: ReturnType<typeof apiCallEvent>, errorCode: string) {
  return { ...event, detail: { ...event.detail, errorCode } };
}

/** The same call to another service than EC2. */
function withEventSource(event: ReturnType<typeof apiCallEvent>, eventSource: string) {
  return { ...event, detail: { ...event.detail, eventSource } };
}

const request = linkgateEvent('Connection Request', 'pendingAcceptance');
const person = { type: 'IAMUser', arn: 'arn:aws:iam::111111111111:user/alice' };
const otherRole = inRole('arn:aws:iam::111111111111:role/operators');

/** Events that linkgate publishes for other systems. They start no function of linkgate. */
const announcements = {
  'a request that waits': linkgateEvent('Connection Waiting', 'pendingAcceptance'),
  'a service that drifted': { source: 'linkgate', 'detail-type': 'Service Drifted', detail: { drift: [] } },
};

const samples = {
  'connection-request': {
    matching: { 'a connection request': request },
    notMatching: {
      'a changed connection': linkgateEvent('Connection Changed'),
      "somebody else's event of that name": { ...request, source: 'elsewhere' },
      'an event whose source only begins with linkgate': { ...request, source: 'linkgate.orders' },
      'an event whose detail-type differs in case': linkgateEvent('connection request', 'pendingAcceptance'),
      'a call of EC2': apiCallEvent('AcceptVpcEndpointConnections'),
      ...announcements,
    },
  },
  'connection-changed': {
    matching: {
      'a connection that became available': linkgateEvent('Connection Changed'),
      'a connection that is pending': linkgateEvent('Connection Changed', 'pending'),
    },
    notMatching: {
      'a connection request': request,
      "somebody else's event of that name": { ...linkgateEvent('Connection Changed'), source: 'elsewhere' },
      ...announcements,
    },
  },
  'connection-is-pending': {
    matching: {
      'a connection that EC2 is connecting': linkgateEvent('Connection Changed', 'pending'),
      'a connection that somebody else accepted before linkgate described it': linkgateEvent(
        'Connection Request',
        'pending',
      ),
    },
    notMatching: {
      'a connection that became available': linkgateEvent('Connection Changed'),
      'a request that awaits acceptance': linkgateEvent('Connection Changed', 'pendingAcceptance'),
      'a connection that EC2 shows available and that was recorded as pending': {
        ...linkgateEvent('Connection Changed'),
        detail: { connection: { state: 'available' }, record: { state: 'pending' } },
      },
      'a connection request': request,
      ...announcements,
    },
  },
  'external-connection-change': {
    matching: {
      "a person's Accept": apiCallEvent('AcceptVpcEndpointConnections', person),
      "the account's own Reject": apiCallEvent('RejectVpcEndpointConnections'),
      'an Accept in another role': apiCallEvent('AcceptVpcEndpointConnections', otherRole),
      'an Accept in a role with a similar name': apiCallEvent(
        'AcceptVpcEndpointConnections',
        inRole(`${applyRole}2`),
      ),
      'an Accept that failed with an internal error, so that its result is unknown': withErrorCode(
        apiCallEvent('AcceptVpcEndpointConnections', person),
        'Server.InternalError',
      ),
    },
    notMatching: {
      "linkgate's own Accept": apiCallEvent('AcceptVpcEndpointConnections', inRole(applyRole)),
      "linkgate's own Reject": apiCallEvent('RejectVpcEndpointConnections', inRole(applyRole)),
      'a describe call for connections': apiCallEvent('DescribeVpcEndpointConnections', person),
      'an endpoint that this account created': apiCallEvent('CreateVpcEndpoint', person),
      'an Accept that EC2 refused': withErrorCode(
        apiCallEvent('AcceptVpcEndpointConnections', person),
        'Client.UnauthorizedOperation',
      ),
      'a call with that name to another AWS service': withEventSource(
        apiCallEvent('AcceptVpcEndpointConnections', person),
        'vpc-lattice.amazonaws.com',
      ),
      'an event of EC2 that is no API call': {
        ...apiCallEvent('AcceptVpcEndpointConnections', person),
        'detail-type': 'EC2 Instance State-change Notification',
      },
    },
  },
  'service-changed': {
    matching: {
      'a change of the allowed principals': apiCallEvent('ModifyVpcEndpointServicePermissions', person),
      'a change of the allowed principals in another role': apiCallEvent(
        'ModifyVpcEndpointServicePermissions',
        otherRole,
      ),
      'a change of the service, such as its acceptance setting': apiCallEvent(
        'ModifyVpcEndpointServiceConfiguration',
        otherRole,
      ),
      'a change of the payer responsibility': apiCallEvent('ModifyVpcEndpointServicePayerResponsibility'),
      'a new connection notification': apiCallEvent('CreateVpcEndpointConnectionNotification', person),
      'a changed connection notification': apiCallEvent('ModifyVpcEndpointConnectionNotification'),
      'a deleted connection notification': apiCallEvent('DeleteVpcEndpointConnectionNotifications'),
      'a deleted service': apiCallEvent('DeleteVpcEndpointServiceConfigurations'),
      "linkgate's own change of a notification": apiCallEvent(
        'CreateVpcEndpointConnectionNotification',
        inRole('arn:aws:iam::111111111111:role/linkgate-test-OnApiRequestRole'),
      ),
      'a change that failed with an internal error, so that its result is unknown': withErrorCode(
        apiCallEvent('ModifyVpcEndpointServiceConfiguration'),
        'Server.Unavailable',
      ),
      "linkgate's tag deleted": tagChangeEvent('DeleteTags', ['vpce-svc-1'], ['linkgate']),
      'all tags deleted': tagChangeEvent('DeleteTags', ['vpce-svc-1'], []),
      "linkgate's tag changed, among other tags and resources": tagChangeEvent(
        'CreateTags',
        ['i-1', 'vpce-svc-1'],
        ['Name', 'linkgate'],
      ),
    },
    notMatching: {
      "linkgate's own change of the allowed principals": apiCallEvent(
        'ModifyVpcEndpointServicePermissions',
        inRole(checkRole),
      ),
      'another tag of a service': tagChangeEvent('DeleteTags', ['vpce-svc-1'], ['Name']),
      "linkgate's tag of something else": tagChangeEvent('CreateTags', ['i-1', 'vpce-1'], ['linkgate']),
      'a dry run of a tag change': withErrorCode(
        tagChangeEvent('CreateTags', ['vpce-svc-1'], ['linkgate']),
        'Client.DryRunOperation',
      ),
      'an Accept': apiCallEvent('AcceptVpcEndpointConnections', person),
      'a describe call for services': apiCallEvent('DescribeVpcEndpointServiceConfigurations'),
      'a describe call for allowed principals': apiCallEvent('DescribeVpcEndpointServicePermissions', person),
      'a new service, which is not registered yet': apiCallEvent(
        'CreateVpcEndpointServiceConfiguration',
        person,
      ),
      'a dry run of a change': withErrorCode(
        apiCallEvent('ModifyVpcEndpointServicePermissions', person),
        'Client.DryRunOperation',
      ),
      'a call with that name to another AWS service': withEventSource(
        apiCallEvent('ModifyVpcEndpointServicePermissions'),
        'vpc-lattice.amazonaws.com',
      ),
      "another service's event": {
        ...apiCallEvent('ModifyVpcEndpointServicePermissions'),
        source: 'aws.other',
      },
    },
  },
};

test('every event pattern has samples that it matches and samples that it does not', () => {
  const patterns = readdirSync(new URL('../../rules/events/', import.meta.url));
  expect(patterns.map((file) => file.replace('.json', '')).sort()).toEqual(Object.keys(samples).sort());
});

describe.each(Object.entries(samples))('the event pattern %s', (name, { matching, notMatching }) => {
  test.each(Object.entries(matching))('matches %s', (_sample, event) => {
    expect(matchesPattern(patternNamed(name), event)).toBe(true);
  });

  test.each(Object.entries(notMatching))('does not match %s', (_sample, event) => {
    expect(matchesPattern(patternNamed(name), event)).toBe(false);
  });
});

describe('the stream filter of on-table-stream', () => {
  const table = readFileSync(new URL('../../resources/table.yml', import.meta.url), 'utf8');
  const [, mapping = ''] = /\n {2}TableStreamMapping:\n([\s\S]*?)\n\n/.exec(table) ?? [];
  const filters = [...mapping.matchAll(/- Pattern: '(.*)'/g)].map(([, pattern = '']) => JSON.parse(pattern));

  function matchesFilters(pk: string, image: object = {}): boolean {
    const record = { eventName: 'MODIFY', dynamodb: { Keys: { pk: { S: pk } }, NewImage: image } };
    return filters.some((filter) => matchesPattern(filter, record));
  }

  function requestWith(outcome: string, state = 'pendingAcceptance') {
    return { state: { S: state }, verdict: { M: { outcome: { S: outcome } } } };
  }

  test.each([
    ['an allowlist entry', 'ALLOWLIST#*', {}],
    ['a service', 'SERVICE', {}],
    ['a mode change', 'MODE', {}],
    ['a request with verdict ask', 'CONNECTION#0', requestWith('ask')],
    ['a request with verdict hold', 'CONNECTION#f', requestWith('hold')],
    [
      'a connection with an approval request',
      'CONNECTION#0',
      { ...requestWith('reject', 'available'), approvalRequest: { M: { group: { S: 'default' } } } },
    ],
    [
      'an accepted connection with an expiry warning',
      'CONNECTION#0',
      {
        ...requestWith('accept', 'available'),
        expiryWarning: { M: { until: { S: '2026-12-01T00:00:00.000Z' } } },
      },
    ],
  ])('matches %s', (_what, pk, image) => {
    expect(matchesFilters(pk, image)).toBe(true);
  });

  test.each([
    ['an accepted request', 'CONNECTION#0', requestWith('accept')],
    ['a rejected request', 'CONNECTION#0', requestWith('reject')],
    ['a connection without an approval request', 'CONNECTION#0', requestWith('ask', 'available')],
    ['a record without verdict', 'CONNECTION#0', { state: { S: 'pendingAcceptance' } }],
    ['an audit entry', 'AUDIT#vpce-00000000000000001', { outcome: { S: 'ask' } }],
    ['a pending effect', 'PENDING_EFFECT#111111111111/us-east-1', {}],
    ['the lease of a sweep', 'LEASE', {}],
    ['an approver group', 'APPROVERS', {}],
  ])('does not match %s', (_what, pk, image) => {
    expect(matchesFilters(pk, image)).toBe(false);
  });
});
