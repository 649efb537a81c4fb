import { expect, test } from '@jest/globals';
import { accountIsBlocked } from '../../../rules/connection/account-is-blocked.ts';
import { anEntry, aPolicy, aRequest, consumer, noon } from '../../builders.ts';

function evaluate(...entries: ReturnType<typeof anEntry>[]) {
  return accountIsBlocked.evaluate(aRequest(), aPolicy({ entries }), noon);
}

test('account-is-blocked rejects an account that is blocked at the service', () => {
  expect(evaluate(anEntry({ effect: 'block' }))).toEqual({
    outcome: 'reject',
    reason: `account ${consumer} is blocked at orders`,
  });
});

test('account-is-blocked rejects an account that is blocked at every service, even if an entry allows it at this service', () => {
  expect(evaluate(anEntry(), anEntry({ effect: 'block', serviceId: '*' }))).toEqual({
    outcome: 'reject',
    reason: `account ${consumer} is blocked at every service`,
  });
});

test('account-is-blocked has no finding for an account that is not blocked', () => {
  expect(evaluate()).toBeUndefined();
  expect(evaluate(anEntry())).toBeUndefined();
});
