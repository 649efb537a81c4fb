import { beforeEach, describe, expect, test } from '@jest/globals';
import { connection, endpointId, entry, explanation, service, serviceId } from './answers.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const warnings = ['connections that live stay as they are'];
const decision = {
  endpointId,
  decision: 'approve',
  by: 'arn:aws:iam::111111111111:user/alice',
  at: '2031-05-01T12:00:00.000Z',
};

const mode = {
  mode: 'observe',
  since: '2031-05-01T12:00:00.000Z',
  by: 'arn:aws:iam::111111111111:user/alice',
  reason: 'incident',
};
const paused = {
  ...service,
  pausedAt: '2031-05-01T12:00:00.000Z',
  pausedBy: decision.by,
  pauseReason: 'incident',
};
const operations = {
  slackChannel: 'C01OPS',
  emails: ['ops@example.com'],
  changedAt: '2031-05-01T12:00:00.000Z',
};
const group = {
  name: 'ops',
  quorum: 1,
  slackChannel: 'C01OPS',
  slackUsers: [{ team: 'T01LOCAL', user: 'U01BOB' }],
  emails: [],
};

const customer = { name: 'initech', accounts: ['012345678901'], contact: { email: 'ops@initech.example' } };

test.each([
  ['setup', 'POST /setup', { done: ['the group default is there'] }, ['done']],
  [`service add ${serviceId} --name payments`, 'POST /services', { service, warnings }, ['service']],
  ['service list', 'GET /services', { services: [service] }, ['services']],
  ['service show payments', 'GET /services/payments', { service }, ['service']],
  ['service remove payments', 'DELETE /services/payments', { service }, ['service']],
  [
    'allow 012345678901 --service payments',
    'PUT /allowlist/payments/012345678901',
    { entry, warnings },
    ['entry'],
  ],
  [
    'allow 012345678901 --service *',
    'PUT /allowlist/*/012345678901',
    { entry, disconnects: [], accepts: [], warnings },
    ['entry', 'disconnects', 'accepts'],
  ],
  [
    'block 012345678901 --service *',
    'PUT /allowlist/*/012345678901',
    { entry, disconnects: [], warnings },
    ['entry', 'disconnects'],
  ],
  [
    'allowlist remove 012345678901 --service *',
    'DELETE /allowlist/*/012345678901',
    { entry, disconnects: [], warnings },
    ['entry', 'disconnects'],
  ],
  ['allowlist', 'GET /allowlist', { entries: [entry] }, ['entries']],
  ['allowlist show 012345678901', 'GET /allowlist?account=012345678901', { entries: [entry] }, ['entries']],
  ['connections', 'GET /connections', { connections: [connection] }, ['connections']],
  [
    `explain ${endpointId}`,
    `GET /connections/${endpointId}`,
    explanation,
    ['connection', 'verdict', 'history'],
  ],
  [`approve ${endpointId}`, `POST /connections/${endpointId}/decision`, { decision }, ['decision']],
  ['mode', 'GET /mode', mode, ['mode', 'since', 'by', 'reason']],
  ['mode observe --reason incident', 'PUT /mode', { ...mode, warnings }, ['mode', 'since', 'by', 'reason']],
  ['operations show', 'GET /operations', { operations }, ['operations']],
  [
    'operations set --slack-channel C01OPS --email ops@example.com',
    'PUT /operations',
    { operations, warnings },
    ['operations'],
  ],
  ['pause payments --reason incident', 'POST /services/payments/pause', { service: paused }, ['service']],
  ['approvers list', 'GET /approvers', { groups: [group] }, ['groups']],
  ['approvers show ops', 'GET /approvers/ops', { group }, ['group']],
  ['approvers remove ops', 'DELETE /approvers/ops', { group, warnings }, ['group']],
  ['customer show initech', 'GET /customers/initech', { customer }, ['customer']],
  [
    'approvers set ops --slack-channel C01OPS --slack-user T01LOCAL:U01BOB',
    'PUT /approvers/ops',
    { group },
    ['groups'],
  ],
  [`deny ${endpointId} --reason no`, `POST /connections/${endpointId}/decision`, { decision }, ['decision']],
])(
  '`%s` calls the API and prints the response as text, and with --json as one document',
  async (line, request, answer, keys) => {
    aws.answer({ [request]: answer });
    const people = await runCli(line, aws);
    const machines = await runCli(`${line} --json`, aws);
    expect(people).toMatchObject({ code: 0, stdout: expect.stringMatching(/\w/) });
    expect(machines.code).toBe(0);
    expect(Object.keys(JSON.parse(machines.stdout))).toEqual(keys);
    expect(people.stdout.split('\n').filter((text) => text.length > 92)).toEqual([]);
  },
);

