import { describe, expect, test } from '@jest/globals';
import { commandTable } from '../../cli/command-table.ts';
import {
  answers,
  at,
  by,
  commandLines,
  connection,
  decision,
  endpointId,
  entry,
  explanation,
  group,
  live,
  mode,
  paused,
  revocation,
  service,
  serviceId,
  stdin,
  warnings,
} from './answers.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

/** Runs a command against the shared answers and others. */
function play(line: string | readonly string[], others: object = {}, terminal: object = {}) {
  aws.answer({ ...answers, ...others });
  return runCli(line, aws, { stdin, ...terminal });
}

test.each(commandLines)(
  '`%s` prints the response as text, and with --json as one document with the fields %s',
  async (line, fields) => {
    const people = await play(line);
    const machines = await play(`${line} --json`);
    expect(people.stdout).toMatch(/\w/);
    expect(machines.code).toBe(people.code);
    expect(Object.keys(JSON.parse(machines.stdout)).join(' ')).toBe(fields);
    if (!/^(plan|apply|schema|export|revoke|extend|slack)\b/.test(line))
      expect(people.stdout.split('\n').filter((text) => text.length > 92)).toEqual([]);
  },
);

test('every command is played', () => {
  const unplayed = commandTable.filter(({ name }) => !commandLines.some(([line]) => line.startsWith(name)));
  expect(unplayed.map(({ name }) => name)).toEqual([]);
});

const role = 'arn:aws:iam::012345678901:role/connector';

describe('a command sends', () => {
  test.each<[line: string, body: object]>([
    [
      `allow 012345678901 --service payments --endpoint ${endpointId} --endpoint vpce-0bbbbbbbbbbbbbbb2 --consumer-region eu-central-1 --max-endpoints 2 --expires 2031-05-31 --role ${role} --owner T01LOCAL:U01ALICE --owner Bob@Example.com --owner ${by} --note why`,
      {
        effect: 'allow',
        endpointIds: [endpointId, 'vpce-0bbbbbbbbbbbbbbb2'],
        consumerRegions: ['eu-central-1'],
        maxEndpoints: 2,
        expiresAt: '2031-05-31T23:59:59.999Z',
        roles: [role],
        owners: ['slack:T01LOCAL:U01ALICE', 'mailto:bob@example.com', by],
        note: 'why',
      },
    ],
    [
      'allow 012345678901 --service payments --expires 30d',
      { effect: 'allow', expiresAt: '2031-05-31T12:00:00.000Z' },
    ],
    [
      'block 012345678901 --service * --owner T01LOCAL:U01ALICE',
      { effect: 'block', owners: ['slack:T01LOCAL:U01ALICE'] },
    ],
    [`service add ${serviceId}`, { serviceId }],
    [`service add ${serviceId} --require-ticket`, { serviceId, requireTicket: true }],
    [`service add ${serviceId} --no-require-ticket`, { serviceId, requireTicket: false }],
    [
      `service add ${serviceId} --deadline 36h --on-expiry reject`,
      { serviceId, deadlineSeconds: 129_600, onExpiry: 'reject' },
    ],
    [
      `service add ${serviceId} --grace 14d --on-external-accept adopt --other-principal *`,
      { serviceId, graceSeconds: 1_209_600, onExternalAccept: 'adopt', otherPrincipals: ['*'] },
    ],
    [`approve ${endpointId} --ticket OPS-42`, { decision: 'approve', ticket: 'OPS-42' }],
    [
      `deny ${endpointId} --reason why --ticket OPS-42 --customer-message unpaid`,
      { decision: 'deny', reason: 'why', ticket: 'OPS-42', customerMessage: 'unpaid' },
    ],
    [`revoke ${endpointId} --reason unpaid`, { reason: 'unpaid' }],
    [`revoke ${endpointId} --now`, { now: true }],
    [
      `extend ${endpointId} --until 31d --reason moving`,
      { until: '2031-06-01T12:00:00.000Z', reason: 'moving' },
    ],
    [
      'operations set --slack-channel C01OPS --email a@example.com --email b@example.com',
      { slackChannel: 'C01OPS', emails: ['a@example.com', 'b@example.com'] },
    ],
    [
      'approvers set ops --slack-channel C01OPS --slack-user T01LOCAL:U01BOB --slack-user T01LOCAL:U01ALICE --email a@example.com --quorum 2 --decision-channels api --escalate-to night',
      {
        slackChannel: 'C01OPS',
        slackUsers: [
          { team: 'T01LOCAL', user: 'U01BOB' },
          { team: 'T01LOCAL', user: 'U01ALICE' },
        ],
        emails: ['a@example.com'],
        quorum: 2,
        decisionChannels: 'api',
        escalateTo: 'night',
      },
    ],
    [
      "customer set acme --account 222222222222 --account 333333333333 --contact-email sean.o'brien+ops@xn--bcher-kva.example --owner bob@example.com --contract-ends 2031-12-31",
      {
        accounts: ['222222222222', '333333333333'],
        contact: { email: "sean.o'brien+ops@xn--bcher-kva.example" },
        owners: ['mailto:bob@example.com'],
        contractEndsAt: '2031-12-31T23:59:59.999Z',
      },
    ],
    [
      'customer set acme --account 222222222222 --contact-topic arn:aws:sns:us-east-1:222222222222:linkgate-a',
      {
        accounts: ['222222222222'],
        contact: { topicArn: 'arn:aws:sns:us-east-1:222222222222:linkgate-a' },
      },
    ],
  ])('`%s`', async (line, body) => {
    expect(await play(line)).toMatchObject({ code: 0 });
    expect(aws.apiRequests.at(-1)?.body).toEqual(body);
  });
});

