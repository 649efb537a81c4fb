import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { writePolicyFile } from '../../cli/policy-file/write-policy-file.ts';
import { connection, endpointId, entry, explanation, service, serviceId } from './answers.ts';
import { parseDocument, writeFolder } from './policy-file/files.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const attack =
  "\u001b[31mred\u001b]0;title\u0007\r\b\u009b2J\u202eevil\u2066\u200b\u200d\ufeff\u007f\u0000\u2028\u2029\u0085\u{e0041}\t\nerror: forged\nlinkgate allow 666666666666 --service '*'";
const escapedAttack = String.raw`\u{1b}[31mred\u{1b}]0;title\u{7}\u{d}\u{8}\u{9b}2J\u{202e}evil\u{2066}\u{200b}\u{200d}\u{feff}\u{7f}\u{0}\u{2028}\u{2029}\u{85}\u{e0041}\t\nerror: forged\nlinkgate`;
const unsafe = /[^\n\P{C}]|[\p{Zl}\p{Zp}]/u;

/** Fields that neither a person nor a consumer can write: enumerations, and page tokens. */
const fixed = new Set([
  'effect',
  'decision',
  'status',
  'kind',
  'action',
  'state',
  'verdict',
  'outcome',
  'nextToken',
  'planId',
  'jobId',
  'serviceId',
  'endpointId',
  'mode',
  'managedBy',
  // linkgate itself writes this text, in several lines.
  'remedy',
]);

/** Adds the attack to each text that can come from outside. */
function injectAttack(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    return fixed.has(name) || name.endsWith('At') || name === 'at' || name === 'time'
      ? value
      : value + attack;
  if (Array.isArray(value)) return value.map((each) => injectAttack(each, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, injectAttack(inner, key)]));
}

function injectIntoNotes(value: object): unknown {
  return JSON.parse(JSON.stringify(value), (name, inner) => (name === 'note' ? `${inner}${attack}` : inner));
}

const by = 'arn:aws:iam::111111111111:user/alice';
const at = '2031-05-01T12:00:00.000Z';
const warnings = ['connections that live stay as they are'];
const live = {
  ...connection,
  state: 'available',
  verdict: 'reject',
  disconnectAt: at,
  differs: 'it lives',
  decidedBy: by,
};
const decision = { endpointId, decision: 'deny', by, at, reason: 'no', verdict: 'hold', state: 'available' };
const revocation = {
  endpointId,
  ownerAccountId: '444444444444',
  verdict: 'reject',
  reason: 'deleted',
  since: at,
  disconnectAt: '2031-06-01T12:00:00.000Z',
};
const paused = { ...service, pausedAt: at, pausedBy: by, pauseReason: 'incident', otherPrincipals: ['arn'] };
const group = {
  name: 'ops',
  quorum: 1,
  slackChannel: 'C01OPS',
  slackUsers: [{ team: 'T01', user: 'U01' }],
  emails: ['a@b.c'],
  escalateTo: 'managers',
};
const customer = {
  name: 'acme',
  accounts: ['222222222222'],
  contact: { email: 'a@b.c' },
  owners: [by],
  delivery: { status: 'failed', detail: 'bounced' },
};
const plan = {
  planId: 'p1',
  stage: 'local',
  accountId: '111111111111',
  region: 'us-east-1',
  summary: { add: 1, change: 0, remove: 0, conflicts: 1, unmanaged: 0 },
  interrupted: { by, at, done: 1, of: 2 },
};
const changes = [
  {
    kind: 'entry',
    action: 'add',
    name: '222222222222',
    service: 'payments',
    after: { effect: 'allow', note: 'a customer', owners: [by] },
    note: 'see',
  },
  {
    kind: 'group',
    action: 'conflict',
    name: 'team',
    before: { quorum: 1 },
    after: { quorum: 2 },
    managedBy: 'person',
    changedBy: by,
  },
];
const effects = [
  {
    effect: 'disconnect',
    endpointId,
    service: 'payments',
    ownerAccountId: '222222222222',
    state: 'available',
    reason: 'blocked',
    at,
  },
];
const requests = [
  {
    endpointId,
    service: 'payments',
    ownerAccountId: '222222222222',
    requestedAt: at,
    was: 'ask',
    would: 'accept',
    reason: 'allowed',
  },
];
const check = {
  group: 'Services',
  name: 'drift',
  subject: 'payments',
  status: 'failed',
  detail: 'not in order',
  remedy: 'do this:',
};
const explanationWithHistory = {
  ...explanation,
  history: [
    ...explanation.history,
    { time: at, actor: by, action: 'extended', disconnectAt: at, reason: 'moving', ticket: 'OPS-1' },
    { time: at, actor: by, action: 'made-up', reason: 'why' },
  ],
};