test('every request is signed with the credentials and the Region of the caller', async () => {
  aws.answer({ 'GET /services': { services: [] } });
  await runCli('service list --region us-west-2', aws);
  expect(aws.apiRequests[0]?.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=111111111111\/\d{8}\/us-west-2\/execute-api\/aws4_request, SignedHeaders=host;.*Signature=[0-9a-f]{64}$/,
  );
});

test('every restriction of an entry is sent, and account ids keep their leading zeros', async () => {
  aws.answer({ 'GET /services': { services: [] }, 'PUT /allowlist/payments/000000000001': { entry } });
  const narrowed = `--endpoint ${endpointId} --endpoint vpce-0bbbbbbbbbbbbbbb2 --consumer-region eu-central-1 --max-endpoints 2`;
  const owned =
    '--owner T01LOCAL:U01ALICE --owner Bob@Example.com --owner arn:aws:iam::111111111111:user/carol';
  await runCli(
    `allow 000000000001 --service payments ${narrowed} --expires 2031-05-31 ${owned} --note why`,
    aws,
  );
  expect(aws.apiRequests.at(-1)?.body).toEqual({
    effect: 'allow',
    endpointIds: [endpointId, 'vpce-0bbbbbbbbbbbbbbb2'],
    consumerRegions: ['eu-central-1'],
    maxEndpoints: 2,
    expiresAt: '2031-05-31T23:59:59.999Z',
    owners: ['slack:T01LOCAL:U01ALICE', 'mailto:bob@example.com', 'arn:aws:iam::111111111111:user/carol'],
    note: 'why',
  });
});

test('the owners of a blocked account are sent and printed', async () => {
  const owners = ['slack:T01LOCAL:U01ALICE'];
  aws.answer({ 'PUT /allowlist/*/012345678901': { entry: { ...entry, owners } } });
  const { stdout } = await runCli('block 012345678901 --service * --owner T01LOCAL:U01ALICE', aws);
  expect(aws.apiRequests.at(-1)?.body).toEqual({ effect: 'block', owners });
  expect(stdout).toMatch(/owned by +slack:T01LOCAL:U01ALICE/);
});

test.each([
  ['--require-ticket', { requireTicket: true }],
  ['--no-require-ticket', { requireTicket: false }],
  ['--deadline 36h --on-expiry reject', { deadlineSeconds: 36 * 3600, onExpiry: 'reject' }],
  ['--deadline 7d', { deadlineSeconds: 7 * 86_400 }],
  ['', {}],
])('`service add %s` sends only the given settings', async (options, body) => {
  aws.answer({ 'POST /services': { service } });
  await runCli(`service add ${serviceId} ${options}`.trim(), aws);
  expect(aws.apiRequests.at(-1)?.body).toEqual({ serviceId, ...body });
});

test.each([
  [{}, 'decided within +7 days; then it is escalated, and stays open'],
  [{ deadlineSeconds: 86_400, onExpiry: 'reject' }, 'decided within +1 day; then it is rejected'],
  [{ deadlineSeconds: 5400 }, 'decided within +1.5 hours; then'],
  [{ requireTicket: true }, 'ticket +each decision of a person names one'],
])('`service show` prints the settings %j', async (settings, line) => {
  aws.answer({ 'GET /services/payments': { service: { ...service, ...settings } } });
  expect((await runCli('service show payments', aws)).stdout).toMatch(new RegExp(line));
});

