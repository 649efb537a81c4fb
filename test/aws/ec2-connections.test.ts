import type { EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, test } from '@jest/globals';
import { ec2ConnectionChanges } from '../../lib/aws/ec2-connection-changes.ts';
import { ec2Connections } from '../../lib/aws/ec2-connections.ts';
import type { AccountRegion } from '../../lib/locations/account-region.ts';
import { listAllConnections, type RefusedCallError } from '../../lib/privatelink/connections.ts';
import { aConnection, endpointId, hub, serviceId } from '../builders.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

function createHubConnections(...answers: readonly unknown[]) {
  return createConnections(hub, ...answers);
}

function createConnections(location: AccountRegion, ...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<EC2Client>(...answers);
  const errors: unknown[] = [];
  const read = ec2Connections(client, location, (error) => errors.push(error));
  return { connections: { ...read, ...ec2ConnectionChanges(client) }, sent, errors };
}

/** A connection as the SDK returns it. */
function anSdkConnection(more: object = {}) {
  return {
    ServiceId: serviceId(1),
    VpcEndpointId: endpointId(1),
    VpcEndpointOwner: '022222222222',
    VpcEndpointState: 'pendingAcceptance',
    CreationTimestamp: new Date('2026-11-21T11:59:00.000Z'),
    ...more,
  };
}

function buildPage(connections: readonly object[], NextToken?: string) {
  return { VpcEndpointConnections: connections, ...(NextToken !== undefined && { NextToken }) };
}

async function catchError(thrown: Error) {
  const { connections } = createHubConnections(thrown);
  return connections.accept(serviceId(1), [endpointId(1)]).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a page of connections', () => {
  test('is requested with filters in the casing of EC2', async () => {
    const { connections, sent } = createHubConnections(buildPage([]));
    await connections.page({
      serviceIds: [serviceId(1)],
      endpointIds: [endpointId(1)],
      ownerAccountId: '022222222222',
      state: 'pendingAcceptance',
    });
    expect(sent).toEqual([
      {
        command: 'DescribeVpcEndpointConnections',
        input: {
          MaxResults: 1_000,
          Filters: [
            { Name: 'service-id', Values: [serviceId(1)] },
            { Name: 'vpc-endpoint-id', Values: [endpointId(1)] },
            { Name: 'vpc-endpoint-owner', Values: ['022222222222'] },
            { Name: 'vpc-endpoint-state', Values: ['pendingAcceptance'] },
          ],
        },
      },
    ]);
  });

  test.each(['pendingAcceptance', 'PendingAcceptance'])(
    'has the state pendingAcceptance if EC2 says %s',
    async (state) => {
      const { connections } = createHubConnections(buildPage([anSdkConnection({ VpcEndpointState: state })]));
      expect((await connections.page({})).connections).toEqual([aConnection()]);
    },
  );

  test('contains the Region and the IP address type of an endpoint', async () => {
    const { connections } = createHubConnections(
      buildPage([anSdkConnection({ VpcEndpointRegion: 'eu-west-1', IpAddressType: 'ipv4' })]),
    );
    expect((await connections.page({})).connections).toEqual([
      aConnection({ endpointRegion: 'eu-west-1', ipAddressType: 'ipv4' }),
    ]);
  });

  test('leaves out and reports a connection without a required field', async () => {
    const { VpcEndpointOwner: _owner, ...ownerless } = anSdkConnection();
    const { connections, errors } = createHubConnections(
      buildPage([ownerless, anSdkConnection({ VpcEndpointId: endpointId(2) })]),
    );
    expect(await connections.page({})).toEqual({
      connections: [aConnection({ endpointId: endpointId(2) })],
      unreadable: [endpointId(1)],
    });
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining(endpointId(1)) })]);
  });

  test.each([
    'eusc-de-east-1',
    'us-gov-west-1',
    'us-isob-east-1',
    'mx-central-1',
    'cn-north-1',
    'eu-isoe-west-12',
  ])('may contain endpoints of any Region: %s', async (region) => {
    const location = { ...hub, region };
    const { connections, errors } = createConnections(location, buildPage([anSdkConnection()]));
    expect((await connections.page({})).connections).toEqual([aConnection({ location })]);
    expect(errors).toEqual([]);
  });

  test('has an unknown state as `partial`, and does not leave the connection out', async () => {
    const { connections } = createHubConnections(
      buildPage([anSdkConnection({ VpcEndpointState: 'unheard-of' })]),
    );
    expect((await connections.page({})).connections).toMatchObject([{ state: 'partial' }]);
  });

  test('is followed by another while EC2 returns a token, even after an empty page', async () => {
    const { connections, sent } = createHubConnections(
      buildPage([], 'token-1'),
      buildPage([anSdkConnection()], 'token-2'),
      buildPage([anSdkConnection({ VpcEndpointId: endpointId(2) })], ''),
    );
    expect(await listAllConnections(connections, {})).toHaveLength(2);
    expect(sent.map(({ input }) => (input as { NextToken?: string }).NextToken)).toEqual([
      undefined,
      'token-1',
      'token-2',
    ]);
  });

  test.each([
    ['InvalidNextToken', 'ExpiredTokenError'],
    ['InvalidPaginationToken', 'ExpiredTokenError'],
    ['RequestLimitExceeded', 'ThrottledError'],
    ['Throttling', 'ThrottledError'],
    ['ThrottlingException', 'ThrottledError'],
    // These are expired credentials.
    ['ExpiredToken', 'ExpiredToken'],
    ['UnauthorizedOperation', 'UnauthorizedOperation'],
  ])('for the error %s of EC2 throws %s', async (code, name) => {
    const { connections } = createHubConnections(awsError(code));
    await expect(connections.page({}, 'old')).rejects.toMatchObject({ name });
  });
});

