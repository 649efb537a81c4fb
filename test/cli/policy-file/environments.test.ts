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

test('settings of an environment apply only to that stage', () => {
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

test('a map of environments overrides fields in each, and entries omit services of other environments', () => {
  expect(parseDocument(file, 'prod')).toMatchObject({
    groups: [{ quorum: 2, emails: ['a@example.com', 'b@example.com'] }],
    services: [{ serviceId: 'vpce-svc-0123456789abcdef0', onUnlisted: 'reject', approvers: 'team' }],
    customers: [{ accounts: ['333333333333'] }],
    entries: [{ accountId: '333333333333', service: 'vpce-svc-0123456789abcdef0' }],
  });
});

test('a file with environments is invalid at any other stage', () => {
  expect(() => parseDocument(file, 'local')).toThrow(
    /policy\.yml is for staging, prod, and this linkgate's stage is local: choose with --stage$/,
  );
});

test('an undeclared environment is a problem', () => {
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

test('the problems of every environment are reported, whatever the stage', () => {
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
