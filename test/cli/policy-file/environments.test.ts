import { expect, test } from '@jest/globals';
import { parseDocument, parseProblems } from './files.ts';

const file = `
environments: [staging, prod]
approvers:
  team:
    emails: [a@example.com]
    environments: {prod: {quorum: 2, emails: [a@example.com, b@example.com]}, staging: {}}
services:
  payments:
    approvers: team
    environments:
      staging: {id: vpce-svc-0123456789abcdef1}
      prod: {id: vpce-svc-0123456789abcdef0, onUnlisted: reject}
  orders: {environments: [staging]}
customers:
  acme:
    environments: {staging: {accounts: ['222222222222']}, prod: {accounts: ['333333333333']}}
allow:
  - {customer: acme, services: [payments, orders]}
  - {account: '444444444444', services: payments, environments: [staging]}
`;

test('what is said of an environment counts at that stage alone', () => {
  expect(parseDocument(file, 'staging')).toMatchObject({
    groups: [{ quorum: 1 }],
    services: [{ serviceId: 'vpce-svc-0123456789abcdef1', name: 'payments' }, { name: 'orders' }],
    customers: [{ accounts: ['222222222222'] }],
    entries: [
      { accountId: '222222222222', service: 'vpce-svc-0123456789abcdef1' },
      { accountId: '222222222222', service: 'orders' },
      { accountId: '444444444444', service: 'vpce-svc-0123456789abcdef1' },
    ],
  });
});

test('a map of environments says what is different in each; entries leave out what is not there', () => {
  expect(parseDocument(file, 'prod')).toMatchObject({
    groups: [{ quorum: 2, emails: ['a@example.com', 'b@example.com'] }],
    services: [{ serviceId: 'vpce-svc-0123456789abcdef0', onUnlisted: 'reject', approvers: 'team' }],
    customers: [{ accounts: ['333333333333'] }],
    entries: [{ accountId: '333333333333', service: 'vpce-svc-0123456789abcdef0' }],
  });
});

test('a file that says its environments is refused at any other stage', () => {
  expect(() => parseDocument(file, 'local')).toThrow(
    /policy\.yml is for staging, prod, and this linkgate's stage is local: choose with --stage$/,
  );
});

test('an environment that is not declared is said: a slip would silently leave something out', () => {
  const slips = `version: 1
environments: [staging, prod]
services:
  payments: {environments: [prd]}
  orders: {environments: {stagin: {}}}
block:
  - {account: '222222222222', services: '*', environments: [prod, local]}
`;
  expect(parseProblems(slips)).toEqual([
    '4:29: `environments` at the top of the file does not name `prd`; did you mean `prod`?',
    '5:27: `environments` at the top of the file does not name `stagin`; did you mean `staging`?',
    '7:67: `environments` at the top of the file does not name `local`',
  ]);
  expect(parseProblems('version: 1\nservices: {payments: {environments: [prod]}}')).toEqual([
    '2:38: `environments` at the top of the file does not name `prod`',
  ]);
});

test('the problems of every environment are reported, whichever is chosen', () => {
  const clash = `version: 1
environments: [staging, prod]
services: {payments: {}}
allow:
  - {account: '222222222222', services: payments}
  - {account: '222222222222', services: payments, environments: [staging]}
`;
  expect(parseProblems(clash)).toEqual([
    '6:5: account 222222222222 has an entry at `payments` already: policy.yml:5:5',
  ]);
});

test('what is different in an environment has the form of what it differs from', () => {
  expect(
    parseProblems(
      'version: 1\nenvironments: [prod]\nservices: {payments: {environments: {prod: {grase: 1d}}}}',
    ),
  ).toEqual(['3:45: there is no field `grase` here; did you mean `grace`?']);
});
