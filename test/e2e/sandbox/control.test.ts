import { EC2 } from '@aws-sdk/client-ec2';
import { SSM } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Call,
  createEndpoint,
  createService,
  describeState,
  provider,
  startSandbox,
} from '../sandbox.ts';

const allowed = '222222222222';

interface RecordedCall extends Call {
  readonly time: string;
  readonly accountId: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

beforeAll(async () => {
  await sandbox.json('service', 'add', serviceId);
  await sandbox.json('allow', allowed, '--service', serviceId);
  await sandbox.idle();
}, 60_000);
afterEach(async () => {
  await sandbox.setFaults();
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
});

const createClient = <T>(Client: new (config: never) => T) =>
  new Client({ ...sandbox.config(), maxAttempts: 1 } as never);

async function callsSince(since: number, principal?: string): Promise<RecordedCall[]> {
  const query = `since=${since}${principal === undefined ? '' : `&principal=${principal}`}`;
  return (await sandbox.ask<{ calls: RecordedCall[] }>('GET', `/_sandbox/calls?${query}`)).calls;
}
const callCount = async () => (await callsSince(0)).length;

async function fetchResponse(method: string, path: string, body?: string) {
  const response = await fetch(`${sandbox.url}${path}`, { method, ...(body !== undefined && { body }) });
  const text = await response.text();
  return { status: response.status, text, type: response.headers.get('content-type') };
}

describe('every path of /_sandbox', () => {
  test('returns JSON, or 204 without a body', async () => {
    for (const path of ['health', 'calls', 'faults', 'assumptions', 'clock', 'idle', 'outputs'])
      expect(await fetchResponse('GET', `/_sandbox/${path}`)).toMatchObject({
        status: 200,
        type: 'application/json',
      });
    expect(await fetchResponse('DELETE', '/_sandbox/faults')).toEqual({ status: 204, text: '', type: null });
  });

  test.each([
    [404, 'GET', '/_sandbox/nowhere', undefined],
    [404, 'POST', '/_sandbox/stacks', '{}'],
    [405, 'DELETE', '/_sandbox/clock', undefined],
    [400, 'PUT', '/_sandbox/throttling', 'yes'],
    [400, 'PUT', '/_sandbox/throttling', '{"enabled":"yes"}'],
    [400, 'POST', '/_sandbox/clock', '{"advanceSeconds":-1}'],
    [400, 'PUT', '/_sandbox/faults', '{}'],
    [400, 'PUT', '/_sandbox/assumptions', '{"gravity":9}'],
    [400, 'GET', '/_sandbox/calls?since=yesterday', undefined],
  ])('returns %d with the problem for %s %s %j', async (status, method, path, body) => {
    const answer = await fetchResponse(method, path, body);
    expect(answer).toMatchObject({ status, type: 'application/json' });
    expect(JSON.parse(answer.text)).toEqual({ error: expect.any(String) });
  });
});

describe('the calls', () => {
  test('are recorded with caller, action, parameters and result', async () => {
    const since = await callCount();
    const ec2 = sandbox.ec2(allowed);
    await ec2.describeVpcEndpoints({ MaxResults: 5 });
    await expect(ec2.describeVpcEndpoints({ VpcEndpointIds: ['vpce-00000000000000000'] })).rejects.toThrow();
    const describeCall = {
      accountId: allowed,
      principal: 'root',
      service: 'ec2',
      action: 'DescribeVpcEndpoints',
    };
    expect((await callsSince(since)).filter(({ accountId }) => accountId === allowed)).toEqual([
      { ...describeCall, time: expect.stringMatching(/^\d{4}-.*Z$/), params: { MaxResults: 5 }, status: 200 },
      {
        ...describeCall,
        time: expect.any(String),
        params: { VpcEndpointIds: ['vpce-00000000000000000'] },
        status: 400,
        error: 'InvalidVpcEndpointId.NotFound',
      },
    ]);
  });

  test('contain no secrets', async () => {
    const since = await callCount();
    const ssm = createClient(SSM);
    await ssm.putParameter({ Name: '/plain', Type: 'String', Value: 'seen' });
    await ssm.putParameter({ Name: '/secret', Type: 'SecureString', Value: 'hush' });
    await ssm.putParameter({ Name: '/secret', Value: 'hush', Overwrite: true });
    const putCalls = (await callsSince(since)).filter(({ action }) => action === 'PutParameter');
    expect(putCalls.map(({ params }) => params.Value)).toEqual(['seen', '***', '***']);
  });
});

describe('a fault', () => {
  const putFault = (fault: object) => sandbox.setFaults({ rate: 1, ...fault });

  test('after the effect fails a call that took effect', async () => {
    const ssm = createClient(SSM);
    const putParameter = { Name: '/late', Type: 'String', Value: 'here' } as const;
    const fault = { service: 'ssm', action: 'PutParameter', principal: '*', count: 1 };
    await putFault({ ...fault, error: 'InternalServerError', afterEffect: true });
    await expect(ssm.putParameter(putParameter)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 500 },
    });
    await expect(ssm.putParameter(putParameter)).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
  });

