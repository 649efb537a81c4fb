import type { EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, test } from '@jest/globals';
import { ec2ConnectionChanges } from '../../lib/aws/ec2-connection-changes.ts';
import { ec2Connections } from '../../lib/aws/ec2-connections.ts';
import type { AccountRegion } from '../../lib/locations/account-region.ts';
import {
  listAllConnections,
  type RefusedCallError,
  ThrottledError,
} from '../../lib/privatelink/connections.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { aConnection, endpointId, hub, serviceId } from '../builders.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

function connectionsAnswering(...answers: readonly unknown[]) {
  return connectionsOf(hub, ...answers);
}

function connectionsOf(location: AccountRegion, ...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<EC2Client>(...answers);
  const errors: unknown[] = [];
  const read = ec2Connections(client, location, (error) => errors.push(error));
  return { connections: { ...read, ...ec2ConnectionChanges(client) }, sent, errors };
}

/** A connection as the SDK hands it over. */
function shown(more: object = {}) {
  return {
    ServiceId: serviceId(1),
    VpcEndpointId: endpointId(1),
    VpcEndpointOwner: '022222222222',
    VpcEndpointState: 'pendingAcceptance',
    CreationTimestamp: new Date('2026-11-21T11:59:00.000Z'),
    ...more,
  };
}

function pageOf(connections: readonly object[], NextToken?: string) {
  return { VpcEndpointConnections: connections, ...(NextToken !== undefined && { NextToken }) };
}