test.each(['approve', 'deny'])('`%s --ticket` sends the ticket', async (command) => {
  aws.answer({ [`POST /connections/${endpointId}/decision`]: { decision } });
  await runCli(`${command} ${endpointId} --reason why --ticket OPS-42`, aws);
  expect(aws.apiRequests.at(-1)?.body).toEqual({ decision: command, reason: 'why', ticket: 'OPS-42' });
});

test.each([
  ['enforce', 'enforce: linkgate decides, and accepts and rejects in EC2'],
  ['observe', 'observe: linkgate decides and writes down what it would do'],
])('`mode` explains the mode %s', async (name, sentence) => {
  aws.answer({ 'GET /mode': { ...mode, mode: name } });
  expect((await runCli('mode', aws)).stdout).toContain(sentence);
});

test.each(['ask', 'disconnect', 'adopt'])(
  '`service show` prints the effect of %s on connections accepted outside linkgate',
  async (onExternalAccept) => {
    aws.answer({ 'GET /services/payments': { service: { ...service, onExternalAccept } } });
    expect((await runCli('service show payments', aws)).stdout).toMatch(/^external accept +\w/m);
  },
);

test('`connections`, `explain` and `allowlist` print the customer next to its account', async () => {
  const customer = 'initech';
  aws.answer({
    'GET /connections': { connections: [{ ...connection, customer }] },
    [`GET /connections/${endpointId}`]: {
      ...explanation,
      connection: { ...explanation.connection, customer },
    },
    'GET /allowlist': { entries: [{ ...entry, customer }] },
  });
  expect((await runCli('connections', aws)).stdout).toContain('444444444444 (initech)');
  expect((await runCli(`explain ${endpointId}`, aws)).stdout).toContain(
    'Account 444444444444 (initech) asked',
  );
  expect((await runCli('allowlist', aws)).stdout).toContain('012345678901 (initech)');
});

test('`explain` prints the name of an IAM identity next to its ARN', async () => {
  aws.answer({ [`GET /connections/${endpointId}`]: explanation });
  expect((await runCli(`explain ${endpointId}`, aws)).stdout.replaceAll(/\s+/g, ' ')).toContain(
    'bob (arn:aws:iam::111111111111:user/bob) denied it',
  );
});

test('`allowlist show` of an account without an entry fails and prints the command that adds one', async () => {
  aws.answer({ 'GET /allowlist?account=210987654321': { entries: [] } });
  expect(await runCli('allowlist show 210987654321', aws)).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'error: the allowlist has no entry of account 210987654321; `linkgate allow 210987654321 --service <service>` adds one\n',
  });
});

test('an expiry is relative to the clock of the API, not of the local machine', async () => {
  aws.answer({ 'GET /services': { services: [] }, 'PUT /allowlist/payments/012345678901': { entry } });
  await runCli('allow 012345678901 --service payments --expires 30d', aws);
  expect(aws.apiRequests.at(-1)?.body).toEqual({ effect: 'allow', expiresAt: '2031-05-31T12:00:00.000Z' });

  const past = await runCli('allow 012345678901 --service payments --expires 2031-04-30', aws);
  expect(past).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('in the past') });
});

test('`allow` lists the requests that it accepts now', async () => {
  const accepts = [1, 2].map((number) => ({
    endpointId: `vpce-0123456789abcdef${number}`,
    serviceId: service.serviceId,
    service: 'payments',
  }));
  const answer = { entry, disconnects: [], warnings: [] };
  aws.answer({ 'PUT /allowlist/payments/012345678901': { ...answer, accepts } });
  const line = 'allow 012345678901 --service payments';
  expect((await runCli(line, aws)).stdout).toContain(
    `\nthis accepts 2 connections now:\n  payments (${service.serviceId}): vpce-0123456789abcdef1, vpce-0123456789abcdef2\n`,
  );
  expect(JSON.parse((await runCli(`${line} --json`, aws)).stdout)).toMatchObject({ entry, accepts });
  aws.answer({ 'PUT /allowlist/payments/012345678901': { ...answer, accepts: [] } });
  expect((await runCli(line, aws)).stdout).toContain('this accepts no request now');
});