  test.each([
    ['as one that meets another', 'TransactionCanceledException'],
    ['as one that is throttled', 'ThrottlingError'],
  ])('cancels a transaction %s', async (_how, error) => {
    const fault = { service: 'dynamodb', action: 'TransactWriteItems', count: 1 };
    await putFault({ ...fault, error });
    const since = await callCount();
    const endpointId = await sandbox.connect(allowed, serviceId);
    expect(await describeState(sandbox, endpointId)).toBe('available');
    const failed = (await callsSince(since)).filter(({ status }) => status !== 200);
    expect(failed).toMatchObject([{ action: 'TransactWriteItems', error }]);
  });

  test.each(['sns', 'sqs', 'events'])(
    'that drops or delays deliveries of %s has its effect',
    async (delivery) => {
      await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
      await putFault({ delivery, drop: true });
      const lostId = await sandbox.connect(allowed, serviceId);
      await putFault({ delivery, delayMs: 3_600_000, count: 1 });
      const delayedId = await sandbox.connect(allowed, serviceId);
      for (const endpointId of [lostId, delayedId])
        expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
      await sandbox.advanceClock(3600);
      await sandbox.idle();
      expect(await describeState(sandbox, delayedId)).toBe('available');
      await sandbox.sweep();
      expect(await describeState(sandbox, lostId)).toBe('available');
      await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
    },
  );
});

test('throttling has the published limits, and can be switched off', async () => {
  const ec2 = createClient(EC2);
  const accept = () =>
    ec2
      .acceptVpcEndpointConnections({
        ServiceId: serviceId,
        VpcEndpointIds: ['vpce-00000000000000000'],
      })
      .then(
        () => 'answered',
        (error) => `${error.name} ${error.$metadata.httpStatusCode}`,
      );
  const acceptElevenTimes = async () => {
    const answers: string[] = [];
    for (let call = 0; call < 11; call += 1) answers.push(await accept());
    return answers;
  };
  await sandbox.advanceClock(30);
  await sandbox.idle();
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: true });
  expect(await acceptElevenTimes()).toEqual([...Array(10).fill('answered'), 'RequestLimitExceeded 503']);
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  expect(await acceptElevenTimes()).toEqual(Array(11).fill('answered'));
});