const entryWith = (fields: object) => ({ 'GET /allowlist': { entries: [{ ...entry, ...fields }] } });
const explanationWith = (fields: object) => ({
  [`GET /connections/${endpointId}`]: {
    ...explanation,
    connection: { ...explanation.connection, ...fields },
  },
});
const pause = 'by alice since 2031-05-01 12:00:00 UTC, incident';
const differs = 'linkgate would reject it, and EC2 shows it available';

test.each<[settings: object, line: string]>([
  [paused, `paused +${pause}`],
  [{}, 'decided within +7 days; then it is escalated, and stays open'],
  [{ deadlineSeconds: 86_400, onExpiry: 'reject' }, 'decided within +1 day; then it is rejected'],
  [{ deadlineSeconds: 5400 }, 'decided within +1.5 hours; then'],
  [{ requireTicket: true }, 'ticket +each decision of a person names one'],
  [{ onExternalAccept: 'ask' }, 'external accept +people are asked'],
  [{ onExternalAccept: 'disconnect' }, 'external accept +disconnected'],
  [{ onExternalAccept: 'adopt' }, 'external accept +they stay'],
  [{ graceSeconds: 1_209_600 }, 'grace period +14 days\n'],
  [{ otherPrincipals: ['*'] }, 'principals +observed: only compared with the allowlist; besides: \\*'],
  [
    { deregisteringAt: at, deregisteringBy: 'bob' },
    'being deregistered +by bob since 2031-05-01 12:00:00 UTC',
  ],
  [{ checkedAt: at }, 'last checked +2031-05-01 12:00:00 UTC; `linkgate doctor` looks now'],
])('`service show` prints the settings %j', async (settings, line) => {
  const { stdout } = await play('service show payments', {
    'GET /services/payments': { service: { ...service, ...settings } },
  });
  expect(stdout).toMatch(new RegExp(line));
});