test('warnings are printed on standard error', async () => {
  aws.answer({ 'PUT /allowlist/payments/012345678901': { entry, warnings } });
  const output = await runCli('block 012345678901 --service payments --json', aws);
  expect(output).toMatchObject({ code: 0, stderr: `warning: ${warnings[0]}\n` });
});

test('`service remove` warns about the remaining entries', async () => {
  aws.answer({ 'DELETE /services/payments': { service, warnings } });
  const output = await runCli('service remove payments --json', aws);
  expect(output).toMatchObject({ code: 0, stderr: `warning: ${warnings[0]}\n` });
});

test('`operations set` sends the channel and every address', async () => {
  aws.answer({ 'PUT /operations': { operations } });
  await runCli('operations set --slack-channel C01OPS --email a@example.com --email b@example.com', aws);
  expect(aws.apiRequests.at(-1)?.body).toEqual({
    slackChannel: 'C01OPS',
    emails: ['a@example.com', 'b@example.com'],
  });
});

test('`approvers set` sends every setting of a group', async () => {
  aws.answer({ 'PUT /approvers/ops': { group } });
  const people = '--slack-user T01LOCAL:U01BOB --slack-user T01LOCAL:U01ALICE --email a@example.com';
  await runCli(`approvers set ops --slack-channel C01OPS ${people} --quorum 2`, aws);
  expect(aws.apiRequests.at(-1)?.body).toEqual({
    slackChannel: 'C01OPS',
    slackUsers: [
      { team: 'T01LOCAL', user: 'U01BOB' },
      { team: 'T01LOCAL', user: 'U01ALICE' },
    ],
    emails: ['a@example.com'],
    quorum: 2,
  });
});

test('`approvers set` sends the decision channels and the escalation group and prints warnings; `approvers list` prints both settings', async () => {
  const night = { ...group, decisionChannels: 'api', escalateTo: 'ops' };
  const confirm = 'a@example.com has to confirm';
  aws.answer({
    'PUT /approvers/night': { group: night, warnings: [confirm] },
    'GET /approvers': { groups: [night, group] },
  });
  const set = await runCli(
    'approvers set night --email a@example.com --decision-channels api --escalate-to ops',
    aws,
  );
  expect(aws.apiRequests.at(-1)?.body).toEqual({
    emails: ['a@example.com'],
    decisionChannels: 'api',
    escalateTo: 'ops',
  });
  expect(set.stderr).toBe(`warning: ${confirm}\n`);
  const { stdout } = await runCli('approvers list', aws);
  expect(stdout).toContain('decides by the command line or the API only; escalates to ops');
});

test('`explain` prints the notifications of approvers, and the ticket and entry of each decision', async () => {
  const step = (action: string, more: object = {}) => ({
    time: '2031-05-01T12:00:00.000Z',
    actor: 'linkgate',
    action,
    ...more,
  });
  const history = [
    step('approval-requested', { reason: 'the approver group default, until 2031-05-08T12:00:00.000Z' }),
    step('reminded'),
    step('escalated', { reason: 'to the group night' }),
    step('expired', { reason: 'nobody decided it in time' }),
    step('approved', {
      actor: 'slack:T01LOCAL:U01ALICE',
      ticket: 'OPS-42',
      entry: { effect: 'allow', expiresAt: '2031-06-01T12:00:00.000Z' },
    }),
    step('denied', { actor: 'mailto:bob@example.com', entry: { effect: 'block' }, reason: 'unknown' }),
  ];
  aws.answer({ [`GET /connections/${endpointId}`]: { ...explanation, history } });
  const { stdout } = await runCli(`explain ${endpointId}`, aws, { columns: 200 });
  expect(stdout.match(/(?<=12:00:00 UTC {2}).*/g)).toEqual([
    'approval was requested: the approver group default, until 2031-05-08 12:00:00 UTC',
    'approvers were reminded',
    'it was escalated: to the group night',
    'the deadline passed: nobody decided it in time',
    'slack:T01LOCAL:U01ALICE approved it and allowed its account until 2031-06-01 12:00:00 UTC (ticket OPS-42)',
    'mailto:bob@example.com denied it and blocked its account: unknown',
  ]);
});

