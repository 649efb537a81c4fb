import { expect, test } from '@jest/globals';
import { writePolicyFile } from '../../../cli/policy-file/write-policy-file.ts';
import { serviceNameFormat } from '../../../lib/services/service.ts';
import { parseDocument, parseProblems, readBack, toStoredPolicy, withoutPositions } from './files.ts';

/** Names that are also properties of every JavaScript object. */
const inherited = ['prototype', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
const file = (name: string) => `environments: [prod]
approvers: {${name}: {emails: [a@example.com]}}
services: {${name}: {approvers: ${name}}}
customers: {${name}: {accounts: ['222222222222']}}
block: [{customer: ${name}, services: ${name}}]`;

test.each(inherited)('a group, a service and a customer can have the name %s', (name) => {
  const document = parseDocument(file(name));
  expect(document).toMatchObject({
    groups: [{ name }],
    services: [{ name, approvers: name }],
    customers: [{ name }],
    entries: [{ service: name, customer: name, effect: 'block' }],
  });
  expect(readBack(writePolicyFile(toStoredPolicy(document)))).toEqual(withoutPositions(document));
});

test('an invalid name is a problem, even if it is a property of every JavaScript object', () => {
  const problems = parseProblems(`version: 1\n${file('__proto__')}`);
  expect(problems.filter((line) => line.includes('has'))).toEqual([
    '3:13: a group has letters, digits, `.`, `_` and `-`',
    `4:12: ${serviceNameFormat}`,
    '4:35: a group has letters, digits, `.`, `_` and `-`',
    '5:13: a customer has a name of letters, digits, `.`, `_` and `-`',
    '6:20: a customer has a name of letters, digits, `.`, `_` and `-`',
  ]);
});

test.each(['prototype', 'constructor'])('an environment can have the name %s', (name) => {
  const lines = `environments: [prod, ${name}]
services:
  payments: {environments: [${name}]}
  orders: {environments: {${name}: {grace: 36h}}}`;
  expect(parseDocument(lines, name).services).toMatchObject([
    { name: 'payments' },
    { name: 'orders', graceSeconds: 129_600 },
  ]);
  expect(parseDocument(lines, 'prod').services).toEqual([]);
});

test.each(['prototype', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'an unknown field `%s` is reported in every part',
  (name) => {
    const missing = `there is no field \`${name}\` here`;
    expect(parseProblems(`version: 1\n${name}: {}`)).toEqual([`2:1: ${missing}`]);
    expect(parseProblems(`version: 1\nservices: {payments: {${name}: 1}}`)).toEqual([`2:23: ${missing}`]);
    expect(parseProblems(`version: 1\napprovers: {team: {slack: {users: [T01:U01], ${name}: 1}}}`)).toEqual([
      `2:46: ${missing}`,
    ]);
    expect(
      parseProblems(`version: 1\nenvironments: [prod]\nservices: {a: {environments: {prod: {${name}: 1}}}}`),
    ).toEqual([`3:38: ${missing}`]);
    expect(
      parseProblems(`version: 1\nblock: [{account: '222222222222', services: '*', ${name}: 1}]`),
    ).toEqual([`2:50: ${missing}`]);
  },
);
