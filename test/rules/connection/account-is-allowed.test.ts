import { expect, test } from '@jest/globals';
import { accountIsAllowed } from '../../../rules/connection/account-is-allowed.ts';
import { anEntry, aPolicy, aRequest, consumer, noon } from '../../builders.ts';

function evaluate(...entries: ReturnType<typeof anEntry>[]) {
  return accountIsAllowed.evaluate(aRequest(), aPolicy({ entries }), noon);
}

test('accepts an account that is allowed at the service', () => {
  expect(evaluate(anEntry())).toEqual({
    outcome: 'accept',
    reason: `account ${consumer} is allowed at orders`,
  });
});

test('names the customer of the account where the entry has one', () => {
  expect(evaluate(anEntry({ customer: 'initech' }))).toMatchObject({
    reason: `account ${consumer} (initech) is allowed at orders`,
  });
});

test('accepts until the entry expires', () => {
  const expiresAt = '2027-01-31T00:00:00.000Z';
  expect(evaluate(anEntry({ expiresAt }))).toMatchObject({ outcome: 'accept', until: expiresAt });
});

test('prefers the entry at the service to the entry at every service', () => {
  expect(evaluate(anEntry({ effect: 'block' }), anEntry({ serviceId: '*' }))).toBeUndefined();
});

test('has no finding for an account without an entry', () => {
  expect(evaluate()).toBeUndefined();
});