describe('a command prints', () => {
  test.each<[line: string, answers: object, ...texts: (string | RegExp)[]]>([
    ['service list', {}, `paused ${pause}`],
    ['mode', {}, 'observe: linkgate decides and writes down what it would do'],
    [
      'mode',
      { 'GET /mode': { ...mode, mode: 'enforce' } },
      'enforce: linkgate decides, and accepts and rejects in EC2',
    ],
    ['allowlist', entryWith({ customer: 'initech' }), '012345678901 (initech)'],
    [
      'allow 012345678901 --service payments',
      {
        'PUT /allowlist/payments/012345678901': {
          entry: { ...entry, customer: 'acme', managedBy: 'file', owners: ['slack:T01:U01'] },
          accepts: [1, 2].map((number) => ({ endpointId: `vpce-${number}`, serviceId, service: 'payments' })),
        },
      },
      /customer +acme/,
      /managed by +the policy file/,
      /owned by +slack:T01:U01/,
      `\nthis accepts 2 connections now:\n  payments (${serviceId}): vpce-1, vpce-2\n`,
    ],
    ['allow 012345678901 --service payments', {}, 'this accepts no request now'],
    [
      'approvers list',
      { 'GET /approvers': { groups: [{ ...group, decisionChannels: 'api', escalateTo: 'ops' }] } },
      'decides by the command line or the API only; escalates to ops',
    ],
    [
      'customer list',
      {},
      'acme',
      'ops@acme.example',
      '222222222222',
      'has not confirmed',
      'contract ends 2031-12-31',
    ],
    ['customer remove acme', {}, 'is removed, and its contact is no longer notified'],
    [
      'connections',
      { 'GET /connections': { connections: [{ ...live, customer: 'initech' }] } },
      '444444444444 (initech)',
    ],
    ['connections --account 444444444444', {}, 'disconnects at 2031-05-01 12:00:00 UTC', 'it lives'],
    [
      `explain ${endpointId}`,
      explanationWith({ customer: 'initech' }),
      'Account 444444444444 (initech) asked',
    ],
    [`explain ${endpointId}`, explanationWith({ differs }), `This differs: ${differs}.`],
    [`revoke ${endpointId}`, {}, 'disconnects at 2031-05-04 12:00:00 UTC', `linkgate extend ${endpointId}`],
    [
      `revoke ${endpointId} --now`,
      { [`POST /connections/${endpointId}/revocation`]: { revocation: { ...revocation, disconnectAt: at } } },
      `${endpointId} disconnects now`,
    ],
    [
      `extend ${endpointId} --until 3d --reason moving`,
      {
        [`POST /connections/${endpointId}/extend`]: {
          revocation: { ...revocation, extended: { by, until: revocation.disconnectAt } },
        },
      },
      'is extended until 2031-05-04 12:00:00 UTC, and disconnects then',
    ],
    [`item remove SERVICE ${serviceId}`, {}, `removed the item SERVICE ${serviceId}\n`],
    // An earlier attempt has removed these.
    [
      'allowlist remove 012345678901 --service payments',
      { 'DELETE /allowlist/payments/012345678901': { warnings } },
      'the allowlist says nothing of account 012345678901',
    ],
    [
      'service remove payments',
      { 'DELETE /services/payments': { warnings } },
      'payments is removed from linkgate',
    ],
    // Empty lists name the next command.
    ['service list', { 'GET /services': { services: [] } }, 'linkgate service add'],
    [
      'service list --unregistered',
      { 'GET /services?unregistered=true': { services: [] } },
      'every endpoint service that EC2 lists is registered',
    ],
    ['allowlist', { 'GET /allowlist': { entries: [] } }, 'linkgate allow'],
    ['customer list', { 'GET /customers': { customers: [] } }, 'linkgate customer set'],
    [
      'connections --waiting',
      { 'GET /connections?waiting=true': { connections: [] } },
      /^nobody waits for a decision\n$/,
    ],
  ])('for `%s`', async (line, others, ...texts) => {
    const { code, stdout } = await play(line, others);
    expect(code).toBe(0);
    for (const text of texts) expect(stdout).toMatch(text);
  });

  test('`connections --drifted` with the difference between EC2 and the verdict, highlighted in a terminal', async () => {
    const differing = { ...connection, differs };
    const others = { 'GET /connections?differs=true': { connections: [differing] } };
    const { stdout } = await play('connections --drifted', others, { isTTY: true });
    expect(stdout).toContain(`\u001b[33m${differs}`);
    expect(stdout).toContain(`\u001b[2m${connection.reason}`);
  });
});

test.each([
  ['block 012345678901 --service payments --json', warnings[0]],
  ['service remove payments --json', warnings[0]],
  [`revoke ${endpointId} --json`, warnings[0]],
  ['service list --json', 'payments: it lacks the tag linkgate'],
])('`%s` prints the warning on standard error', async (line, warning) => {
  expect(await play(line)).toMatchObject({ code: 0, stderr: `warning: ${warning}\n` });
});

