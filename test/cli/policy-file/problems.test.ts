import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { headerSchema, listSections, namedSections } from '../../../cli/policy-file/file-schema.ts';
import { readPolicyFile } from '../../../cli/policy-file/read-policy-file.ts';
import { serviceNameFormat } from '../../../lib/services/service.ts';
import { parseProblems, writeFolder } from './files.ts';

const serviceId = 'vpce-svc-0123456789abcdef0';

/** Lines below the version, and their problems. */
const wrong: readonly (readonly [what: string, lines: string, ...problems: string[]])[] = [
  [
    'an account id has no quotes',
    "customers:\n  acme: {accounts: ['222222222222', 222222222222, 012345678901]}",
    "3:37: an account id without quotes is a number in YAML, which loses leading zeros: write '222222222222'",
    "3:51: an account id without quotes is a number in YAML, which loses leading zeros: write '012345678901'",
  ],
  [
    'an account id is a number in another notation',
    'customers:\n  acme: {accounts: [0x33D6AC0E5, 1.2e11, 12345678901, 0o17, +222222222222]}',
    ...[
      ['3:21', '0x33D6AC0E5'],
      ['3:34', '1.2e11'],
      ['3:42', '12345678901'],
      ['3:55', '0o17'],
      ['3:61', '+222222222222'],
    ].map(
      ([at, letters]) =>
        `${at}: an account id without quotes is a number in YAML, which loses leading zeros, and \`${letters}\` is not its 12 digits: write these in quotes`,
    ),
  ],
  [
    'an account id is an alias of a number, or of an environment',
    'environments: [prod]\nservices: {a: {account: &mine 012345670123, environments: {prod: {account: *mine}}}}',
    ...['3:31', '3:67'].map(
      (at) =>
        `${at}: an account id without quotes is a number in YAML, which loses leading zeros: write '012345670123'`,
    ),
  ],
  [
    'an account id has underscores',
    "block: [{account: 222_222_222_222, services: '*'}]",
    '2:19: an account id has 12 digits',
  ],
  [
    'an account id is too short',
    "block: [{account: '1', services: '*'}]",
    '2:19: an account id has 12 digits',
  ],
  [
    'a field is misspelt',
    'services:\n  payments: {aprovers: default}',
    '3:14: there is no field `aprovers` here; did you mean `approvers`?',
  ],
  ['a part is misspelt', 'customer: {}', '2:1: there is no field `customer` here; did you mean `customers`?'],
  [
    'a field has no value',
    'services: {payments: {approvers: }}',
    '2:23: this has to be a text, and is nothing',
  ],
  [
    'a choice is invalid',
    'services: {payments: {onUnlisted: accept}}',
    '2:35: this has to be `ask` or `hold` or `reject`, and is `accept`',
  ],
  ['a list is a map', 'allow: {}', '2:1: this has to be a list, and is a map'],
  ['an entry is a word', 'allow: [acme]', '2:9: this has to be a map, and is `acme`'],
  [
    'an entry is for nobody',
    'services: {payments: {}}\nallow:\n  - services: payments',
    '4:5: say whom: a `customer` or an `account`',
  ],
  ['an entry is for no service', "block:\n  - account: '222222222222'", '3:5: `services` is missing'],
  [
    'an expiry counts from now',
    "allow: [{account: '222222222222', services: '*', expires: 30d}]",
    '2:59: `30d` from now would be another day at each plan: write a date such as 2027-01-31',
  ],
  [
    'a date is invalid',
    "allow: [{account: '222222222222', services: '*', expires: 2027-02-30}]",
    '2:59: there is no day 2027-02-30',
  ],
  ['a time is none', 'services: {payments: {deadline: 3}}', '2:33: write a time such as 7d or 36h'],
  [
    'a grace period is too short',
    'services: {payments: {grace: 30m}}',
    '2:30: a grace period is at least an hour: to disconnect at once, block the account or revoke the connection',
  ],
  [
    'an entry allows no endpoint',
    "allow: [{account: '222222222222', services: '*', maxEndpoints: 0}]",
    '2:64: at least 1: block the account to allow none',
  ],
  [
    'a list is empty',
    "allow: [{account: '222222222222', services: '*', endpoints: []}]",
    '2:50: a list names at least one: leave it out for none',
  ],
  [
    'a block has restrictions',
    "block: [{account: '222222222222', services: '*', maxEndpoints: 2}]",
    '2:50: there is no field `maxEndpoints` here',
  ],
  [
    'a service is unknown',
    "services: {payments: {}}\nallow: [{account: '222222222222', services: [payments, payment]}]",
    '3:56: there is no service `payment` in the file; did you mean `payments`?',
  ],
  [
    'a customer is unknown',
    "customers: {acme: {accounts: ['222222222222']}}\nblock: [{customer: amce, services: '*'}]",
    '3:20: there is no customer `amce` in the file; did you mean `acme`?',
  ],
  [
    'a group is unknown',
    'services: {payments: {approvers: teem}}\napprovers: {team: {emails: [a@example.com], escalateTo: boss}}',
    '2:34: there is no approver group `teem` in the file; did you mean `team`?',
    '3:57: there is no approver group `boss` in the file',
  ],
  [
    'a group could never approve',
    'approvers:\n  team: {emails: [a@example.com], quorum: 2}\n  nobody: {slack: {channel: C0123}}',
    '3:3: the group team could never approve: its quorum is 2, and it has 1',
    '4:3: the group nobody has no members: add a Slack user or an email address',
  ],
  [
    'a group escalates to itself',
    'approvers: {team: {emails: [a@example.com], escalateTo: team}}',
    '2:57: the group team cannot escalate to itself',
  ],
  [
    'a service has two names',
    `services:\n  payments: {id: ${serviceId}}\n  orders: {id: ${serviceId}}`,
    `4:16: \`${serviceId}\` has another name already: policy.yml:3:3`,
  ],
  [
    'a service is named by the id of another',
    `services: {${serviceId}: {id: vpce-svc-0123456789abcdef1}}`,
    `2:45: its name is the id of another service: \`${serviceId}\``,
  ],
  ...['my service', 'vpce-payments', "'*'", '..'].map(
    (name) =>
      [`a service is named ${name}`, `services: {${name}: {}}`, `2:12: ${serviceNameFormat}`] as const,
  ),
  ['a customer has no accounts', 'customers:\n  acme: {}', '3:3: customer `acme` has no `accounts`'],
  [
    'an account is of two customers',
    "customers:\n  acme: {accounts: ['222222222222']}\n  beta: {accounts: ['333333333333', '222222222222']}",
    "4:37: account 222222222222 is `acme`'s already",
  ],
  [
    'a contact has both an email and a topic',
    "customers: {acme: {accounts: ['222222222222'], contact: {}}}",
    '2:48: a contact is an `email` or a `topic`, one of them',
  ],
  [
    'an account has two entries at a service',
    "services: {payments: {}}\nallow:\n  - {account: '222222222222', services: payments}\nblock:\n  - {account: '222222222222', services: [payments, '*']}",
    '6:5: account 222222222222 has an entry at `payments` already: policy.yml:4:5',
  ],
  [
    "an account is not the customer's",
    "customers: {acme: {accounts: ['222222222222']}}\nblock: [{customer: acme, account: '333333333333', services: '*'}]",
    '3:35: account 333333333333 is not among the `accounts` of `acme`',
  ],
  [
    'an endpoint belongs to two accounts',
    "customers: {acme: {accounts: ['222222222222', '333333333333']}}\nallow: [{customer: acme, services: '*', endpoints: [vpce-0123456789abcdef0]}]",
    '3:41: an endpoint is of one account, and this customer has several: say which, by `account`',
  ],
  [
    'a role is of another account',
    "allow: [{account: '222222222222', services: '*', roles: ['arn:aws:iam::333333333333:role/a']}]",
    '2:50: `roles` names none of account 222222222222, so that none of it could connect',
    '2:58: this role is of another account than the entry',
  ],
  ['a key stands twice', 'allow: []\nallow: []', '3:1: this key is here already'],
  ['an alias means nothing', 'allow: [*usual]', '2:9: there is no `&usual` before this'],
  [
    'a merge key merges text',
    "allow: [{<<: usual, account: '222222222222', services: '*'}]",
    '2:10: `<<` takes a map, or a list of maps',
  ],
  ['a tag is unknown', 'allow: !!map []', expect.stringMatching(/^2:8: /) as unknown as string],
  [
    'a second document follows',
    'allow: []\n---\nallow: []',
    '3:1: a policy file holds one document, and line 3 begins a second one',
  ],
];