test.each([
  'mode stop',
  'mode --reason why',
  'approvers set ops --slack-user U01BOB',
  'approvers set ops --slack-user T01LOCAL:U01BOB:U01ALICE',
  'approvers set ops --slack-channel general',
  'approvers set ops --email nobody',
  'approvers set ops --quorum 0',
  'approvers set a/b --email a@example.com',
  'approvers set ops --email a@example.com --decision-channels slack',
  'approvers set ops --email a@example.com --escalate-to a/b',
  'allow 012345678901 --service payments --owner alice',
  'allow 012345678901 --service payments --owner U01ALICE',
  `service add ${serviceId} --deadline 7`,
  `service add ${serviceId} --deadline soon`,
  `service add ${serviceId} --on-expiry wait`,
])('`%s` is a usage error without an API call', async (line) => {
  expect(await runCli(line, aws)).toMatchObject({ code: 2, stdout: '' });
  expect(aws.apiRequests).toEqual([]);
});

test('a paused service is printed with the actor, time and reason of the pause', async () => {
  aws.answer({ 'GET /services': { services: [paused] }, 'GET /services/payments': { service: paused } });
  const pause = 'by alice since 2031-05-01 12:00:00 UTC, incident';
  expect((await runCli('service list', aws)).stdout).toContain(`paused ${pause}`);
  expect((await runCli('service show payments', aws)).stdout).toMatch(new RegExp(`paused +${pause}`));
});

const resume = 'POST /services/payments/resume';
const resumption = `${resume}?dryRun=true`;

test.each([
  [paused, 'payments is resumed: its requests are decided, and its scheduled disconnects are carried out\n'],
  [
    service,
    'payments is not paused: its requests are decided, and its scheduled disconnects are carried out\n',
  ],
])('`resume` prints whether the service was paused', async (before, message) => {
  aws.answer({
    'GET /services/payments': { service: before },
    [resumption]: { service, disconnects: [], warnings: [] },
    [resume]: { service, disconnects: [], warnings: [] },
  });
  expect(await runCli('resume payments', aws)).toMatchObject({ code: 0, stdout: message, stderr: '' });
  expect(JSON.parse((await runCli('resume payments --json', aws)).stdout)).toEqual({
    service,
    disconnects: [],
  });
});

describe('`resume` of a service with a due disconnect', () => {
  const warnings = [`${connection.endpointId} at payments: disconnected now`];
  const disconnects = [
    { endpointId: connection.endpointId, serviceId, service: 'payments', at: '2031-05-01T12:00:00.000Z' },
  ];

  beforeEach(() =>
    aws.answer({
      'GET /services/payments': { service: paused },
      [resumption]: { service, disconnects, warnings: [] },
      [resume]: { service, disconnects, warnings },
    }),
  );

  test('lists the disconnects and asks for confirmation', async () => {
    const output = await runCli('resume payments', aws, { isTTY: true, stdin: ['y'] });
    expect(output.code).toBe(0);
    expect(output.stderr).toContain(
      `during the pause:\n  payments (${serviceId}): ${connection.endpointId}\nResume payments? [y/N]`,
    );
  });

  test.each([
    ['without a terminal', 'resume payments', {}, 2],
    ['after the answer no', 'resume payments', { isTTY: true as const, stdin: ['n'] }, 1],
  ])('changes nothing %s', async (_how, line, terminal, code) => {
    expect(await runCli(line, aws, terminal)).toMatchObject({ code, stdout: '' });
    expect(aws.apiRequests.filter(({ path }) => path.endsWith('/resume'))).toEqual([]);
  });

  test('resumes with --yes and prints the disconnects as warnings', async () => {
    expect(await runCli('resume payments --yes', aws)).toMatchObject({
      code: 0,
      stderr: `warning: ${warnings[0]}\n`,
    });
  });
});

