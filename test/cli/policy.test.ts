import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Impact } from '../../lib/policy-as-code/predict-plan-impact.ts';
import { connection, serviceId } from './answers.ts';
import { parseDocument, readBack, withoutPositions, writeFolder } from './policy-file/files.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const lines = "services: {payments: {}}\nallow: [{account: '222222222222', services: payments}]\n";
const file = join(writeFolder({ 'policy.yml': `version: 1\n${lines}` }), 'policy.yml');
const broken = join(writeFolder({ 'policy.yml': 'version: 1\nallow: {}' }), 'policy.yml');

const nothing = { add: 0, change: 0, remove: 0, conflicts: 0, unmanaged: 0 };
const by = 'arn:aws:iam::111111111111:user/alice';
const entry = { kind: 'entry', service: 'payments', name: '222222222222', accountId: '222222222222' };
const service = { kind: 'service', name: 'payments', serviceId };
const principal = { kind: 'principal', service: 'payments', serviceId };

const changes = [
  { ...entry, action: 'add', after: { effect: 'allow', maxEndpoints: 2 } },
  {
    ...entry,
    action: 'change',
    name: '333333333333',
    service: '*',
    before: { effect: 'allow', expiresAt: '2027-01-31T23:59:59.999Z', owners: ['slack:T01:U01'] },
    after: { effect: 'allow', expiresAt: '2027-06-30T23:59:59.999Z', owners: ['slack:T01:U01'] },
  },
  { ...entry, action: 'remove', name: '444444444444', before: { effect: 'block', note: 'left ``` us' } },
  {
    ...service,
    action: 'adopt',
    before: { graceSeconds: 259_200 },
    after: { graceSeconds: 86_400 },
    managedBy: 'person',
    changedBy: by,
  },
  {
    kind: 'group',
    action: 'conflict',
    name: 'team',
    before: { quorum: 1, slackUsers: [{ team: 'T01', user: 'U01' }] },
    after: { quorum: 2, slackUsers: [{ team: 'T01', user: 'U01' }] },
    managedBy: 'person',
    changedBy: by,
  },
  { ...entry, action: 'unmanaged', name: '555555555555', before: { effect: 'allow' }, managedBy: 'api' },
  { ...principal, action: 'remove', name: 'arn:aws:iam::444444444444:root' },
];
const live = {
  endpointId: 'vpce-0aaaaaaaaaaaaaaa1',
  serviceId,
  service: 'payments',
  ownerAccountId: '444444444444',
  state: 'available',
};
const effects = [
  { ...live, effect: 'disconnect-later', reason: 'not allowed', at: '2031-05-04T12:00:00.000Z' },
  {
    ...live,
    effect: 'accept',
    endpointId: 'vpce-0aaaaaaaaaaaaaaa2',
    state: 'pendingAcceptance',
    reason: 'it is allowed',
  },
];
const summary = { add: 1, change: 2, remove: 1, conflicts: 1, unmanaged: 1 };

const deploymentFields = { stage: 'local', accountId: '111111111111', region: 'eu-west-1' };
const head = `${file} at the stage local, account 111111111111, Region eu-west-1`;
const report = { file, plan: { planId: 'p1', ...deploymentFields, summary }, changes, effects };
const done = { status: 'done', done: 4, of: 4 };

interface Answers {
  readonly warnings?: readonly string[];
  readonly plan?: object;
  readonly changes?: readonly object[];
  readonly effects?: readonly object[];
  readonly requests?: readonly object[];
  readonly apply?: readonly object[];
}

const emptyPlan = { plan: { summary: nothing }, changes: [], effects: [] };

/** Runs a command for the file. The API responds with a plan in pages of one item each. */
function play(command: string, answers: Answers = {}, terminal: object = {}) {
  const { warnings = [], plan = { summary }, requests: simulated = [], apply = [] } = answers;
  const { changes: all = changes, effects: impact = effects } = answers;
  const applies = [...apply];
  aws.respond = ({ method, path }) => {
    const { pathname, searchParams } = new URL(path, 'http://api');
    const at = Number(searchParams.get('nextToken') ?? 0);
    const page = (name: string, things: readonly object[]) => ({
      body: {
        [name]: things.slice(at, at + 1),
        looked: 1,
        ...(at + 1 < things.length && { nextToken: String(at + 1) }),
      },
    });
    const request = `${method} ${pathname.replace('/api', '')}`;
    if (request === 'POST /plans')
      return { status: 201, body: { plan: { planId: 'p1', ...deploymentFields, ...plan }, warnings } };
    if (request === 'GET /plans/p1/changes') return page('changes', all);
    if (request === 'GET /plans/p1/impact') return page('effects', impact);
    if (request === 'GET /plans/p1/simulation') return page('requests', simulated);
    if (request === 'POST /plans/p1/apply') return applies.shift();
    return undefined;
  };
  return runCli(`${command} -f ${file}`, aws, terminal);
}

