import { expect, test } from '@jest/globals';
import { accountIsAllowed } from '../../../rules/connection/account-is-allowed.ts';
import { anEntry, aPolicy, aRequest, consumer, noon } from '../../builders.ts';

function evaluate(...entries: ReturnType<typeof anEntry>[]) {
  return accountIsAllowed.evaluate(aRequest(), aPolicy({ entries }), noon);
}

test('account-is-allowed accepts an account that is allowed at the service', () => {
  expect(evaluate(anEntry())).toEqual({
    outcome: 'accept',
    reason: `account ${consumer} is allowed at orders`,
  });
});

test('account-is-allowed names the customer of the account if the entry has one', () => {
  expect(evaluate(anEntry({ customer: 'initech' }))).toMatchObject({
    reason: `account ${consumer} (initech) is allowed at orders`,
  });
});

test('account-is-allowed accepts until the entry expires', () => {
  const expiresAt = '2027-01-31T00:00:00.000Z';
  expect(evaluate(anEntry({ expiresAt }))).toMatchObject({ outcome: 'accept', until: expiresAt });
});

test('account-is-allowed has no finding if the entry at the service blocks, even if the entry at every service allows', () => {
  expect(evaluate(anEntry({ effect: 'block' }), anEntry({ serviceId: '*' }))).toBeUndefined();
});

test('account-is-allowed has no finding for an account without an entry', () => {
  expect(evaluate()).toBeUndefined();
});
