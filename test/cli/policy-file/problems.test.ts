import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { headerSchema, sections } from '../../../cli/policy-file/file-schema.ts';
import { readPolicyFile } from '../../../cli/policy-file/read-policy-file.ts';
import { serviceNameFormat } from '../../../lib/services/service.ts';
import { parseProblems, writeFolder } from './files.ts';

const serviceId = 'vpce-svc-0123456789abcdef0';

const unquoted = 'an account id without quotes is a number in YAML, which loses leading zeros';
const acme = "customers: {acme: {accounts: ['222222222222']}}\n";
const allow = (fields: string) => `allow: [{account: '222222222222', services: '*', ${fields}}]`;
const block = (fields: string) => `block: [{account: '222222222222', services: '*', ${fields}}]`;

/** Lines below the version, and their problems. */
test.each<[lines: string, ...problems: string[]]>([
  [
    'customers: {acme: {accounts: [222222222222, 012345678901, 0x33D6AC0E5, 1.2e11, 0o17]}}',
    `2:31: ${unquoted}: write '222222222222'`,
    `2:45: ${unquoted}: write '012345678901'`,
    ...['2:59 0x33D6AC0E5', '2:72 1.2e11', '2:80 0o17'].map((at) =>
      at.replace(' ', `: ${unquoted}, and \``).concat('` is not its 12 digits: write these in quotes'),
    ),
  ],
  [
    'environments: [prod]\nservices: {a: {account: &mine 012345670123, environments: {prod: {account: *mine}}}}',
    `3:31: ${unquoted}: write '012345670123'`,
    `3:67: ${unquoted}: write '012345670123'`,
  ],
  ["block: [{account: 222_222_222_222, services: '*'}]", '2:19: an account id has 12 digits'],
  ["block: [{account: '1', services: '*'}]", '2:19: an account id has 12 digits'],
  [
    'services: {payments: {aprovers: default}}',
    '2:23: there is no field `aprovers` here; did you mean `approvers`?',
  ],
  ['customer: {}', '2:1: there is no field `customer` here; did you mean `customers`?'],
  ['services: {payments: {approvers: }}', '2:23: this has to be a text, and is nothing'],
  [
    'services: {payments: {onUnlisted: accept}}',
    '2:35: this has to be `ask` or `hold` or `reject`, and is `accept`',
  ],
  ['allow: {}', '2:1: this has to be a list, and is a map'],
  ['services: [{onUnlisted: ask}]', '2:1: this has to be a map, and is a list'],
  ['allow: [acme]', '2:9: this has to be a map, and is `acme`'],
  ["allow: [{services: '*'}]", '2:9: say whom: a `customer` or an `account`'],
  ["block:\n  - account: '222222222222'", '3:5: `services` is missing'],
  [
    allow('expires: 30d'),
    '2:59: `30d` from now would be another day at each plan: write a date such as 2027-01-31',
  ],
  [allow('expires: 2027-02-30'), '2:59: there is no day 2027-02-30'],
  ['services: {payments: {deadline: 3}}', '2:33: write a time such as 7d or 36h'],
  [
    'services: {payments: {grace: 30m}}',
    '2:30: a grace period is at least an hour: to disconnect at once, block the account or revoke the connection',
  ],
  [allow('maxEndpoints: 0'), '2:64: at least 1: block the account to allow none'],
  [allow('endpoints: []'), '2:50: a list names at least one: leave it out for none'],
  [block('maxEndpoints: 2'), '2:50: there is no field `maxEndpoints` here'],
  [
    "services: {payments: {}}\nallow: [{account: '222222222222', services: [payments, payment]}]",
    '3:56: there is no service `payment` in the file; did you mean `payments`?',
  ],
  [
    `${acme}block: [{customer: amce, services: '*'}]`,
    '3:20: there is no customer `amce` in the file; did you mean `acme`?',
  ],
  [
    'services: {payments: {approvers: teem}}\napprovers: {team: {emails: [a@example.com], escalateTo: boss}}',
    '2:34: there is no approver group `teem` in the file; did you mean `team`?',
    '3:57: there is no approver group `boss` in the file',
  ],
  [
    'approvers:\n  team: {emails: [a@example.com], quorum: 2}\n  nobody: {slack: {channel: C0123}}',
    '3:3: the group team could never approve: its quorum is 2, and it has 1',
    '4:3: the group nobody has no members: add a Slack user or an email address',
  ],
  [
    'approvers: {team: {emails: [a@example.com], escalateTo: team}}',
    '2:57: the group team cannot escalate to itself',
  ],
  [
    `services:\n  payments: {id: ${serviceId}}\n  orders: {id: ${serviceId}}`,
    `4:16: \`${serviceId}\` has another name already: policy.yml:3:3`,
  ],
  [
    `services: {${serviceId}: {id: vpce-svc-0123456789abcdef1}}`,
    `2:45: its name is the id of another service: \`${serviceId}\``,
  ],
  ...['my service', 'vpce-payments', "'*'", '..'].map((name): [string, string] => [
    `services: {${name}: {}}`,
    `2:12: ${serviceNameFormat}`,
  ]),
  ['customers: {acme: {}}', '2:13: customer `acme` has no `accounts`'],
  [
    "customers: {acme: {accounts: ['222222222222']}, beta: {accounts: ['222222222222']}}",
    "2:67: account 222222222222 is `acme`'s already",
  ],
  [
    "customers: {acme: {accounts: ['222222222222'], contact: {}}}",
    '2:48: a contact is an `email` or a `topic`, one of them',
  ],
  [
    `${allow('maxEndpoints: 1')}\nblock: [{account: '222222222222', services: '*'}]`,
    '3:9: account 222222222222 has an entry at every service already: policy.yml:2:9',
  ],
  [
    `${acme}block: [{customer: acme, account: '333333333333', services: '*'}]`,
    '3:35: account 333333333333 is not among the `accounts` of `acme`',
  ],
  [
    `${acme.replace(']', ", '333333333333']")}allow: [{customer: acme, services: '*', endpoints: [vpce-0123456789abcdef0]}]`,
    '3:41: an endpoint is of one account, and this customer has several: say which, by `account`',
  ],
  [
    allow("roles: ['arn:aws:iam::333333333333:role/a']"),
    '2:50: `roles` names none of account 222222222222, so that none of it could connect',
    '2:58: this role is of another account than the entry',
  ],
  ['allow: []\nallow: []', '3:1: this key is here already'],
  ['allow: [*usual]', '2:9: there is no `&usual` before this'],
  [allow('<<: usual'), '2:50: `<<` takes a map, or a list of maps'],
  ['allow: []\n---\nallow: []', '3:1: a policy file holds one document, and line 3 begins a second one'],
  [
    'environments: [prod]\nservices: {a: {environments: {prod: {grase: 1d}}}}',
    '3:38: there is no field `grase` here; did you mean `grace`?',
  ],
  [
    'environments: [prod]\napprovers: {team: {emails: [a@example.com]}}\nservices: {a: {environments: {prod: {approvers: taem}}}}',
    '4:49: there is no approver group `taem` in the file; did you mean `team`?',
  ],
  // A name that is unreadable is no missing name.
  [
    "customer: {acme: {}}\nblock: [{customer: acme, services: '*'}]",
    '2:1: there is no field `customer` here; did you mean `customers`?',
  ],
  [
    "services: {payments: {grace: 5}}\nallow: [{account: '222222222222', services: payments}]",
    '2:30: write a time such as 7d or 36h',
  ],
])('`%s` has the problem %s', (lines, ...problems) => {
  expect(parseProblems(`version: 1\n${lines}`)).toEqual(problems);
});

