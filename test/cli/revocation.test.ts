import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  answers,
  connection,
  endpointId,
  entry,
  live,
  at as now,
  paused,
  revocation,
  service,
  serviceId,
  warnings,
} from './answers.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const account = '444444444444';
const other = 'vpce-0bbbbbbbbbbbbbbb2';
const third = 'vpce-0ccccccccccccccc3';
const warning = `warning: ${warnings[0]}`;

const agreeing = { isTTY: true as const, stdin: ['y'] };
const requests = () => aws.apiRequests.map(({ method, path }) => `${method} ${path.replace('/api', '')}`);
const listChanges = () => requests().filter((request) => !/^GET|dryRun=true$/.test(request));
const sentBodies = () => aws.apiRequests.flatMap(({ body }) => body ?? []);

const everywhere = { ...entry, serviceId: '*', service: undefined, effect: 'block', accountId: account };
const revoke = (id: string) => `POST /connections/${id}/revocation`;
const revocable = {
  [`GET /connections?account=${account}`]: {
    connections: [live, { ...live, endpointId: other }, connection],
  },
  [revoke(endpointId)]: { revocation, warnings },
  [revoke(other)]: { revocation: { ...revocation, endpointId: other }, warnings },
};
const connected = [
  live,
  { ...connection, endpointId: other },
  { ...live, endpointId: third, state: 'rejected' },
];
const rejected = connected.map((each) => ({ ...each, state: 'rejected' }));
const block = `PUT /allowlist/*/${account}`;
const impact = { disconnects: [live], rejects: [{ ...live, endpointId: other }] };

/** @param looks what EC2 shows, one look after another */
const lockdown = (...looks: readonly (readonly object[])[]) => ({
  [`GET /connections?account=${account}`]: looks.map((each) => ({ connections: each })),
  [`GET /allowlist?account=${account}`]: {
    entries: [
      { ...entry, accountId: account, effect: 'allow' },
      { ...everywhere, effect: 'allow', owners: ['mailto:carol@example.com'] },
    ],
  },
  [`${block}?dryRun=true`]: { ...impact, warnings: ['orders is paused'] },
  [block]: { entry: everywhere, warnings: [`${endpointId} at payments: disconnected now`, 'mind the gap'] },
  'GET /mode': { mode: 'enforce', since: null },
});
const removal = (...looks: readonly (readonly object[])[]) => ({
  'POST /services/payments/disconnect?dryRun=true': impact,
  'POST /services/payments/disconnect': { service: { ...service, deregisteringAt: now } },
  'GET /connections?service=payments': looks.map((each) => ({ connections: each })),
  'DELETE /services/payments': { service },
});
const resumption = {
  'GET /services/payments': { service: paused },
  'POST /services/payments/resume?dryRun=true': { service, disconnects: [{ ...live, at: now }] },
  'POST /services/payments/resume': { service, disconnects: [], warnings },
};

describe.each([
  [
    `revoke --account ${account}`,
    revocable,
    [
      `This disconnects after its grace period:\n  payments (${serviceId}): ${endpointId}, ${other}`,
      'Disconnect 2 connections? [y/N]',
    ],
    [revoke(endpointId), revoke(other)],
  ],
  [
    `lockdown ${account} --reason incident`,
    lockdown(connected, [rejected[0] ?? {}, ...connected.slice(1)], rejected),
    [
      `This disconnects now:\n  payments (${serviceId}): ${endpointId}`,
      `It rejects:\n  payments (${serviceId}): ${other}\n  orders is paused\nLock it down? [y/N]`,
    ],
    [block],
  ],
  [
    'service remove payments --disconnect',
    removal(connected, rejected),
    [
      `This disconnects now:\n  payments (${serviceId}): ${endpointId}\n`,
      `It rejects:\n  payments (${serviceId}): ${other}\n`,
      'Disconnect 1 connection, reject 1 request and remove payments from linkgate? [y/N]',
    ],
    ['POST /services/payments/disconnect', 'DELETE /services/payments'],
  ],
  [
    'resume payments',
    resumption,
    [`during the pause:\n  payments (${serviceId}): ${endpointId}\nResume payments? [y/N]`],
    ['POST /services/payments/resume'],
  ],
] as const)('`%s`', (line, there, questions, changes) => {
  beforeEach(() => aws.answer(there));

  test('lists what it disconnects, asks, and does it', async () => {
    const { code, stderr } = await runCli(line, aws, agreeing);
    expect(code).toBe(0);
    for (const question of questions) expect(stderr).toContain(question);
    expect(listChanges()).toEqual(changes);
  });

  test('does it without a question under --yes', async () => {
    const { code, stderr } = await runCli(`${line} --yes`, aws);
    expect(code).toBe(0);
    expect(stderr).not.toContain('[y/N]');
    expect(listChanges()).toEqual(changes);
  });

  test.each([
    ['after the answer no', { isTTY: true, stdin: ['n'] }, 'nothing was done', 1],
    ['without an answer', { isTTY: true, stdin: [] }, 'nothing was done', 1],
    ['without a terminal', { stdin: ['y'] }, '--yes', 2],
  ] as const)('changes nothing %s', async (_when, terminal, message, code) => {
    const output = await runCli(line, aws, terminal);
    expect(output).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
    expect(listChanges()).toEqual([]);
  });
});