const requests = () => aws.apiRequests.map(({ method, path }) => `${method} ${path.replace('/api', '')}`);

test.each(Impact.entries.effect.options)(
  'a plan lists the connections with the effect %s',
  async (effect) => {
    const { stdout } = await play('plan', { effects: [{ ...live, effect, reason: 'why' }] });
    expect(stdout).toMatch(/^These would .*\n {4}vpce-0aaaaaaaaaaaaaaa1 of 444444444444/m);
  },
);

test('a plan prints the customer next to each account, also for customers of the file', async () => {
  const { stdout } = await play('plan', {
    changes: [
      { ...entry, action: 'add', after: { effect: 'allow' } },
      { ...entry, action: 'add', name: '333333333333', customer: 'initech', after: { effect: 'allow' } },
      {
        kind: 'customer',
        action: 'add',
        name: 'acme',
        after: { accounts: ['222222222222', '444444444444'] },
      },
    ],
  });
  expect(stdout).toContain('+ 222222222222 (acme) at payments');
  expect(stdout).toContain('+ 333333333333 (initech) at payments');
  expect(stdout).toContain('vpce-0aaaaaaaaaaaaaaa1 of 444444444444 (acme) at payments');
});

test('a plan has the format of a Terraform plan', async () => {
  expect(await play('plan')).toEqual({
    code: 0,
    stderr: '',
    stdout: `${head}

Services
  ~ payments (${serviceId})
      grace: 3d → 1d
      taken over from a person, alice

Allowlist
  + 222222222222 at payments
      effect: allow
      maxEndpoints: 2
  ~ 333333333333 at every service
      expires: 2027-01-31 → 2027-06-30
  - 444444444444 at payments
      effect: block
      note: left \`\`\` us

Allowed principals in AWS
  - arn:aws:iam::444444444444:root at payments

These would be disconnected after their grace period
    vpce-0aaaaaaaaaaaaaaa1 of 444444444444 at payments, available: at 2031-05-04 12:00:00 UTC
      not allowed

These would be accepted
    vpce-0aaaaaaaaaaaaaaa2 of 444444444444 at payments, pendingAcceptance
      it is allowed

Differs from the file, not changed: managed by somebody else (--take-ownership adopts it)
    Approvers: team (a person, alice)
      quorum: 1 → 2

Not changed: managed by somebody else
    Allowlist: 555555555555 at payments (another system)

Plan: 1 to add, 2 to change, 1 to remove; 1 not changed, managed by somebody else; connections: 1 disconnected after a grace period, 1 accepted
`,
  });
});

test('`plan` sends the document of the file for the stage of the deployment', async () => {
  await play('plan --take-ownership');
  const [request] = aws.apiRequests.map(({ body }) => body);
  const { document, takeOwnership } = request as {
    document: ReturnType<typeof parseDocument>;
    takeOwnership: boolean;
  };
  expect(withoutPositions(document)).toEqual(withoutPositions(parseDocument(lines)));
  expect(document.entries[0]?.at).toBe(`${file}:3:9`);
  expect(takeOwnership).toBe(true);
});

test('an expired entry is a warning of a plan on standard error, in its JSON and in its Markdown', async () => {
  const warnings = [
    'policy.yml:3:5: the entry of account 222222222222 at payments expired on 2026-01-31, so it allows nothing',
  ];
  expect(await play('plan', { warnings })).toMatchObject({ code: 0, stderr: `warning: ${warnings}\n` });
  expect(JSON.parse((await play('plan --json', { warnings })).stdout)).toMatchObject({ warnings });
  expect((await play('plan --markdown', { warnings })).stdout).toContain(
    `<summary>Warnings</summary>\n\n\`\`\`text\n# Warnings\n  ${warnings}\n`,
  );
});

test('`plan` and `apply` send --allow-removals', async () => {
  for (const command of ['plan --allow-removals', 'apply --allow-removals --yes', 'plan'])
    await play(command);
  const sent = aws.apiRequests.filter(({ path }) => path.endsWith('/plans')).map(({ body }) => body);
  expect(sent).toMatchObject([{ allowRemovals: true }, { allowRemovals: true }, {}]);
  expect(sent.at(-1)).not.toHaveProperty('allowRemovals');
});