const policy = join(writeFolder({ 'policy.yml': 'version: 1\nservices: {payments: {}}\n' }), 'policy.yml');

const answers: Readonly<Record<string, object>> = {
  'POST /setup': { done: ['the group default is there'] },
  'POST /services': { service, warnings },
  'GET /services': { services: [paused] },
  'GET /services?unregistered=true': {
    services: [
      { serviceId, name: 'payments', region: 'eu-west-1', acceptanceRequired: true, state: 'Available' },
    ],
  },
  'GET /services/payments': { service: paused },
  'DELETE /services/payments': { service, warnings },
  'POST /services/payments/pause': { service: paused },
  'POST /services/payments/resume': { service, disconnects: [], warnings },
  'PUT /allowlist/payments/012345678901': { entry, disconnects: [], warnings },
  'PUT /allowlist/*/012345678901': { entry, disconnects: [], warnings },
  'DELETE /allowlist/payments/012345678901': { entry, disconnects: [], warnings },
  'GET /allowlist': { entries: [{ ...entry, owners: [by], customer: 'acme', roles: ['arn'] }] },
  'GET /connections': { connections: [live] },
  [`GET /connections/${endpointId}`]: explanationWithHistory,
  [`POST /connections/${endpointId}/decision`]: { decision, warnings },
  [`POST /connections/${endpointId}/revocation`]: { revocation, warnings },
  [`POST /connections/${endpointId}/extend`]: { revocation, warnings },
  'GET /mode': { mode: 'observe', since: at, by, reason: 'incident' },
  'PUT /mode': { mode: 'observe', since: at, by, reason: 'incident', warnings },
  'GET /approvers': { groups: [group] },
  'GET /approvers/ops': { group },
  'PUT /approvers/ops': { group, warnings },
  'DELETE /approvers/ops': { group, warnings },
  'GET /customers': { customers: [customer] },
  'GET /customers/acme': { customer },
  'PUT /customers/acme': { customer, warnings },
  'DELETE /customers/acme': { customer, warnings },
  'POST /plans': { plan },
  'GET /plans/p1/changes': { changes },
  'GET /plans/p1/impact': { effects, looked: 1 },
  'GET /plans/p1/simulation': { requests, looked: 1 },
  'POST /plans/p1/apply': { apply: { status: 'done', done: 2, of: 2 }, warnings },
  'GET /policy': {
    document: {
      groups: [],
      services: [{ name: 'payments', serviceId }],
      customers: [],
      entries: [{ service: 'payments', accountId: '222222222222', effect: 'allow', note: 'a customer' }],
    },
  },
  'POST /sweeps': { job: { jobId: 'j1', status: 'succeeded', result: { described: 1 } } },
  'GET /slack/manifest': { manifest: { display_information: { name: 'linkgate' } } },
  'PUT /slack': { team: 'acme', bot: 'linkgate', scopes: ['chat:write'], warnings },
  'GET /audit/verification': { verified: 1, broken: [{ endpointId, sequence: 1, problem: 'changed' }] },
  'DELETE /items': { item: { pk: 'SERVICE', sk: serviceId }, warnings },
  'GET /doctor': { checks: [check] },
};