test('a list omits unreadable items and prints a warning about them once on standard error', async () => {
  const unreadable = ['this is without what cannot be read: item `APPROVERS` `ops` is malformed'];
  const page = { groups: [], warnings: unreadable };
  const output = await play('approvers list --json', {
    'GET /approvers': [{ ...page, nextToken: '1' }, page],
  });
  expect(JSON.parse(output.stdout)).toEqual({ groups: [] });
  expect(output.stderr).toBe(`warning: ${unreadable[0]}\n`);
});

test('an unreadable item is removed by its key', async () => {
  await play('item remove ALLOWLIST#* 022222222222');
  expect(aws.apiRequests).toMatchObject([
    { method: 'DELETE', path: '/api/items?pk=ALLOWLIST%23*&sk=022222222222' },
  ]);
});

test('every request is signed with the credentials and the Region of the caller, and marks the command line', async () => {
  await play('service list --region us-west-2');
  expect(aws.apiRequests[0]?.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=111111111111\/\d{8}\/us-west-2\/execute-api\/aws4_request, SignedHeaders=host;.*Signature=[0-9a-f]{64}$/,
  );
  expect(aws.apiRequests[0]?.userAgent).toMatch(/^linkgate-cli\/\d+\.\d+\.\d+$/);
});

test('`allowlist show` of an account without an entry fails and prints the command that adds one', async () => {
  expect(await play('allowlist show 210987654321', { 'GET /allowlist': { entries: [] } })).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'error: the allowlist has no entry of account 210987654321; `linkgate allow 210987654321 --service <service>` adds one\n',
  });
});

describe('`explain`', () => {
  const explain = async (fields: object, columns = 200) =>
    (
      await play(
        `explain ${endpointId}`,
        { [`GET /connections/${endpointId}`]: { ...explanation, ...fields } },
        { columns },
      )
    ).stdout;

  test('prints the history of a request', async () => {
    expect(await explain({}, 80)).toMatchSnapshot();
  });

  test('prints the notifications of approvers, and the ticket and entry of each decision', async () => {
    const step = (action: string, more: object = {}) => ({ time: at, actor: 'linkgate', action, ...more });
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
    expect((await explain({ history })).match(/(?<=12:00:00 UTC {2}).*/g)).toEqual([
      'approval was requested: the approver group default, until 2031-05-08 12:00:00 UTC',
      'approvers were reminded',
      'it was escalated: to the group night',
      'the deadline passed: nobody decided it in time',
      'slack:T01LOCAL:U01ALICE approved it and allowed its account until 2031-06-01 12:00:00 UTC (ticket OPS-42)',
      'mailto:bob@example.com denied it and blocked its account: unknown',
    ]);
  });

  test('prints repeated rejections of a call by EC2 as one line', async () => {
    const refusal = { actor: 'ec2', action: 'refused', outcome: 'reject', reason: 'UnauthorizedOperation' };
    const history = ['00', '01', '03'].map((minute) => ({
      ...refusal,
      time: `2031-05-01T12:${minute}:00.000Z`,
    }));
    expect((await explain({ history })).split('\n').filter((line) => line.includes('EC2 did not'))).toEqual([
      '  2031-05-01 12:00:00 UTC  EC2 did not reject it: UnauthorizedOperation (and 2 more, the last on 2031-05-01 12:03:00 UTC)',
    ]);
  });

  test('formats times, fits the terminal, and wraps no command', async () => {
    const command = '`linkgate approve vpce-0aaaaaaaaaaaaaaa1 --ticket T`';
    const nextStep = `It is connected until 2031-05-08T12:00:00.073Z, and disconnects then. ${command} keeps it connected.`;
    expect(await explain({ connection: { ...explanation.connection, nextStep } }, 60)).toContain(
      `\nIt is connected until 2031-05-08 12:00:00 UTC, and\ndisconnects then.\n${command} keeps\nit connected.\n`,
    );
  });

  test('prints no accepting finding as a reason for a disconnect, and no call to EC2 over the disconnect quota', async () => {
    const refusal = {
      time: at,
      actor: 'linkgate',
      action: 'refused',
      reason: 'the disconnect quota is used up',
    };
    const stdout = await explain({
      history: [refusal],
      connection: { ...explanation.connection, state: 'available' },
    });
    expect(stdout).toContain('person-denied');
    expect(stdout).not.toContain('account-is-allowed');
    expect(stdout).toContain('linkgate left it as it is: the disconnect quota is used up');
  });
});