test('the state of a service in EC2 is printed with the time of its last check', async () => {
  const checked = { ...service, checkedAt: '2031-05-01T11:00:00.000Z' };
  aws.answer({ 'GET /services/payments': { service: checked } });
  expect((await runCli('service show payments', aws)).stdout).toMatch(
    /last checked +2031-05-01 11:00:00 UTC; `linkgate doctor` looks now/,
  );
});

test('a difference is highlighted in a terminal', async () => {
  const differs = 'linkgate would reject it, and EC2 shows it available';
  aws.answer({ 'GET /connections': { connections: [{ ...connection, differs }] } });
  const { stdout } = await runCli('connections', aws, { isTTY: true });
  expect(stdout).toContain(`\u001b[33m${differs}`);
  expect(stdout).toContain(`\u001b[2m${connection.reason}`);
});

test('`explain` prints repeated rejections of a call by EC2 as one line', async () => {
  const refusals = ['12:00:00', '12:01:00', '12:03:00'].map((at) => ({
    time: `2031-05-01T${at}.000Z`,
    actor: 'ec2',
    action: 'refused',
    outcome: 'reject',
    reason: 'UnauthorizedOperation',
  }));
  aws.answer({ [`GET /connections/${endpointId}`]: { ...explanation, history: refusals } });
  const { stdout } = await runCli(`explain ${endpointId}`, aws, { columns: 200 });
  expect(stdout.split('\n').filter((line) => line.includes('EC2 did not'))).toEqual([
    '  2031-05-01 12:00:00 UTC  EC2 did not reject it: UnauthorizedOperation (and 2 more, the last on 2031-05-01 12:03:00 UTC)',
  ]);
});

test('`connections` and `explain` print a difference between EC2 and the verdict', async () => {
  const differs = 'linkgate would reject it, and EC2 shows it available';
  const differing = { ...connection, state: 'available', verdict: 'reject', differs };
  aws.answer({
    'GET /connections?differs=true': { connections: [differing] },
    [`GET /connections/${endpointId}`]: { ...explanation, connection: differing },
  });
  expect((await runCli('connections --drifted', aws)).stdout).toContain(differs);
  expect((await runCli(`explain ${endpointId}`, aws)).stdout).toContain(`This differs: ${differs}.`);
});

test('an approval below the quorum prints the count without a warning about precedence of policy', async () => {
  const first = { ...decision, verdict: 'ask', approvals: 1, quorum: 2 };
  aws.answer({ [`POST /connections/${endpointId}/decision`]: { decision: first, warnings: [] } });
  const output = await runCli(`approve ${endpointId}`, aws);
  expect(output).toMatchObject({ code: 0, stderr: '' });
  expect(output.stdout).toContain('has 1 of 2 approvals, and waits for another person');
});

test.each([
  ['approve', 'accept', ''],
  ['approve', 'reject', 'policy comes first, and its verdict is `reject`'],
  ['approve', 'hold', 'policy comes first, and its verdict is `hold`'],
  ['deny', 'reject', ''],
  ['deny', 'hold', 'policy comes first, and its verdict is `hold`'],
])(
  '`%s` with the resulting verdict %s prints a warning if they differ: %s',
  async (command, verdict, warning) => {
    aws.answer({
      [`POST /connections/${endpointId}/decision`]: { decision: { ...decision, decision: command, verdict } },
    });
    const output = await runCli(`${command} ${endpointId} --reason no --json`, aws);
    expect(output.code).toBe(0);
    if (warning) expect(output.stderr).toContain(`warning: ${warning}`);
    else expect(output.stderr).toBe('');
  },
);

test('`connections` prints all pages as one list and sends the filters with each page', async () => {
  aws.answer({
    'GET /connections?service=payments&state=available&waiting=true': {
      connections: [connection],
      nextToken: 'a+b',
    },
    'GET /connections?service=payments&state=available&waiting=true&nextToken=a%2Bb': {
      connections: [connection],
    },
  });
  const output = await runCli('connections --service payments --state available --waiting --json', aws);
  expect(JSON.parse(output.stdout).connections).toHaveLength(2);
});

