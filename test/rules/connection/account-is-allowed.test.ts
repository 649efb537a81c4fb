import { expect, test } from '@jest/globals';
import { accountIsAllowed } from '../../../rules/connection/account-is-allowed.ts';
import { anEntry, aPolicy, aRequest, consumer, noon } from '../../builders.ts';

function evaluate(...entries: ReturnType<typeof anEntry>[]) {
  return accountIsAllowed.evaluate(aRequest(), aPolicy({ entries }), noon);
}

test('an account that is allowed at the service is accepted', () => {
  expect(evaluate(anEntry())).toEqual({
    outcome: 'accept',
    reason: `account ${consumer} is allowed at orders`,
  });
});

test('an account that is allowed for a time is accepted until then', () => {
  const expiresAt = '2027-01-31T00:00:00.000Z';
  expect(evaluate(anEntry({ expiresAt }))).toMatchObject({ outcome: 'accept', until: expiresAt });
});

test('the entry at the service counts before the one at every service', () => {
  expect(evaluate(anEntry({ effect: 'block' }), anEntry({ serviceId: '*' }))).toBeUndefined();
});

test('of an account that is not listed it says nothing', () => {
  expect(evaluate()).toBeUndefined();
});
