import { beforeEach, describe, expect, test } from '@jest/globals';
import { connection, endpointId, entry, service, serviceId } from './answers.ts';
import { errorBody, type RecordedRequest, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const account = '444444444444';
const other = 'vpce-0bbbbbbbbbbbbbbb2';
const third = 'vpce-0ccccccccccccccc3';
const disconnectAt = '2031-05-04T12:00:00.000Z';
const now = '2031-05-01T12:00:00.000Z';
const live = { ...connection, state: 'available', verdict: 'accept' };
const revocation = {
  endpointId,
  serviceId,
  ownerAccountId: account,
  state: 'available',
  verdict: 'reject',
  reason: 'alice revoked it',
  since: now,
  disconnectAt,
};
const warning = 'account 444444444444 is still allowed at payments';

const listWrites = () =>
  aws.apiRequests.filter(({ method, path }) => method !== 'GET' && !path.endsWith('?dryRun=true'));
const requests = (recorded: readonly RecordedRequest[]) =>
  recorded.map(({ method, path }) => `${method} ${path.replace('/api', '')}`);

describe('revoke', () => {
  const revoke = (id: string) => `POST /connections/${id}/revocation`;

  test('prints the disconnect time, the command that extends it, and that its account can connect again', async () => {
    aws.answer({ [revoke(endpointId)]: { revocation, warnings: [warning] } });
    const output = await runCli(['revoke', endpointId, '--reason', 'contract ended'], aws);
    expect(output).toMatchObject({ code: 0, stderr: `warning: ${warning}\n` });
    expect(output.stdout).toContain('disconnects at 2031-05-04 12:00:00 UTC');
    expect(output.stdout).toContain(`linkgate extend ${endpointId}`);
    expect(aws.apiRequests[0]?.body).toEqual({ reason: 'contract ended' });
  });

  test('--now prints that the connection disconnects now', async () => {
    aws.answer({
      [revoke(endpointId)]: { revocation: { ...revocation, disconnectAt: now }, warnings: [] },
    });
    const { stdout } = await runCli(`revoke ${endpointId} --now`, aws);
    expect(stdout).toContain(`${endpointId} disconnects now`);
    expect(aws.apiRequests[0]?.body).toEqual({ now: true });
  });

  const listAnswers = {
    [`GET /connections?account=${account}`]: {
      connections: [live, { ...live, endpointId: other }, connection],
    },
  };

  test('--account lists the connections, asks for confirmation, and revokes each', async () => {
    aws.answer({
      ...listAnswers,
      [revoke(endpointId)]: { revocation, warnings: [warning] },
      [revoke(other)]: { revocation: { ...revocation, endpointId: other }, warnings: [warning] },
    });
    const output = await runCli(`revoke --account ${account}`, aws, { isTTY: true, stdin: ['y'] });
    expect(output.code).toBe(0);
    expect(output.stderr).toContain(`payments (${serviceId}): ${endpointId}, ${other}`);
    expect(output.stderr).toContain('Disconnect 2 connections? [y/N]');
    expect(output.stderr.match(/warning:/g)).toHaveLength(1);
    expect(requests(listWrites())).toEqual([revoke(endpointId), revoke(other)]);
  });

  test('--account lists extended connections with author, time and reason', async () => {
    const path = `GET /connections/${endpointId}`;
    const until = { ...live, disconnectAt: '2031-06-01T12:00:00.000Z' };
    const extendedEvent = { time: now, actor: 'arn:aws:iam::111111111111:user/bob', action: 'extended' };
    aws.answer({
      [`GET /connections?account=${account}`]: { connections: [until, { ...live, endpointId: other }] },
      [path]: {
        connection: until,
        history: [{ ...extendedEvent, disconnectAt: until.disconnectAt, reason: 'they move' }],
      },
      [revoke(endpointId)]: { revocation, warnings: [] },
      [revoke(other)]: { revocation: { ...revocation, endpointId: other }, warnings: [] },
    });
    const output = await runCli(`revoke --account ${account}`, aws, { isTTY: true, stdin: ['y'] });
    expect(output.code).toBe(0);
    expect(output.stderr).toContain(
      `These are no longer extended:\n  ${endpointId}, extended until 2031-06-01 12:00:00 UTC by bob: they move\nDisconnect 2`,
    );
    expect(requests(aws.apiRequests).filter((request) => request === path)).toHaveLength(1);
  });

  test.each([
    [['n'], 'error: nothing was done', 1],
    [[], 'error: nothing was done', 1],
  ])('--account changes nothing after the answer %j', async (stdin, message, code) => {
    aws.answer(listAnswers);
    const output = await runCli(`revoke --account ${account}`, aws, { isTTY: true, stdin });
    expect(output).toMatchObject({ code, stderr: expect.stringContaining(message) });
    expect(listWrites()).toEqual([]);
  });

  test('--account without a terminal requires --yes', async () => {
    aws.answer(listAnswers);
    const output = await runCli(`revoke --account ${account}`, aws, { stdin: ['y'] });
    expect(output).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') });
    expect(listWrites()).toEqual([]);
  });

  test('--account revokes the other connections if one ended in the meantime, and exits with 1', async () => {
    aws.respond = ({ method, path }) => {
      if (method === 'GET') return { body: { connections: [live, { ...live, endpointId: other }] } };
      return path.includes(endpointId)
        ? { status: 409, body: errorBody('NotConnected', 'it is not connected') }
        : { body: { revocation: { ...revocation, endpointId: other }, warnings: [] } };
    };
    const output = await runCli(`revoke --account ${account} --yes --json`, aws);
    expect(output).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${endpointId}: it is not connected`),
    });
    expect(JSON.parse(output.stdout).revocations).toMatchObject([{ endpointId: other }]);
  });

  test('--account without connections prints that there are none, and asks for no confirmation', async () => {
    aws.answer({
      [`GET /connections?account=${account}&service=payments`]: { connections: [connection] },
    });
    const output = await runCli(`revoke --account ${account} --service payments`, aws);
    expect(output).toMatchObject({ code: 0, stdout: 'there are no connections to disconnect\n' });
  });

  test.each([
    'revoke',
    `revoke ${endpointId} --account ${account}`,
    `revoke ${endpointId} --service payments`,
  ])('`%s` is a usage error', async (line) => {
    expect(await runCli(line, aws)).toMatchObject({ code: 2, stdout: '' });
    expect(aws.apiRequests).toEqual([]);
  });
});

describe('extend', () => {
  const request = `POST /connections/${endpointId}/extend`;
  const extension = { by: 'arn:aws:iam::111111111111:user/alice', until: '2031-06-01T12:00:00.000Z' };

  test('extends a connection until a time relative to the clock of the API', async () => {
    aws.answer({
      'GET /services': { services: [] },
      [request]: {
        revocation: { ...revocation, disconnectAt: extension.until, extended: extension },
        warnings: [],
      },
    });
    const output = await runCli(['extend', endpointId, '--until', '31d', '--reason', 'they move'], aws);
    expect(output.stdout).toContain('is extended until 2031-06-01 12:00:00 UTC, and disconnects then');
    expect(aws.apiRequests.at(-1)?.body).toEqual({ until: extension.until, reason: 'they move' });
  });

  test.each([
    ['--until 2031-04-30 --reason late', '--until is in the past'],
    ['--until 7d', "required option '--reason <text>' not specified"],
    ['--reason why', "required option '--until <when>' not specified"],
  ])('`%s` is a usage error', async (options, message) => {
    aws.answer({ 'GET /services': { services: [] } });
    const output = await runCli(`extend ${endpointId} ${options}`, aws);
    expect(output).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
    expect(listWrites()).toEqual([]);
  });
});

describe('lockdown', () => {
  const everywhere = { ...entry, serviceId: '*', service: undefined, effect: 'block', accountId: account };
  const connections = `GET /connections?account=${account}`;
  const block = `PUT /allowlist/*/${account}`;
  const before = [
    live,
    { ...connection, endpointId: other },
    { ...live, endpointId: third, state: 'rejected' },
  ];
  const rejected = before.map((each) => ({ ...each, state: 'rejected' }));

  function answerLockdown(...looks: readonly (readonly object[])[]) {
    aws.answer({
      [connections]: looks.map((each) => ({ connections: each })),
      [`GET /allowlist?account=${account}`]: {
        entries: [
          { ...entry, accountId: account, effect: 'allow' },
          { ...everywhere, effect: 'allow', owners: ['mailto:carol@example.com'] },
        ],
      },
      [`${block}?dryRun=true`]: {
        entry: everywhere,
        disconnects: [live],
        rejects: [{ ...live, endpointId: other }],
        warnings: ['orders is paused'],
      },
      [block]: {
        entry: everywhere,
        disconnects: [],
        warnings: [`${endpointId} at payments: disconnected now`, 'mind the gap'],
      },
      'GET /mode': { mode: 'enforce', since: null },
    });
  }

  test('blocks, disconnects, waits until EC2 shows it, and prints the result', async () => {
    answerLockdown(before, [rejected[0] ?? {}, ...before.slice(1)], rejected);
    const output = await runCli(['lockdown', account, '--reason', 'incident 7'], aws, {
      isTTY: true,
      stdin: ['yes'],
    });
    expect(output.code).toBe(0);
    expect(output.stderr).toContain(`This disconnects now:\n  payments (${serviceId}): ${endpointId}`);
    expect(output.stderr).toContain(
      `It rejects:\n  payments (${serviceId}): ${other}\n  orders is paused\nLock it down?`,
    );
    expect(output.stderr).toContain('warning: mind the gap');
    expect(output.stdout).toContain(
      `EC2 shows 1 connection disconnected:\n  payments (${serviceId}): ${endpointId}`,
    );
    expect(output.stdout).toContain(`EC2 shows 1 request rejected:\n  payments (${serviceId}): ${other}`);
    expect(output.stdout).toContain('Still allowed, which the block outranks: payments');
    expect(listWrites().map(({ body }) => body)).toEqual([
      { effect: 'block', note: 'incident 7', owners: ['mailto:carol@example.com'] },
    ]);
  });

  test('prints one document with --json', async () => {
    answerLockdown(rejected);
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
    answerLockdown(before);
    const output = await runCli(`lockdown ${account} --yes --wait 1`, aws);
    expect(output).toMatchObject({ code: 1, stderr: expect.stringContaining('2 connections of account') });
    expect(output.stdout).toContain('EC2 still shows 2 connections connected or waiting:');
  });

  test('does not wait in the mode observe', async () => {
    answerLockdown(before);
    const respond = aws.respond;
    aws.respond = (request) =>
      request.path.endsWith('/mode') ? { body: { mode: 'observe', since: null } } : respond(request);
    const output = await runCli(`lockdown ${account} --yes`, aws);
    expect(output.code).toBe(1);
    expect(requests(aws.apiRequests).filter((request) => request === connections)).toHaveLength(1);
  });

  test('without a terminal requires --yes', async () => {
    answerLockdown(before);
    expect(await runCli(`lockdown ${account}`, aws)).toMatchObject({ code: 2, stdout: '' });
    expect(listWrites()).toEqual([]);
  });
});

describe('service remove --disconnect', () => {
  const connections = 'GET /connections?service=payments';
  const remaining = [live, { ...connection, endpointId: other }];
  const predicted = {
    'POST /services/payments/disconnect?dryRun=true': {
      service,
      disconnects: remaining.slice(0, 1),
      rejects: remaining.slice(1),
    },
  };
  const steps = {
    'POST /services/payments/disconnect': { service: { ...service, deregisteringAt: now } },
    'DELETE /services/payments': { service, warnings: [] },
  };

  test('disconnects all connections, waits for EC2, deregisters the service, and prints the command that deletes it', async () => {
    aws.answer({
      ...predicted,
      ...steps,
      [connections]: [
        { connections: remaining },
        { connections: remaining.map((each) => ({ ...each, state: 'rejected' })) },
      ],
    });
    const output = await runCli('service remove payments --disconnect', aws, { isTTY: true, stdin: ['y'] });
    expect(output.code).toBe(0);
    expect(output.stderr).toContain(`This disconnects now:\n  payments (${serviceId}): ${endpointId}\n`);
    expect(output.stderr).toContain(`It rejects:\n  payments (${serviceId}): ${other}\n`);
    expect(output.stderr).toContain(
      'Disconnect 1 connection, reject 1 request and remove payments from linkgate?',
    );
    expect(output.stdout).toContain(`payments (${serviceId}) is removed from linkgate`);
    expect(output.stdout).toContain(
      `aws ec2 delete-vpc-endpoint-service-configurations --region eu-west-1 --service-ids ${serviceId}`,
    );
    expect(output.stdout).toContain('ExistingVpcEndpointConnections');
    expect(requests(listWrites())).toEqual(Object.keys(steps));
  });

  test('keeps the service registered while EC2 shows a connection, and prints the next step', async () => {
    aws.answer({ ...predicted, ...steps, [connections]: { connections: [live] } });
    const output = await runCli('service remove payments --disconnect --yes --wait 1', aws);
    expect(output).toMatchObject({ code: 1, stderr: expect.stringContaining('run this again') });
    expect(requests(listWrites())).toEqual(['POST /services/payments/disconnect']);
  });

  test('keeps the connections without --disconnect, and asks for no confirmation', async () => {
    aws.answer(steps);
    expect((await runCli('service remove payments', aws)).code).toBe(0);
    expect(requests(aws.apiRequests)).toEqual(['DELETE /services/payments']);
  });
});

describe('the principals of a service', () => {
  const path = `/services/${serviceId}/principals`;
  const managed = { ...service, principals: 'managed' };
  const principals = {
    principals: 'managed',
    approved: null,
    missing: ['arn:aws:iam::222222222222:root'],
    extra: ['*'],
  };
  const approvedService = {
    ...managed,
    principalsApproval: { by: 'arn:aws:iam::111111111111:user/alice', at: now },
  };

  beforeEach(() =>
    aws.answer({
      'POST /services': { service: managed, warnings: [] },
      [`GET ${path}`]: { principals },
      [`POST ${path}/approval`]: { service: approvedService },
    }),
  );

  test('are managed after a confirmation that lists the changes', async () => {
    const output = await runCli(`service add ${serviceId} --principals managed`, aws, {
      isTTY: true,
      stdin: ['y'],
    });
    expect(output.stderr).toContain('  + arn:aws:iam::222222222222:root\n  - *');
    expect(output.stdout).toContain('managed, agreed to by alice');
    expect(listWrites().at(-1)?.body).toEqual({ removals: 1 });
  });

  test('are managed with --yes without a confirmation', async () => {
    expect(await runCli(`service add ${serviceId} --principals managed --yes`, aws)).toMatchObject({
      code: 0,
    });
    expect(requests(listWrites()).at(-1)).toBe(`POST ${path}/approval`);
  });

  test('are not managed without a terminal', async () => {
    const output = await runCli(`service add ${serviceId} --principals managed`, aws);
    expect(output).toMatchObject({ code: 3, stderr: expect.stringContaining('before somebody agrees') });
    expect(output.stderr).toContain('  + arn:aws:iam::222222222222:root\n  - *');
    expect(output.stdout).toContain('nobody has agreed yet');
    expect(requests(listWrites())).toEqual(['POST /services']);
  });
});

test('`service add` sends and prints the settings for connections', async () => {
  const settings = { graceSeconds: 14 * 86_400, onExternalAccept: 'adopt', otherPrincipals: ['*'] };
  aws.answer({
    'POST /services': { service: { ...service, ...settings, deregisteringAt: now, deregisteringBy: 'bob' } },
  });
  const options = '--grace 14d --on-external-accept adopt --other-principal *';
  const { stdout } = await runCli(`service add ${serviceId} ${options}`, aws);
  expect(aws.apiRequests[0]?.body).toEqual({ serviceId, ...settings });
  expect(stdout).toMatch(/grace period +14 days\n/);
  expect(stdout).toMatch(/external accept +they stay/);
  expect(stdout).toMatch(/principals +observed: only compared with the allowlist; besides: \*/);
  expect(stdout).toMatch(/being deregistered +by bob since 2031-05-01 12:00:00 UTC/);
});

test('`allow --role` sends the roles, and prints the manager of the entry', async () => {
  const role = 'arn:aws:iam::012345678901:role/connector';
  const fileEntry = { ...entry, roles: [role], customer: 'acme', managedBy: 'file' };
  aws.answer({ 'PUT /allowlist/payments/012345678901': { entry: fileEntry, disconnects: [] } });
  const { stdout } = await runCli(`allow 012345678901 --service payments --role ${role}`, aws);
  expect(aws.apiRequests[0]?.body).toEqual({ effect: 'allow', roles: [role] });
  expect(stdout).toMatch(/customer +acme/);
  expect(stdout).toMatch(/managed by +the policy file/);
});

describe('block', () => {
  const blocked = { 'PUT /allowlist/payments/012345678901': { entry, disconnects: [], warnings: [] } };

  test('lists the predicted disconnects before it blocks', async () => {
    const impact = { disconnects: [live], rejects: [connection], warnings: ['printed after the block'] };
    aws.answer({ ...blocked, 'PUT /allowlist/payments/012345678901?dryRun=true': impact });
    const { stderr } = await runCli('block 012345678901 --service payments', aws);
    expect(stderr).toBe(`This disconnects now:\n  payments (${serviceId}): ${endpointId}\n`);
  });

  test('succeeds without a prediction', async () => {
    aws.answer(blocked);
    expect(await runCli('block 012345678901 --service payments', aws)).toMatchObject({ code: 0 });
  });
});

test('`deny --customer-message` sends the message', async () => {
  const decision = { endpointId, decision: 'deny', by: 'alice', at: now };
  aws.answer({ [`POST /connections/${endpointId}/decision`]: { decision, warnings: [] } });
  await runCli(
    ['deny', endpointId, '--reason', 'unpaid', '--customer-message', 'your contract has ended'],
    aws,
  );
  expect(aws.apiRequests[0]?.body).toEqual({
    decision: 'deny',
    reason: 'unpaid',
    customerMessage: 'your contract has ended',
  });
});

test('`connections` prints the disconnect time', async () => {
  aws.answer({ [`GET /connections?account=${account}`]: { connections: [{ ...live, disconnectAt }] } });
  const { stdout } = await runCli(`connections --account ${account}`, aws);
  expect(stdout).toContain('disconnects at 2031-05-04 12:00:00 UTC');
});

test('the user agent marks a person at the command line', async () => {
  aws.answer({ 'GET /services': { services: [] } });
  await runCli('service list', aws);
  expect(aws.apiRequests[0]?.userAgent).toMatch(/^linkgate-cli\/\d+\.\d+\.\d+$/);
});