test('`connections` prints the reason below each connection', async () => {
  const { stdout } = await play('connections', { 'GET /connections': { connections: [connection] } });
  expect(stdout).toMatchSnapshot();
});

test('`connections` prints all pages as one list and sends the filters with each page', async () => {
  const query = 'service=payments&state=available&waiting=true';
  aws.answer({
    [`GET /connections?${query}`]: { connections: [connection], nextToken: 'a+b' },
    [`GET /connections?${query}&nextToken=a+b`]: { connections: [connection] },
  });
  const output = await runCli('connections --service payments --state available --waiting --json', aws);
  expect(JSON.parse(output.stdout).connections).toHaveLength(2);
});

describe('a decision', () => {
  const decide = (command: string, recorded: object) =>
    play(`${command} ${endpointId} --reason no`, {
      [`POST /connections/${endpointId}/decision`]: {
        decision: { ...decision, decision: command, ...recorded },
      },
    });

  test('below the quorum prints the count without a warning about precedence of policy', async () => {
    const output = await decide('approve', { verdict: 'ask', approvals: 1, quorum: 2 });
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
      const { code, stderr } = await decide(command, { verdict });
      expect(code).toBe(0);
      expect(stderr).toMatch(warning ? new RegExp(`^warning: ${warning}`) : /^$/);
    },
  );

  test('about a closed request fails with the author, decision and time', async () => {
    const details = { by, at: '2031-05-01T11:00:00.000Z', decision: 'deny', state: 'rejected' };
    aws.respond = () => ({ status: 409, body: errorBody('NotOpen', 'this request is not open', details) });
    const output = await runCli(`approve ${endpointId}`, aws);
    expect(output).toMatchObject({ code: 1, stdout: '' });
    for (const detail of Object.values(details)) expect(output.stderr).toContain(detail);
  });
});

test('`sweep` starts a sweep and prints its result', async () => {
  const result = { decided: 2, waiting: 1 };
  const job = { jobId: 'j1', status: 'running' };
  const output = await play('sweep connections --json', {
    'POST /sweeps': { job },
    'GET /jobs/j1': [{ job }, { job }, { job: { jobId: 'j1', status: 'succeeded', result } }],
  });
  expect(JSON.parse(output.stdout)).toEqual(result);
  expect(aws.apiRequests).toHaveLength(4);
});

test('`sweep` stops waiting for a sweep that does not end, and points to `linkgate doctor`', async () => {
  const job = { jobId: 'j1', status: 'running' };
  expect(await play('sweep connections', { 'POST /sweeps': { job }, 'GET /jobs/j1': { job } })).toMatchObject(
    {
      code: 1,
      stdout: '',
      stderr: expect.stringMatching('the sweep j1 has not ended: `linkgate doctor`'),
    },
  );
});

const entryTarget = 'allow 012345678901 --service payments';
const acme = 'customer set acme --account 222222222222';
const dateTimeForm = 'or a date-time such as 2027-01-31T12:00:00Z or 2027-01-31T12:00:00+02:00';