describe('`revoke --account`', () => {
  test('prints a warning of several connections once', async () => {
    aws.answer(revocable);
    expect((await runCli(`revoke --account ${account} --yes`, aws)).stderr).toBe(`${warning}\n`);
  });

  test('lists extended connections with author, time and reason', async () => {
    const disconnectAt = '2031-06-01T12:00:00.000Z';
    const extended = { time: now, actor: 'arn:aws:iam::111111111111:user/bob', action: 'extended' };
    aws.answer({
      [`GET /connections?account=${account}`]: { connections: [{ ...live, disconnectAt }] },
      [`GET /connections/${endpointId}`]: {
        connection: { ...live, disconnectAt },
        history: [
          { ...extended, disconnectAt: '2031-05-20T12:00:00.000Z', reason: 'first' },
          { ...extended, disconnectAt, reason: 'they move' },
        ],
      },
    });
    const { stderr } = await runCli(`revoke --account ${account}`, aws, { isTTY: true, stdin: ['n'] });
    expect(stderr).toContain(
      `These are no longer extended:\n  ${endpointId}, extended until 2031-06-01 12:00:00 UTC by bob: they move\n`,
    );
  });

  test('revokes the other connections if one ended in the meantime, and exits with 1', async () => {
    aws.answer(revocable);
    const { respond } = aws;
    aws.respond = (request) =>
      request.path.includes(`${endpointId}/`)
        ? { status: 409, body: errorBody('NotConnected', 'it is not connected') }
        : respond(request);
    const output = await runCli(`revoke --account ${account} --yes --json`, aws);
    expect(output).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${endpointId}: it is not connected`),
    });
    expect(JSON.parse(output.stdout).revocations).toMatchObject([{ endpointId: other }]);
  });

  test('without connections prints that there are none, and asks for no confirmation', async () => {
    aws.answer({ [`GET /connections?account=${account}&service=payments`]: { connections: [connection] } });
    const output = await runCli(`revoke --account ${account} --service payments`, aws);
    expect(output).toMatchObject({ code: 0, stdout: 'there are no connections to disconnect\n' });
  });
});

describe('`lockdown`', () => {
  test('blocks with the owners of the former entry, and prints the result and the other warnings', async () => {
    aws.answer(lockdown(rejected));
    const { stdout, stderr } = await runCli(`lockdown ${account} --yes --reason incident`, aws);
    expect(stderr).toBe('warning: mind the gap\n');
    expect(stdout).toContain(
      `EC2 shows 1 connection disconnected:\n  payments (${serviceId}): ${endpointId}`,
    );
    expect(stdout).toContain(`EC2 shows 1 request rejected:\n  payments (${serviceId}): ${other}`);
    expect(stdout).toContain('Still allowed, which the block outranks: payments');
    expect(sentBodies().at(-1)).toEqual({
      effect: 'block',
      note: 'incident',
      owners: ['mailto:carol@example.com'],
    });
  });

  test('prints one document with --json', async () => {
    aws.answer(lockdown(rejected));
    const output = await runCli(`lockdown ${account} --yes --json`, aws);
    expect(JSON.parse(output.stdout)).toMatchObject({
      accountId: account,
      entry: { effect: 'block' },
      disconnected: [{ endpointId }],
      rejected: [{ endpointId: other }],
      left: [],
      outranked: [{ service: 'payments' }],
    });
  });

  test('fails if EC2 does not show all connections rejected in time', async () => {
    aws.answer(lockdown(connected));
    const output = await runCli(`lockdown ${account} --yes --wait 1`, aws);
    expect(output).toMatchObject({ code: 1, stderr: expect.stringContaining('2 connections of account') });
    expect(output.stdout).toContain('EC2 still shows 2 connections connected or waiting:');
  });

  test('does not wait in the mode observe', async () => {
    aws.answer({ ...lockdown(connected), 'GET /mode': { mode: 'observe', since: null } });
    expect(await runCli(`lockdown ${account} --yes`, aws)).toMatchObject({ code: 1 });
    expect(requests().filter((request) => request.startsWith('GET /connections'))).toHaveLength(1);
  });
});

describe('`service remove`', () => {
  test('with --disconnect prints the command that deletes the service', async () => {
    aws.answer(removal(rejected));
    const { stdout } = await runCli('service remove payments --disconnect --yes', aws);
    expect(stdout).toContain(`payments (${serviceId}) is removed from linkgate`);
    expect(stdout).toContain(
      `aws ec2 delete-vpc-endpoint-service-configurations --region eu-west-1 --service-ids ${serviceId}`,
    );
    expect(stdout).toContain('ExistingVpcEndpointConnections');
  });

  test('keeps the service registered while EC2 shows a connection, and prints the next step', async () => {
    aws.answer(removal([live]));
    const output = await runCli('service remove payments --disconnect --yes --wait 1', aws);
    expect(output).toMatchObject({ code: 1, stderr: expect.stringContaining('run this again') });
    expect(listChanges()).toEqual(['POST /services/payments/disconnect']);
  });

  test('keeps the connections without --disconnect, and asks for no confirmation', async () => {
    aws.answer(removal());
    expect(await runCli('service remove payments', aws)).toMatchObject({ code: 0 });
    expect(requests()).toEqual(['DELETE /services/payments']);
  });
});

test.each([
  ['resumed', paused],
  ['not paused', service],
])(
  '`resume` prints that the service is %s, and asks only if something disconnects',
  async (outcome, before) => {
    aws.answer({ ...answers, 'GET /services/payments': { service: before } });
    expect(await runCli('resume payments', aws)).toMatchObject({
      code: 0,
      stdout: `payments is ${outcome}: its requests are decided, and its scheduled disconnects are carried out\n`,
      stderr: `${warning}\n`,
    });
  },
);

describe('the principals of a service', () => {
  const line = `service add ${serviceId} --principals managed`;
  const approval = `POST /services/${serviceId}/principals/approval`;
  const managed = { ...service, principals: 'managed' };
  const missing = ['arn:aws:iam::222222222222:root'];
  const changes = '  + arn:aws:iam::222222222222:root\n  - *';

  beforeEach(() =>
    aws.answer({
      'POST /services': { service: managed },
      [`GET /services/${serviceId}/principals`]: {
        principals: { principals: 'managed', approved: null, missing, extra: ['*'] },
      },
      [approval]: {
        service: { ...managed, principalsApproval: { by: 'arn:aws:iam::111111111111:user/alice', at: now } },
      },
    }),
  );

  test('are managed after a confirmation that lists the changes', async () => {
    const output = await runCli(line, aws, agreeing);
    expect(output.stderr).toContain(changes);
    expect(output.stdout).toContain('managed, agreed to by alice');
    expect(sentBodies().at(-1)).toEqual({ removals: 1 });
  });

  test('are managed with --yes without a confirmation', async () => {
    expect(await runCli(`${line} --yes`, aws)).toMatchObject({ code: 0 });
    expect(listChanges().at(-1)).toBe(approval);
  });

  test('are not managed without a terminal', async () => {
    const output = await runCli(line, aws);
    expect(output).toMatchObject({ code: 3, stderr: expect.stringContaining('before somebody agrees') });
    expect(output.stderr).toContain(changes);
    expect(output.stdout).toContain('nobody has agreed yet');
    expect(listChanges()).toEqual(['POST /services']);
  });
});

describe('`block`', () => {
  const path = 'PUT /allowlist/payments/012345678901';

  test('lists the predicted disconnects before it blocks', async () => {
    aws.answer({
      [path]: { entry },
      [`${path}?dryRun=true`]: { ...impact, warnings: ['printed after the block'] },
    });
    const { stderr } = await runCli('block 012345678901 --service payments', aws);
    expect(stderr).toBe(`This disconnects now:\n  payments (${serviceId}): ${endpointId}\n`);
  });

  test('succeeds without a prediction', async () => {
    aws.respond = (request) =>
      request.path.endsWith('dryRun=true') ? { status: 500, body: {} } : { body: { entry } };
    expect(await runCli('block 012345678901 --service payments', aws)).toMatchObject({ code: 0 });
  });
});