test('an empty list prints that it is empty, and the next command', async () => {
  aws.answer({
    'GET /services': { services: [] },
    'GET /allowlist': { entries: [] },
    'GET /connections?waiting=true': { connections: [] },
  });
  expect((await runCli('service list', aws)).stdout).toContain('linkgate service add');
  expect((await runCli('allowlist', aws)).stdout).toContain('linkgate allow');
  expect((await runCli('connections --waiting', aws)).stdout).toBe('nobody waits for a decision\n');
});

test('`explain` prints the history of a request', async () => {
  aws.answer({ [`GET /connections/${endpointId}`]: explanation });
  expect((await runCli(`explain ${endpointId}`, aws)).stdout).toMatchSnapshot();
});

test('`explain` formats times, fits the terminal, and wraps no command', async () => {
  const command = '`linkgate approve vpce-0aaaaaaaaaaaaaaa1 --ticket T`';
  const nextStep = `It is connected until 2031-05-08T12:00:00.073Z, and disconnects then. ${command} keeps it connected.`;
  aws.answer({
    [`GET /connections/${endpointId}`]: {
      ...explanation,
      connection: { ...explanation.connection, nextStep },
    },
  });
  const { stdout } = await runCli(`explain ${endpointId}`, aws, { columns: 60 });
  expect(stdout).toContain(
    `\nIt is connected until 2031-05-08 12:00:00 UTC, and\ndisconnects then.\n${command} keeps\nit connected.\n`,
  );
});

test('`explain` prints no accepting finding as a reason for a disconnect, and no call to EC2 over the disconnect quota', async () => {
  const history = [
    {
      ...explanation.history[0],
      actor: 'linkgate',
      action: 'refused',
      reason: 'the disconnect quota is used up',
    },
  ];
  const connection = { ...explanation.connection, state: 'available' };
  aws.answer({ [`GET /connections/${endpointId}`]: { ...explanation, connection, history } });
  const { stdout } = await runCli(`explain ${endpointId}`, aws, { columns: 200 });
  expect(stdout).toContain('person-denied');
  expect(stdout).not.toContain('account-is-allowed');
  expect(stdout).toContain('linkgate left it as it is: the disconnect quota is used up');
});

test('`connections` prints the reason below each connection', async () => {
  aws.answer({ 'GET /connections': { connections: [connection] } });
  expect((await runCli('connections', aws)).stdout).toMatchSnapshot();
});

test('a decision about a closed request fails with the author, decision and time', async () => {
  const details = {
    by: 'arn:aws:iam::111111111111:user/bob',
    at: '2031-05-01T11:00:00.000Z',
    decision: 'deny',
    state: 'rejected',
  };
  aws.respond = () => ({ status: 409, body: errorBody('NotOpen', 'this request is not open', details) });
  const output = await runCli(`approve ${endpointId}`, aws);
  expect(output).toMatchObject({ code: 1, stdout: '' });
  for (const detail of Object.values(details)) expect(output.stderr).toContain(detail);
});

test('`sweep` starts a sweep and prints its result', async () => {
  let polls = 0;
  const result = { decided: 2, waiting: 1 };
  aws.respond = ({ method }) => {
    if (method === 'POST') return { status: 202, body: { job: { jobId: 'j1', status: 'running' } } };
    polls += 1;
    return {
      body: {
        job: polls < 3 ? { jobId: 'j1', status: 'running' } : { jobId: 'j1', status: 'succeeded', result },
      },
    };
  };
  const output = await runCli('sweep connections --json', aws);
  expect(JSON.parse(output.stdout)).toEqual(result);
  expect(polls).toBe(3);
});

test('`sweep` stops waiting for a sweep that does not end, and points to `linkgate doctor`', async () => {
  aws.respond = () => ({ body: { job: { jobId: 'j1', status: 'running' } } });
  expect(await runCli('sweep connections', aws)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching('the sweep j1 has not ended: `linkgate doctor`'),
  });
});