test('an unknown tag is a problem', () => {
  expect(parseProblems('version: 1\nallow: !!map []')).toEqual([expect.stringMatching(/^2:8: /)]);
});

const shapes = ['', '[]', '{}', '[[]]', '[null]', '[{}]', "''", 'x', '1.5', '-1', '.nan', 'true', '{x: 1}'];
const fieldsIn: [section: string, entries: object, lines: (field: string) => string][] = [
  ...Object.entries(sections).map(([section, { part, ...named }]): (typeof fieldsIn)[number] => [
    section,
    part.entries,
    (field) => `${section}: ${'name' in named ? `{a: {${field}}}` : `[{${field}}]`}`,
  ]),
  ['the file', headerSchema, (field) => field],
];

test.each(fieldsIn)(
  'the problem of a field states the expected value, without JavaScript types: %s',
  (_section, entries, lines) => {
    for (const field of Object.keys(entries))
      for (const shape of shapes) {
        // An empty value is valid inside a flow map.
        const problems = parseProblems(`version: 1\n${lines(`${field}: ${shape}`)}`);
        for (const line of problems)
          expect(line).not.toMatch(
            /\b(Object|Array|undefined|NaN|null|unknown|string)\b|\/\^|has to be (,|(.+), and is \3$)/,
          );
      }
  },
);