test.each([
  ['plan', 409, 'TooManyRemovals', {}, ''],
  ['apply --yes', 409, 'TooManyRemovals', {}, ''],
  [
    'plan',
    400,
    'InvalidPolicy',
    { problems: [{ at: `${file}:2:12`, message: 'no service `payments` is registered' }] },
    `\n${file}:2:12: no service \`payments\` is registered`,
  ],
])('`%s` fails if the API refuses the policy: %i %s', async (command, status, code, details, problems) => {
  aws.respond = () => ({ status, body: errorBody(code, 'it cannot be applied', details) });
  expect(await runCli(`${command} -f ${file}`, aws)).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: it cannot be applied${problems}\n`,
  });
});

test('`plan --json` and `apply --json` print one document', async () => {
  expect(JSON.parse((await play('plan --json')).stdout)).toEqual({ ...report, warnings: [] });
  const { stdout } = await play('apply --yes --json', { apply: [{ body: { apply: done } }] });
  expect(JSON.parse(stdout)).toEqual({ ...report, warnings: [], apply: done });
});

test('an added service is printed with its id, and with its name once', async () => {
  const added = { ...service, action: 'add', name: 'orders', after: { name: 'orders', onUnlisted: 'ask' } };
  expect((await play('plan', { changes: [added], effects: [] })).stdout).toContain(
    `Services\n  + orders (${serviceId})\n      onUnlisted: ask\n\n`,
  );
});

test('a plan prints observed principals without a manager', async () => {
  const observed = { ...principal, action: 'unmanaged', name: '*', note: 'everyone; EC2 has it' };
  expect((await play('plan', { changes: [observed], effects: [] })).stdout).toMatch(
    /\n\nOnly reported: how the allowed principals in AWS differ .*\n {4}\* at payments\n {6}everyone; EC2 has it\n/,
  );
});

test('`plan --exit-code` exits with 3 if there are changes, and with 0 otherwise', async () => {
  expect(await play('plan --exit-code')).toMatchObject({ code: 3, stderr: '' });
  const unchanged = { ...emptyPlan, plan: { summary: { ...nothing, unmanaged: 2 } } };
  expect(await play('plan --exit-code', unchanged)).toEqual({
    code: 0,
    stderr: '',
    stdout: `${head}\n\nPlan: nothing to change; connections: nothing changes for them\n`,
  });
});

test('`plan --markdown` prints a comment for a pull request, with notes and names escaped', async () => {
  const { stdout } = await play('plan --markdown');
  expect(stdout).toContain(
    `### linkgate: what this would change at \`local\`\n\n\`${head}\`\n\n**Plan: 1 to add`,
  );
  expect(stdout).toContain(`\`\`\`diff\n# Services\n! payments (${serviceId})\n      grace: 3d → 1d\n`);
  expect(stdout).toContain("      note: left ''' us\n");
});

test('the Markdown of a large plan fits into a comment', async () => {
  const many = Array.from({ length: 3_000 }, (_, index) => ({ ...changes[0], name: String(index) }));
  aws.answer({
    'POST /plans': { plan: report.plan },
    'GET /plans/p1/changes': { changes: many },
    'GET /plans/p1/impact': { effects, looked: 2 },
  });
  const { stdout } = await runCli(`plan --markdown -f ${file}`, aws);
  expect(stdout.length).toBeLessThan(65_536);
  expect(stdout).toMatch(/… and \d+ more lines: `linkgate plan` shows them all\n```/);
  expect(stdout).toContain('vpce-0aaaaaaaaaaaaaaa1');
});

const unfinished = { by, at: '2031-05-01T11:00:00.000Z', done: 3, of: 9 };

test.each([
  [
    { running: { ...unfinished, leaseUntil: '2031-05-01T11:00:40.000Z' } },
    /\n\nAn apply by alice runs since 2031-05-01 11:00:00 UTC; 3 of its 9 changes are made\..* after 2031-05-01 11:00:40 UTC\.\n/,
  ],
  [
    { interrupted: unfinished },
    /\n\nAn apply by alice that began on 2031-05-01 11:00:00 UTC broke off when 3 of its 9 changes were made\./,
  ],
])('a plan starts with an unfinished apply: %j', async (state, text) => {
  expect((await play('plan', { plan: { summary, ...state } })).stdout).toMatch(text);
});

test.each(['plan', 'apply --yes', 'simulate'])(
  '`%s` of an invalid file prints the position of the problem without an API call',
  async (name) => {
    expect(await runCli(`${name} -f ${broken}`, aws)).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: one thing is wrong with the policy, and nothing was sent:\n${broken}:2:1: this has to be a list, and is a map\n`,
    });
    expect(aws.apiRequests).toEqual([]);
  },
);