test.each([
  ['service pause', "unknown command 'pause'"],
  ['mode stop', 'Allowed choices are enforce, observe'],
  ['mode --reason why', '--reason goes with a mode'],
  ['approvers set ops --slack-user U01BOB', 'A Slack user looks like'],
  ['approvers set ops --slack-user T01LOCAL:U01BOB:U01ALICE', 'A Slack user looks like'],
  ['approvers set ops --slack-channel general', 'The id of a Slack channel looks like'],
  ['approvers set ops --email nobody', "'nobody' is invalid"],
  ['approvers set ops --quorum 0', 'Give a whole number from 1'],
  ['approvers set a/b --email a@example.com', 'A group has letters'],
  ['approvers set ops --email a@example.com --decision-channels slack', 'Allowed choices are anywhere, api'],
  ['approvers set ops --email a@example.com --escalate-to a/b', 'A group has letters'],
  ['allow 12345 --service payments', 'An account id has 12 digits'],
  ['allow 012345678901', "required option '--service <service>' not specified"],
  ['allow --service payments', "missing required argument 'accountId'"],
  [`${entryTarget} --owner alice`, 'An owner looks like'],
  [`${entryTarget} --endpoint vpce-svc-0123456789abcdef0`, 'An endpoint id looks like'],
  [`${entryTarget} --max-endpoints 9007199254740993`, 'Give a whole number from 1'],
  [`${entryTarget} --expires soon`, 'Write a date such as 2027-01-31'],
  [`${entryTarget} --expires 2031-02-30`, 'There is no day 2031-02-30'],
  ...['2031-05-31T12:00:00+02', '2031-05-31T12:00:00+0200', '2031-05-31T12:00Z'].flatMap((time) => [
    [`${entryTarget} --expires ${time}`, dateTimeForm],
    [`extend ${endpointId} --reason moving --until ${time}`, dateTimeForm],
    [`${acme} --contract-ends ${time}`, dateTimeForm],
  ]),
  ['connections --state Available', 'Allowed choices are pendingAcceptance'],
  ['explain vpce-xyz', 'An endpoint id looks like'],
  ['service add payments', 'The id of an endpoint service looks like'],
  [`service add ${serviceId} --on-unlisted maybe`, 'Allowed choices are ask, hold, reject'],
  [`service add ${serviceId} --deadline 7`, 'Write a time such as 7d or 36h'],
  [`service add ${serviceId} --on-expiry wait`, 'Allowed choices are escalate, reject'],
  [`deny ${endpointId}`, "required option '--reason <text>' not specified"],
  [`extend ${endpointId} --until 7d`, "required option '--reason <text>' not specified"],
  [`extend ${endpointId} --reason why`, "required option '--until <when>' not specified"],
  ['revoke', 'name an endpoint, or an account'],
  [`revoke ${endpointId} --account 444444444444`, 'name an endpoint, or an account'],
  [`revoke ${endpointId} --service payments`, 'name an endpoint, or an account'],
  ['customer set acme', "required option '--account <accountId>' not specified"],
  ['customer set in/itech --account 222222222222', 'A customer has a name of letters'],
  ['customer set __proto__ --account 222222222222', "'__proto__' is invalid"],
  [`${acme} --contact-topic arn:aws:sns:us-east-1:222222222222:notices`, 'A topic looks like'],
  [
    `${acme} --contact-topic arn:aws:sns:us-east-1:222222222222:linkgate-a --contact-email a@b.example`,
    'cannot be used with',
  ],
  [`${acme} --contact-email ops`, "'ops' is invalid"],
  [
    `${acme} --contact-email ops@bücher.example`,
    'An e-mail address has its domain in ASCII: ops@xn--bcher-kva.example.',
  ],
  [`audit verify --endpoint ${endpointId} --service payments`, 'cannot be used with'],
])('`%s` is a usage error without an API call: %s', async (line, message) => {
  expect(await play(line)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  expect(aws.apiRequests).toEqual([]);
});

test('no command is a usage error with the help', async () => {
  expect(await runCli([], aws)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Usage: linkgate'),
  });
});

test.each([
  [`${entryTarget} --expires 2031-04-30`, '--expires is in the past'],
  [`extend ${endpointId} --until 2031-04-30 --reason late`, '--until is in the past'],
])('`%s` is a usage error, because it is in the past by the clock of the API', async (line, message) => {
  expect(await play(line)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  expect(aws.apiRequests.map(({ method }) => method)).toEqual(['GET']);
});

test.each(
  ['', ' \n', '\u200b', '\u3164'].flatMap((blank) => [
    ['deny', endpointId, '--reason', blank],
    ['extend', endpointId, '--until', '30d', '--reason', blank],
    ['approve', endpointId, '--ticket', blank],
    ['revoke', endpointId, '--customer-message', blank],
  ]),
)('`%s %s %s %j…` is a usage error: the text is invisible', async (...line) => {
  expect(await play(line)).toMatchObject({ code: 2, stderr: expect.stringContaining('Write visible text.') });
  expect(aws.apiRequests).toEqual([]);
});

test.each([
  [400, 'InvalidRequest', 2],
  [422, 'BlankText', 2],
  [404, 'UnknownService', 1],
  [404, 'NotFound', 1],
  [409, 'Conflict', 1],
])('the API error %s %s results in its exit code', async (status, code, exitCode) => {
  aws.respond = () => ({ status, body: errorBody(code, 'what to do') });
  expect(await runCli('service show payments', aws)).toEqual({
    code: exitCode,
    stdout: '',
    stderr: 'error: what to do\n',
  });
});