test.each([
  ['allowlist remove 012345678901 --service payments', 'the allowlist says nothing of account 012345678901'],
  ['service remove payments', 'payments is removed from linkgate'],
])('`%s` succeeds if an earlier attempt already removed it', async (line, message) => {
  aws.respond = () => ({ body: { warnings: ['an earlier run did it'] } });
  const output = await runCli(line, aws);
  expect(output).toMatchObject({ code: 0, stderr: expect.stringContaining('an earlier run did it') });
  expect(output.stdout).toContain(message);
});

test.each([
  '2031-05-31T12:00:00+02',
  '2031-05-31T12:00:00+0200',
  '2031-05-31 12:00:00Z',
  '2031-05-31T12:00Z',
])('`%s` is a usage error at every time option, and the error shows the valid format', async (time) => {
  for (const line of [
    ['allow', '012345678901', '--service', 'payments', '--expires', time],
    ['extend', endpointId, '--reason', 'moving', '--until', time],
    ['customer', 'set', 'acme', '--account', '012345678901', '--contract-ends', time],
  ]) {
    const { code, stderr } = await runCli(line, aws);
    expect(code).toBe(2);
    expect(stderr).toContain('or a date-time such as 2027-01-31T12:00:00Z or 2027-01-31T12:00:00+02:00');
  }
  expect(aws.apiRequests).toEqual([]);
});

test.each([
  ['', 'Usage: linkgate'],
  ['uncut vpce-0aaaaaaaaaaaaaaa1', "unknown command 'uncut'"],
  ['service pause', "unknown command 'pause'"],
  ['allow 12345 --service payments', 'An account id has 12 digits'],
  ['allow 012345678901', "required option '--service <service>' not specified"],
  ['allow --service payments', "missing required argument 'accountId'"],
  [
    'allow 012345678901 --service payments --endpoint vpce-svc-0123456789abcdef0',
    'An endpoint id looks like',
  ],
  ['allow 012345678901 --service payments --max-endpoints 0', 'Give a whole number from 1'],
  ['allow 012345678901 --service payments --expires soon', 'Write a date such as 2027-01-31'],
  ['allow 012345678901 --service payments --expires 2031-02-30', 'There is no day 2031-02-30'],
  ['allow 012345678901 --service payments --max-endpoints 9007199254740993', 'Give a whole number from 1'],
  ['connections --state Available', 'Allowed choices are pendingAcceptance'],
  ['explain vpce-xyz', 'An endpoint id looks like'],
  ['service add payments', 'The id of an endpoint service looks like'],
  [`service add ${serviceId} --on-unlisted maybe`, 'Allowed choices are ask, hold, reject'],
  [`deny ${endpointId}`, "required option '--reason <text>' not specified"],
])('%j is a usage error without an API call', async (line, message) => {
  const output = await runCli(line ? line : [], aws);
  expect(output).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  expect(aws.apiRequests).toEqual([]);
});

test.each([
  ...['', ' \n', '\u200b', '\u3164'].flatMap((blank) => [
    ['deny', endpointId, '--reason', blank],
    ['extend', endpointId, '--until', '30d', '--reason', blank],
    ['approve', endpointId, '--ticket', blank],
    ['revoke', endpointId, '--customer-message', blank],
  ]),
])('`%s %s %s %j…` is a usage error: the text is invisible', async (...line) => {
  const { code, stderr } = await runCli(line, aws);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Write visible text.'),
  });
  expect(aws.apiRequests).toEqual([]);
});

test.each([
  ['400 InvalidRequest', 400, 'InvalidRequest', 2],
  ['422 BlankText', 422, 'BlankText', 2],
  ['404 UnknownService', 404, 'UnknownService', 1],
  ['404 NotFound', 404, 'NotFound', 1],
  ['409 Conflict', 409, 'Conflict', 1],
])('the API error %s results in its exit code', async (_name, status, code, exitCode) => {
  aws.respond = () => ({ status, body: errorBody(code, 'what to do') });
  expect(await runCli('service show payments', aws)).toEqual({
    code: exitCode,
    stdout: '',
    stderr: 'error: what to do\n',
  });
});