test('`apply` prints the plan, applies it call by call, and prints its progress', async () => {
  const warnings = ['payments could not be tagged'];
  const { code, stdout, stderr } = await play('apply --yes', {
    apply: [{ body: { apply: { status: 'running', done: 2, of: 4 }, warnings } }, { body: { apply: done } }],
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^\S+ at the stage local, .*\n\nServices\n[\s\S]*Plan: 1 to add[\s\S]*\ndone: 4 of 4 changes are made\n$/,
  );
  expect(stderr).toBe('warning: payments could not be tagged\n');
  expect(requests().slice(-2)).toEqual(['POST /plans/p1/apply', 'POST /plans/p1/apply']);
});

test.each([
  ['apply', { isTTY: true, stdin: ['n'] }, 1, 'Apply it? [y/N]'],
  ['apply --json', {}, 2, 'error: nobody can be asked here, so nothing was done: say --yes\n'],
])('`%s` changes nothing without a confirmation', async (command, terminal, code, message) => {
  const warnings = ['an entry has expired'];
  const output = await play(command, { warnings }, terminal);
  expect(output).toMatchObject({ code, stderr: expect.stringMatching(/^warning: an entry has expired\n/) });
  expect(output.stderr).toContain(message);
  expect(requests()).not.toContain('POST /plans/p1/apply');
});

test('`apply` changes the table after a confirmation', async () => {
  const answers = { apply: [{ body: { apply: done } }] };
  expect(await play('apply', answers, { isTTY: true, stdin: ['y'] })).toMatchObject({ code: 0 });
});

test('`apply` of a plan without changes asks for no confirmation and is not sent, unless an interrupted apply has to finish', async () => {
  expect(await play('apply', emptyPlan)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/no changes\n$/),
  });
  const plan = { summary: nothing, interrupted: unfinished };
  const answers = { ...emptyPlan, plan, apply: [{ body: { apply: { status: 'done', done: 0, of: 0 } } }] };
  expect(await play('apply --yes', answers)).toMatchObject({ code: 0 });
  expect(requests()).toContain('POST /plans/p1/apply');
});

test('`apply` fails if the policy changed after the plan', async () => {
  const message = 'account 222222222222 at payments changed since: plan again';
  const output = await play('apply --yes', {
    apply: [{ status: 409, body: errorBody('StalePlan', message) }],
  });
  expect(output).toMatchObject({ code: 1, stderr: expect.stringContaining(`error: ${message}\n`) });
});

test('`simulate` lists the recorded requests with another verdict, and on standard error the objects with another manager', async () => {
  const request = {
    ...live,
    requestedAt: '2031-04-01T10:00:00.000Z',
    was: 'ask',
    would: 'accept',
    reason: 'account 444444444444 is allowed at payments',
  };
  const earlier = { ...request, requestedAt: '2031-03-01T10:00:00.000Z' };
  expect(await play('simulate', { requests: [request] })).toEqual({
    code: 0,
    stdout: `vpce-0aaaaaaaaaaaaaaa1 of 444444444444 at payments, asked on 2031-04-01 10:00:00 UTC
    was ask, would be accept: account 444444444444 is allowed at payments

one request of the last 90 days: 1 would have been decided otherwise
`,
    stderr: `Managed by somebody else, and simulated as they are, not as the file has them:
    Approvers: team (a person, alice)
    Allowlist: 555555555555 at payments (another system)

`,
  });
  expect(JSON.parse((await play('simulate --json', { requests: [request, earlier] })).stdout)).toEqual({
    changes,
    requests: [earlier, request],
    looked: 2,
  });
  expect((await play('simulate', { changes: [] })).stdout).toBe(
    'one request of the last 90 days: each would have been decided as it was\n',
  );
});

test('`schema` prints the schema without a deployment', async () => {
  aws.parameters = {};
  const { code, stdout } = await runCli('schema', aws);
  aws.parameters = { '/linkgate/local/api-url': `${aws.url}/api/` };
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ title: 'linkgate policy', properties: { allow: {} } });
});