describe('the clock', () => {
  const timeNow = async () =>
    Date.parse((await sandbox.ask<{ time: string }>('GET', '/_sandbox/clock')).time);

  test('advances for all services and response dates', async () => {
    const before = await timeNow();
    await sandbox.advanceClock(86_400);
    expect(await timeNow()).toBeGreaterThanOrEqual(before + 86_400_000);
    const { headers } = await fetch(`${sandbox.url}/_sandbox/health`);
    expect(Date.parse(headers.get('date') ?? '')).toBeGreaterThan(before + 86_000_000);
    const since = await callCount();
    await createClient(EC2).describeVpcEndpoints({});
    const [call] = (await callsSince(since)).filter(({ action }) => action === 'DescribeVpcEndpoints');
    expect(Date.parse(call?.time ?? '')).toBeGreaterThanOrEqual(before + 86_400_000);
  });

  test('fires each due schedule once, however far it advances', async () => {
    await sandbox.idle();
    const since = await callCount();
    await sandbox.advanceClock(3 * 3600);
    await sandbox.idle();
    const passes = (await callsSince(since, 'sweep-connections'))
      .filter(({ action }) => /^SendMessage/.test(action))
      .map(({ params }) => /"scope\\*":\\*"(\w+)/.exec(JSON.stringify(params))?.[1]);
    expect(passes.sort()).toEqual(['full', 'pending']);
  });
});

describe('schedules', () => {
  test.each(['sweep-connections', 'linkgate-local-sweep-connections'])(
    'of %s run on request',
    async (name) => {
      const answer = await sandbox.ask<{ ok: boolean }>('POST', `/_sandbox/schedules/${name}`);
      expect(answer).toMatchObject({ ok: true });
    },
  );

  test('that fail return the error', async () => {
    await sandbox.ask('PUT', '/_sandbox/faults', [
      { service: 'sqs', action: '*', rate: 1, error: 'AccessDenied', principal: 'sweep-connections' },
    ]);
    expect(await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections')).toEqual({
      ok: false,
      error: expect.stringContaining('AccessDenied'),
    });
    await sandbox.setFaults();
    // Lambda retries an asynchronous event after a minute.
    await sandbox.advanceClock(60);
    await sandbox.idle();
  });

  test.each(['decide-connections', 'nobody', '%'])('do not exist for %s', async (name) => {
    expect(await fetchResponse('POST', `/_sandbox/schedules/${name}`)).toMatchObject({ status: 404 });
  });

  test('that are switched off fire on request only', async () => {
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
    await sandbox.idle();
    const since = await callCount();
    await sandbox.advanceClock(3600);
    await sandbox.idle();
    expect(await callsSince(since, 'sweep-connections')).toEqual([]);
    await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
    expect(await callsSince(since, 'sweep-connections')).not.toEqual([]);
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
  });
});

describe('idle', () => {
  test('returns 504 while EC2 is in transition', async () => {
    await sandbox.assume({ availableAfterMs: 3_600_000 });
    await createEndpoint(sandbox, allowed, serviceId);
    expect(await fetchResponse('GET', '/_sandbox/idle?timeoutMs=500')).toMatchObject({ status: 504 });
    await sandbox.assume({ availableAfterMs: 100 });
    await sandbox.advanceClock(3600);
    await sandbox.idle();
  });
});

test('the outputs are those of the stack that exist in the sandbox', async () => {
  expect(await sandbox.ask('GET', '/_sandbox/outputs')).toEqual({
    ApiUrl: expect.stringContaining(`${sandbox.url}/`),
    SlackRequestUrl: expect.stringMatching(/^http.*\/slack$/),
    ApprovalUrl: expect.stringMatching(/^http.*\/approval$/),
    ApprovalsTopicArn: 'arn:aws:sns:us-east-1:111111111111:linkgate-local-approvals',
    OperationsTopicArn: `arn:aws:sns:us-east-1:${provider}:linkgate-local-operations`,
    TableName: 'linkgate-local',
    BusName: 'linkgate-local',
    ConnectionsTopicArn: `arn:aws:sns:us-east-1:${provider}:linkgate-local-connections`,
    ...Object.fromEntries(
      ['Viewer', 'Approver', 'Administrator'].map((level) => [
        `${level}PolicyArn`,
        `arn:aws:iam::${provider}:policy/linkgate-local-${level.toLowerCase()}-us-east-1`,
      ]),
    ),
  });
});