/** At least one line for each command. */
const lines = [
  'setup',
  `service add ${serviceId}`,
  'service list',
  'service list --unregistered',
  'service show payments',
  'service remove payments',
  'allow 012345678901 --service payments',
  'block 012345678901 --service *',
  'allowlist remove 012345678901 --service payments',
  'allowlist list',
  'allowlist show 012345678901',
  'connections',
  `explain ${endpointId}`,
  `approve ${endpointId}`,
  `deny ${endpointId} --reason no`,
  `revoke ${endpointId}`,
  `extend ${endpointId} --until 30d --reason moving`,
  'lockdown 012345678901 --yes --wait 1',
  `plan -f ${policy}`,
  `plan --markdown -f ${policy}`,
  `apply --yes -f ${policy}`,
  `simulate -f ${policy}`,
  'schema',
  'export',
  'export --from-connections payments',
  'sweep connections',
  'mode',
  'mode observe --reason incident',
  'pause payments --reason incident',
  'resume payments --yes',
  'approvers list',
  'approvers show ops',
  'approvers remove ops',
  'approvers set ops --email a@example.com',
  'customer list',
  'customer show acme',
  'customer set acme --account 222222222222',
  'customer remove acme',
  'slack manifest',
  'slack connect',
  'audit verify',
  `item remove SERVICE ${serviceId}`,
  'doctor',
] as const;

/** The lines whose output has no text from outside. */
const silent = new Set([
  'schema',
  'allowlist remove 012345678901 --service payments',
  'approvers remove ops',
  'customer remove acme',
  'sweep connections',
]);

function isYaml(line: string): boolean {
  return line.startsWith('export');
}

function respondWithAttack() {
  aws.respond = ({ method, path }) => {
    const request = `${method} ${decodeURIComponent(path.replace('/api', ''))}`;
    const answer = answers[request] ?? answers[request.replace(/\?.*/, '')];
    // The client parses a policy by its schema, in which only a note is free text.
    return answer && { body: request === 'GET /policy' ? injectIntoNotes(answer) : injectAttack(answer) };
  };
}

const stdin = ['0123456789abcdef0123456789abcdef'];