const orders = { serviceId: 'vpce-svc-0123456789abcdef1', name: 'orders', managedBy: 'person' };
const policy = {
  groups: [{ name: 'default', quorum: 1, slackUsers: [], emails: [], managedBy: 'person' }],
  services: [{ serviceId, name: 'payments', approvers: 'default', managedBy: 'file' }, orders],
  customers: [{ name: 'acme', accounts: ['222222222222'], managedBy: 'file' }],
  entries: [],
};
const entries = [
  { service: 'payments', accountId: '222222222222', effect: 'allow', customer: 'acme', managedBy: 'file' },
  { service: 'orders', accountId: '333333333333', effect: 'block', managedBy: 'api' },
];

/** Makes the API respond with a policy whose entries are on the second page. */
function answerPolicy() {
  aws.answer({
    'GET /policy': { document: policy, nextToken: 'next' },
    'GET /policy?nextToken=next': { document: { groups: [], services: [], customers: [], entries } },
  });
}

test('`export` prints the policy as a file', async () => {
  answerPolicy();
  const { stdout } = await runCli('export', aws);
  expect(readBack(stdout)).toMatchObject({
    services: [{ serviceId, name: 'payments' }, { name: 'orders' }],
    entries: [
      { service: serviceId, accountId: '222222222222', customer: 'acme' },
      { service: orders.serviceId, accountId: '333333333333', effect: 'block' },
    ],
  });
});

const oddNotes = [
  '',
  ' ',
  '\n',
  'left us\n',
  'left us\n\n\n',
  '\n left',
  ' \n',
  '  \n left',
  'no',
  '1e3',
  'null',
];
const oddCharacters = ' \t\n\r#:-\'"`|>\\{}[]!&*?%@,~é漢🙂\u00a0\u0085\u2028\ufeff';
const notes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...oddCharacters), maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('word ', 'a: b ', '\n\n', ' #', '---\n'), maxLength: 300 }),
  fc.constantFrom(...oddNotes, '0x1F', '012', '---', '...'),
);

test('`export` prints every note so that it parses to the same text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(notes, { minLength: 1, maxLength: 4 }), async (all) => {
      const noted = all.map((note, index) => ({
        service: 'orders',
        accountId: String(222_222_222_222 + index),
        effect: 'block',
        note,
        managedBy: 'file',
      }));
      aws.respond = () => ({ body: { document: { ...policy, entries: noted } } });
      const { stdout } = await runCli('export', aws);
      const listNotes = (entries: readonly { accountId: string; note?: string }[]) =>
        entries.map(({ accountId, note }) => [accountId, note]).sort();
      expect(listNotes(readBack(stdout).entries)).toEqual(listNotes(noted));
    }),
    { numRuns: 60 },
  );
});

test('`export --service` prints only that service, its entries, and the customers and groups that they reference', async () => {
  answerPolicy();
  const { stdout } = await runCli('export --service orders', aws);
  expect(stdout).toContain("  - account: '333333333333'\n    services: orders\n");
  expect(stdout).not.toMatch(/payments|acme/);
  expect(await runCli('export --service invoices', aws)).toMatchObject({
    code: 1,
    stderr: 'error: no service `invoices` is registered; see `linkgate service list`\n',
  });
});

test('`export` fails for a setting of a newer version, because an apply of the file would remove it', async () => {
  aws.respond = () => ({
    body: { document: { ...policy, entries: [{ ...entries[0], weekdays: ['Mon'] }] } },
  });
  expect(await runCli('export', aws)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('are both of one version?'),
  });
});

test('`export --from-connections` prints a file that allows exactly the connected endpoints', async () => {
  const connected = [
    { ...connection, state: 'available', verdict: null, decidedBy: null, reason: null },
    {
      ...connection,
      endpointId: 'vpce-0bbbbbbbbbbbbbbb2',
      state: 'pending',
      verdict: 'accept',
      decidedBy: 'linkgate',
    },
    { ...connection, endpointId: 'vpce-0cccccccccccccc3', state: 'rejected' },
  ];
  aws.respond = ({ path }) => ({
    body: path.includes('/connections')
      ? { connections: connected }
      : { service: { serviceId, name: 'payments', onUnlisted: 'ask', approvers: 'default' } },
  });
  expect(
    (await runCli('export --from-connections payments', aws)).stdout,
  ).toBe(`# yaml-language-server: $schema=policy.schema.json
# \`linkgate schema\` prints that schema.

version: 1
services:
  payments: {}
allow:
  - account: '444444444444'
    services: payments
    endpoints:
      - vpce-0aaaaaaaaaaaaaaa1 # asked on 2031-05-01, available, accepted outside linkgate
      - vpce-0bbbbbbbbbbbbbbb2 # asked on 2031-05-01, pending, accepted by linkgate
    note: was connected on 2031-05-01, when \`linkgate export --from-connections\` looked
`);
});