test('a file is read as YAML 1.2, and another version directive is a problem', () => {
  const lines = "version: 1\nblock: [{account: '222222222222', services: '*', note: 'no'}]";
  expect(parseProblems(`%YAML 1.1\n---\n${lines}`)).toEqual([
    '1:1: a policy file is read as YAML 1.2: leave this line out',
  ]);
  expect(parseProblems(`%YAML 1.2\n---\n${lines}`)).toEqual([]);
});

test('all problems are reported together, in the order of lines', () => {
  const lines = parseProblems(`version: 1
services:
  payments: {grace: 5}
customers:
  acme: {accounts: [1]}
allow:
  - {customer: acme, services: payment}
  - {customer: beta, services: payments}
`);
  expect(lines.map((line) => line.replace(/: .*/, ''))).toEqual(['3:21', '5:21', '7:32', '8:16']);
});

test('references are checked in parts with other problems, and next to parts with an invalid shape', () => {
  expect(
    parseProblems(`version: 1
alow: []
services:
  payments: {grace: 5, approvers: foo}
customers:
  acme: {accounts: ['222222222222']}
allow:
  - {customer: amce, services: [paymnts], maxEndpoints: 0}
block: {}
`),
  ).toEqual([
    '2:1: there is no field `alow` here; did you mean `allow`?',
    '4:21: write a time such as 7d or 36h',
    '8:16: there is no customer `amce` in the file; did you mean `acme`?',
    '8:33: there is no service `paymnts` in the file; did you mean `payments`?',
    '8:57: at least 1: block the account to allow none',
    '9:1: this has to be a list, and is a map',
  ]);
});

test('a missing file, a folder or a binary file is a problem', () => {
  const folder = writeFolder({ 'policy.yml/inside.yml': '' });
  const [file, other, missing] = ['policy.yml', 'other.yml', 'missing.yml'].map((name) => join(folder, name));
  expect(() => readPolicyFile(`${file}`)).toThrow(`${file}:1:1: \`${file}\` is a folder, and no file`);
  writeFileSync(`${other}`, Buffer.from([0xff, 0xfe, 0x62]));
  expect(() => readPolicyFile(`${other}`)).toThrow(`\`${other}\` is not a text in UTF-8`);
  expect(() => readPolicyFile(`${missing}`)).toThrow(`there is no file ${missing}`);
});

test('a file without a supported version is a problem', () => {
  expect(parseProblems('allow: []')).toEqual(['1:1: a policy file begins with `version: 1`']);
  expect(parseProblems('')).toEqual(['1:1: a policy file begins with `version: 1`']);
  expect(parseProblems('version: 2')).toEqual(['1:10: this has to be 1, and is 2']);
});

test.each(['+02', '+0200', ''])('a date-time that ends in `%s` is a problem with the valid format', (end) => {
  const contract = (time: string) => acme.replace(']', `], contractEnds: '${time}'`);
  for (const time of [`2099-01-31T12:00:00${end}`, `2099-01-31 12:00:00${end}`])
    for (const lines of [allow(`expires: '${time}'`), contract(time)])
      expect(parseProblems(`version: 1\n${lines}`)).toEqual([
        expect.stringContaining('or a date-time such as 2027-01-31T12:00:00Z or 2027-01-31T12:00:00+02:00'),
      ]);
});

test.each(['9007199254740993', '1e300', '1.5', '0'])('an entry does not allow %s endpoints', (count) => {
  expect(parseProblems(`version: 1\n${allow(`maxEndpoints: ${count}`)}`)).toHaveLength(1);
});

test('the length of a note is counted in characters, not in UTF-16 code units', () => {
  const entry = (count: number) => `version: 1\n${allow(`note: ${'😀'.repeat(count)}`)}`;
  expect(parseProblems(entry(1000))).toEqual([]);
  expect(parseProblems(entry(1001))).toEqual([expect.stringContaining('Shorten it to 1,000 characters')]);
});

test('nested aliases are a problem before they fill the memory', () => {
  const levels = [...'bcdefghij'].map(
    (name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefghi'[index]}`)}]`,
  );
  expect(parseProblems(`version: 1\na: &a [x]\n${levels.join('\n')}`)).toEqual([
    expect.stringMatching(/^1:1: it cannot be read: .*alias/),
  ]);
});