describe.each(lines)('`linkgate %s`', (line) => {
  test('escapes control characters, and prints no forged line', async () => {
    respondWithAttack();
    const { stdout, stderr } = await runCli(line, aws, { stdin, columns: 2_000 });
    const text = stdout + stderr;
    expect(unsafe.exec(text)).toBeNull();
    expect(text.split('\n').filter((each) => /^\W*(error: forged|linkgate allow 666)/.test(each))).toEqual(
      [],
    );
    if (silent.has(line)) return;
    expect(text.replaceAll(/\s+/g, '')).toContain(
      (isYaml(line)
        ? String.raw`\e[31mred`
        : line === 'slack manifest'
          ? String.raw`\u001b[31mred`
          : escapedAttack
      ).replaceAll(/\s+/g, ''),
    );
  });

  test('prints no colours in a terminal but its own', async () => {
    respondWithAttack();
    const { stdout, stderr } = await runCli(line, aws, { stdin, columns: 2_000, isTTY: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    const text = (stdout + stderr).replaceAll(/\u001b\[\d+m/g, '');
    expect(unsafe.exec(text)).toBeNull();
    if (!silent.has(line) && !isYaml(line) && line !== 'slack manifest')
      expect(text).toContain(String.raw`\u{1b}[31mred`);
  });

  test('escapes control characters with --json without changing the value', async () => {
    if (line === 'schema') return;
    respondWithAttack();
    const { stdout } = await runCli(`${line} --json`, aws, { stdin });
    expect(unsafe.exec(stdout)).toBeNull();
    const document = JSON.stringify(JSON.parse(stdout));
    if (line !== 'sweep connections') expect(document).toContain(JSON.stringify(attack).slice(1, -1));
  });
});

test('every command is in the table of this test', async () => {
  const listCommands = async (path: string): Promise<string[]> => {
    const { stdout } = await runCli(`${path} --help`.trim(), aws);
    const [, commands = ''] = stdout.split('\nCommands:\n');
    const names = [...commands.matchAll(/^ {2}(\w[\w-]*)/gm)].flatMap(([, name]) =>
      name && name !== 'help' ? [name] : [],
    );
    if (names.length === 0) return [path];
    return (await Promise.all(names.map((name) => listCommands(`${path} ${name}`.trim())))).flat();
  };
  const missing = (await listCommands('')).filter(
    (path) => !lines.some((line) => `${line} `.startsWith(`${path} `)),
  );
  expect(missing).toEqual([]);
});

test('no file of the command line writes to a terminal without escaping', () => {
  const cli = fileURLToPath(new URL('../../cli/', import.meta.url));
  const writing = readdirSync(cli, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'process-io.ts')
    .filter((file) =>
      /\bconsole\.|\bprocess\.std(out|err)|\bprocessIo\.std/.test(readFileSync(join(cli, file), 'utf8')),
    );
  expect(writing).toEqual([]);
});

describe('hostile text', () => {
  test('in an error of the API is escaped', async () => {
    const details = {
      by: `bob${attack}`,
      at,
      decision: 'deny',
      problems: [{ at: `policy.yml:1:1${attack}`, message: `no${attack}` }],
    };
    aws.respond = () => ({ status: 409, body: errorBody('NotOpen', `too late${attack}`, details) });
    const { stderr, code } = await runCli(`approve ${endpointId}`, aws);
    expect(code).toBe(1);
    expect(unsafe.exec(stderr)).toBeNull();
    expect(stderr).toContain(`too late${escapedAttack}`);
    expect(stderr).toContain(`no${escapedAttack}`);
  });

  test('in a problem of a policy file is escaped', async () => {
    const yaml = `version: 1\n"a${'\\e[31m\\u202E\\r\\n'}b": 1\nservices: {payments: {approvers: "\\e\\nerror: forged"}}\n`;
    const file = join(writeFolder({ 'policy.yml': yaml }), 'policy.yml');
    const { stderr } = await runCli(`plan -f ${file}`, aws);
    expect(unsafe.exec(stderr)).toBeNull();
    expect(stderr).not.toMatch(/^error: forged/m);
    expect(stderr).toContain(String.raw`a\u{1b}[31m\u{202e}\u{d}\nb`);
  });

  test('in an argument is escaped in the output and sent unchanged', async () => {
    aws.respond = ({ method }) => (method === 'PUT' ? { body: { entry } } : { body: { services: [] } });
    await runCli(['allow', '012345678901', '--service', 'payments', '--note', attack], aws);
    expect(aws.apiRequests.at(-1)?.body).toMatchObject({ note: attack });
    const { stderr } = await runCli([`explain${attack}`], aws);
    expect(unsafe.exec(stderr)).toBeNull();
    expect(stderr).toContain(escapedAttack);
  });

  test('in a note is exported with escapes that parse to the same note', () => {
    for (const note of [attack, 'one\ntwo', 'tab\there', '\u{e0041}', '\ufdd0n', '\u0085', 'a\r\nb']) {
      const noted = { service: serviceId, accountId: '222222222222', effect: 'allow' as const, note };
      const text = writePolicyFile({
        groups: [],
        services: [{ serviceId, managedBy: 'file' }],
        customers: [],
        entries: [{ ...noted, managedBy: 'file' }],
      });
      expect(unsafe.exec(text)).toBeNull();
      expect(parse(text).allow[0].note).toBe(note);
      expect(parseDocument(text.replace('version: 1\n', '')).entries).toMatchObject([{ note }]);
    }
  });

  test('in a note is escaped in the Markdown of a plan', async () => {
    const note = '\n```\n# Approved\n[click](https://evil.example) <img src=x> ![i](x) </details>';
    aws.respond = ({ method, path }) => {
      const answer = answers[`${method} ${path.replace('/api', '')}`];
      return (
        answer && {
          body: JSON.parse(
            JSON.stringify(answer)
              .replaceAll('"a customer"', JSON.stringify(note))
              .replaceAll(by, `x/@octocat${note.replaceAll('\n', '\\n')}`),
          ),
        }
      );
    };
    const { stdout } = await runCli(`plan --markdown -f ${policy}`, aws);
    const outside = stdout.replaceAll(/^```\w*\n.*?\n```$/gms, '');
    expect(outside).not.toMatch(/Approved|click|img|octocat/);
  });
});