test.each(wrong)('a problem has line and column if %s', (_what, lines, ...problems) => {
  expect(parseProblems(`version: 1\n${lines}`)).toEqual(problems);
});

const shapes = ['', '[]', '{}', '[[]]', '[null]', '[{}]', "''", 'x', '1.5', '-1', '.nan', 'true', '{x: 1}'];
const fieldsIn = [
  ...Object.entries(namedSections).map(
    ([section, { part }]) =>
      [section, Object.keys(part.entries), (field: string) => `${section}: {a: {${field}}}`] as const,
  ),
  ...Object.entries(listSections).map(
    ([section, { part }]) =>
      [section, Object.keys(part.entries), (field: string) => `${section}: [{${field}}]`] as const,
  ),
  ['the file', Object.keys(headerSchema), (field: string) => field] as const,
];

test.each(fieldsIn)(
  'the problem of a field states the expected value, without JavaScript types: %s',
  (_section, fields, lines) => {
    for (const field of fields)
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

test('a problem in one part causes no problem at references to it', () => {
  const lines = `version: 1
services: {payments: {grace: 5}}
allow: [{account: '222222222222', services: payments}]
`;
  expect(parseProblems(lines)).toEqual(['2:30: write a time such as 7d or 36h']);
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

test('unreadable names cause no problem of a missing name', () => {
  const lines = "version: 1\ncustomer: {acme: {}}\nblock: [{customer: acme, services: '*'}]";
  expect(parseProblems(lines)).toEqual(['2:1: there is no field `customer` here; did you mean `customers`?']);
});

test('references in overrides of an environment are checked', () => {
  const lines =
    'version: 1\nenvironments: [prod]\napprovers: {team: {emails: [a@example.com]}}\nservices: {a: {environments: {prod: {approvers: taem}}}}';
  expect(parseProblems(lines)).toEqual([
    '4:49: there is no approver group `taem` in the file; did you mean `team`?',
  ]);
});

test('a folder or a binary file is a problem', () => {
  const folder = writeFolder({ 'policy.yml/inside.yml': '' });
  const file = join(folder, 'policy.yml');
  expect(() => readPolicyFile(file)).toThrow(`${file}:1:1: \`${file}\` is a folder, and no file`);
  const other = join(folder, 'other.yml');
  writeFileSync(other, Buffer.from([0xff, 0xfe, 0x62]));
  expect(() => readPolicyFile(other)).toThrow(`\`${other}\` is not a text in UTF-8`);
});

test('a file without a supported version is a problem', () => {
  expect(parseProblems('allow: []')).toEqual(['1:1: a policy file begins with `version: 1`']);
  expect(parseProblems('')).toEqual(['1:1: a policy file begins with `version: 1`']);
  expect(parseProblems('version: 2')).toEqual(['1:10: this has to be 1, and is 2']);
});

test.each(['+02', '+0200', ''])('a date-time that ends in `%s` is a problem with the valid format', (end) => {
  for (const time of [`2099-01-31T12:00:00${end}`, `2099-01-31 12:00:00${end}`])
    for (const lines of [
      `allow: [{account: '222222222222', services: '*', expires: '${time}'}]`,
      `customers: {acme: {accounts: ['222222222222'], contractEnds: '${time}'}}`,
    ])
      expect(parseProblems(`version: 1\n${lines}`)).toEqual([
        expect.stringContaining('or a date-time such as 2027-01-31T12:00:00Z or 2027-01-31T12:00:00+02:00'),
      ]);
});

test.each(['9007199254740993', '1e300', '1.5', '0'])('an entry does not allow %s endpoints', (count) => {
  const entry = `allow: [{account: '222222222222', services: '*', maxEndpoints: ${count}}]`;
  expect(parseProblems(`version: 1\n${entry}`)).toHaveLength(1);
});

test('the length of a note is counted in characters, not in UTF-16 code units', () => {
  const entry = (count: number) =>
    `version: 1\nallow: [{account: '222222222222', services: '*', note: ${'😀'.repeat(count)}}]`;
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

test('a missing file is a problem', () => {
  const missing = join('nowhere', 'policy.yml');
  expect(() => readPolicyFile(missing)).toThrow(`there is no file ${missing}`);
});