describe('if EC2 refuses the filter by endpoint', () => {
  const filter = { serviceIds: [serviceId(1)], endpointIds: [endpointId(1)] };
  const both = buildPage([anSdkConnection(), anSdkConnection({ VpcEndpointId: endpointId(2) })]);

  test.each([
    ['InvalidFilter', "The filter 'vpc-endpoint-id' is invalid"],
    ['InvalidFilter', 'not here'],
    ['InvalidParameterValue', 'The filter vpc-endpoint-id is invalid'],
    ['InvalidParameterValue', "Value (vpc-endpoint-id) for parameter 'Name' is invalid"],
  ])('linkgate filters by endpoint itself, also in the pages after %s: %s', async (code, message) => {
    const { connections, sent } = createHubConnections(awsError(code, message), both, both);
    expect((await connections.page(filter)).connections).toEqual([aConnection()]);
    expect((await connections.page(filter)).connections).toEqual([aConnection()]);
    expect(sent).toHaveLength(3);
    expect(JSON.stringify(sent.slice(1))).not.toContain('vpc-endpoint-id');
    for (const { input } of sent) expect(JSON.stringify(input)).toContain(`["${serviceId(1)}"]`);
  });

  test.each(['InvalidFilter', 'InvalidParameterValue'])(
    'a request without that filter is not repeated: %s',
    async (code) => {
      const { connections, sent } = createHubConnections(awsError(code, 'The filter is bad'));
      await expect(connections.page({ state: 'available' })).rejects.toThrow();
      expect(sent).toHaveLength(1);
    },
  );

  test('the filter stays in use after an error about another parameter', async () => {
    const error = awsError('InvalidParameterValue', 'MaxResults is out of range');
    const { connections, sent } = createHubConnections(error, buildPage([anSdkConnection()]));
    await expect(connections.page(filter)).rejects.toBe(error);
    await connections.page(filter);
    expect(JSON.stringify(sent[1])).toContain('vpc-endpoint-id');
  });
});

describe('Accept and Reject', () => {
  test.each(['accept', 'reject'] as const)(
    'name the service and the endpoints in the call: %s',
    async (action) => {
      const { connections, sent } = createHubConnections({ Unsuccessful: [] });
      const answers = await connections[action](serviceId(1), [endpointId(1), endpointId(2)]);
      expect(answers).toEqual([1, 2].map((number) => ({ endpointId: endpointId(number), successful: true })));
      expect(sent).toEqual([
        {
          command: `${action === 'accept' ? 'Accept' : 'Reject'}VpcEndpointConnections`,
          input: { ServiceId: serviceId(1), VpcEndpointIds: [endpointId(1), endpointId(2)] },
        },
      ]);
    },
  );

  test('return a result for each endpoint, with the reason from `Unsuccessful`', async () => {
    const { connections } = createHubConnections({
      Unsuccessful: [{ ResourceId: endpointId(2), Error: { Code: 'InvalidState', Message: 'not now' } }],
    });
    expect(await connections.accept(serviceId(1), [endpointId(1), endpointId(2)])).toEqual([
      { endpointId: endpointId(1), successful: true },
      { endpointId: endpointId(2), successful: false, reason: 'InvalidState: not now' },
    ]);
  });

  test.each([
    ['InvalidVpcEndpointId.NotFound', 'endpoint'],
    ['InvalidVpcEndpointId.Malformed', 'endpoint'],
    ['InvalidVpcEndpoint.NotFound', 'endpoint'],
    ['InvalidVpcEndpointType', 'endpoint'],
    ['InvalidState', 'endpoint'],
    ['IncorrectState', 'endpoint'],
    ['InvalidVpcEndpointServiceId.NotFound', 'service'],
    ['InvalidVpcEndpointService.NotFound', 'service'],
    ['UnauthorizedOperation', 'service'],
    ['InvalidParameterValue', 'size'],
    ['InvalidParameterCombination', 'size'],
    ['VpcEndpointLimitExceeded', 'size'],
  ] as const)('throw RefusedCallError for %s, with the reason %s', async (code, reason) => {
    const error = (await catchError(awsError(code, 'why'))) as RefusedCallError;
    expect(error).toMatchObject({ name: 'RefusedCallError', reason, code, message: 'why' });
  });

  test.each([
    ['RequestLimitExceeded', 'ThrottledError'],
    ['Throttling', 'ThrottledError'],
    ['ThrottlingException', 'ThrottledError'],
    // The result of the call is unknown.
    ...['TimeoutError', 'InternalError', 'Unavailable', 'ECONNRESET'].map((code) => [code, code]),
  ])('for the error %s throw %s', async (code, name) => {
    expect(await catchError(awsError(code))).toMatchObject({ name });
  });
});