async function errorFrom(thrown: Error) {
  const { connections } = connectionsAnswering(thrown);
  return connections.accept(serviceId(1), [endpointId(1)]).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a page of connections', () => {
  test('is asked for by filters, in the casing that EC2 filters by', async () => {
    const { connections, sent } = connectionsAnswering(pageOf([]));
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
    'has states in one casing, where EC2 says %s',
    async (state) => {
      const { connections } = connectionsAnswering(pageOf([shown({ VpcEndpointState: state })]));
      expect((await connections.page({})).connections).toEqual([aConnection()]);
    },
  );

  test('says the Region and IP type of an endpoint where EC2 does', async () => {
    const { connections } = connectionsAnswering(
      pageOf([shown({ VpcEndpointRegion: 'eu-west-1', IpAddressType: 'ipv4' })]),
    );
    expect((await connections.page({})).connections).toEqual([
      aConnection({ endpointRegion: 'eu-west-1', ipAddressType: 'ipv4' }),
    ]);
  });

  test('leaves out what lacks what a decision needs, and says so', async () => {
    const { VpcEndpointOwner: _owner, ...ownerless } = shown();
    const { connections, errors } = connectionsAnswering(
      pageOf([ownerless, shown({ VpcEndpointId: endpointId(2) })]),
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
  ])('are known in every Region, also one that nobody knew: %s', async (region) => {
    const location = { ...hub, region };
    const { connections, errors } = connectionsOf(location, pageOf([shown()]));
    expect((await connections.page({})).connections).toEqual([aConnection({ location })]);
    expect(errors).toEqual([]);
  });

  test('takes a state that AWS adds for one on which nothing is done, and not for an absence', async () => {
    const { connections } = connectionsAnswering(pageOf([shown({ VpcEndpointState: 'unheard-of' })]));
    expect((await connections.page({})).connections).toMatchObject([{ state: 'partial' }]);
  });

  test('follows another as long as EC2 gives a token, empty pages and all', async () => {
    const { connections, sent } = connectionsAnswering(
      pageOf([], 'token-1'),
      pageOf([shown()], 'token-2'),
      pageOf([shown({ VpcEndpointId: endpointId(2) })], ''),
    );
    expect(await listAllConnections(connections, {})).toHaveLength(2);
    expect(sent.map(({ input }) => (input as { NextToken?: string }).NextToken)).toEqual([
      undefined,
      'token-1',
      'token-2',
    ]);
  });

  test.each(['InvalidNextToken', 'InvalidPaginationToken'])(
    'whose token has gone stale says so: %s',
    async (code) => {
      const { connections } = connectionsAnswering(awsError(code));
      await expect(connections.page({}, 'old')).rejects.toThrow(ExpiredTokenError);
    },
  );

  test('whose credentials have expired meanwhile is not taken for one whose token has', async () => {
    const { connections } = connectionsAnswering(awsError('ExpiredToken'));
    await expect(connections.page({}, 'old')).rejects.toMatchObject({ name: 'ExpiredToken' });
  });

  test('that cannot be read throws what EC2 said', async () => {
    const { connections } = connectionsAnswering(awsError('UnauthorizedOperation'));
    await expect(connections.page({})).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  });
});

test.each(['RequestLimitExceeded', 'Throttling', 'ThrottlingException'])(
  'a page is throttled by %s',
  async (code) => {
    const { connections } = connectionsAnswering(awsError(code));
    await expect(connections.page({})).rejects.toThrow(ThrottledError);
  },
);

describe('where EC2 refuses to filter by endpoint', () => {
  const filter = { serviceIds: [serviceId(1)], endpointIds: [endpointId(1)] };
  const both = pageOf([shown(), shown({ VpcEndpointId: endpointId(2) })]);

  test.each([
    ['InvalidFilter', "The filter 'vpc-endpoint-id' is invalid"],
    ['InvalidFilter', 'not here'],
    ['InvalidParameterValue', 'The filter vpc-endpoint-id is invalid'],
    ['InvalidParameterValue', "Value (vpc-endpoint-id) for parameter 'Name' is invalid"],
  ])('the others are left out here, also in the pages after %s: %s', async (code, message) => {
    const { connections, sent } = connectionsAnswering(awsError(code, message), both, both);
    expect((await connections.page(filter)).connections).toEqual([aConnection()]);
    expect((await connections.page(filter)).connections).toEqual([aConnection()]);
    expect(sent).toHaveLength(3);
    expect(JSON.stringify(sent.slice(1))).not.toContain('vpc-endpoint-id');
    for (const { input } of sent) expect(JSON.stringify(input)).toContain(`["${serviceId(1)}"]`);
  });

  test.each(['InvalidFilter', 'InvalidParameterValue'])(
    'nothing is tried anew that was asked without it: %s',
    async (code) => {
      const { connections, sent } = connectionsAnswering(awsError(code, 'The filter is bad'));
      await expect(connections.page({ state: 'available' })).rejects.toThrow();
      expect(sent).toHaveLength(1);
    },
  );

  test('it is still filtered by where EC2 found another parameter invalid', async () => {
    const error = awsError('InvalidParameterValue', 'MaxResults is out of range');
    const { connections, sent } = connectionsAnswering(error, pageOf([shown()]));
    await expect(connections.page(filter)).rejects.toBe(error);
    await connections.page(filter);
    expect(JSON.stringify(sent[1])).toContain('vpc-endpoint-id');
  });
});

describe('Accept and Reject', () => {
  test.each(['accept', 'reject'] as const)('%s names the service and the endpoints', async (action) => {
    const { connections, sent } = connectionsAnswering({ Unsuccessful: [] });
    const answers = await connections[action](serviceId(1), [endpointId(1), endpointId(2)]);
    expect(answers).toEqual([1, 2].map((number) => ({ endpointId: endpointId(number), taken: true })));
    expect(sent).toEqual([
      {
        command: `${action === 'accept' ? 'Accept' : 'Reject'}VpcEndpointConnections`,
        input: { ServiceId: serviceId(1), VpcEndpointIds: [endpointId(1), endpointId(2)] },
      },
    ]);
  });

  test('tell of each endpoint what EC2 refused inside a successful answer', async () => {
    const { connections } = connectionsAnswering({
      Unsuccessful: [{ ResourceId: endpointId(2), Error: { Code: 'InvalidState', Message: 'not now' } }],
    });
    expect(await connections.accept(serviceId(1), [endpointId(1), endpointId(2)])).toEqual([
      { endpointId: endpointId(1), taken: true },
      { endpointId: endpointId(2), taken: false, reason: 'InvalidState: not now' },
    ]);
  });

  test.each(['RequestLimitExceeded', 'Throttling', 'ThrottlingException'])(
    'are throttled by %s',
    async (code) => {
      expect(await errorFrom(awsError(code))).toBeInstanceOf(ThrottledError);
    },
  );

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
  ] as const)('are refused as a whole by %s because of the %s', async (code, because) => {
    const error = (await errorFrom(awsError(code, 'why'))) as RefusedCallError;
    expect(error).toMatchObject({ name: 'RefusedCallError', because, code, message: 'why' });
  });

  test.each(['TimeoutError', 'InternalError', 'Unavailable', 'ECONNRESET'])(
    'leave open what happened after %s',
    async (code) => {
      expect(await errorFrom(awsError(code))).toMatchObject({ name: code });
    },
  );
});
