import { expect, test } from '@jest/globals';
import { accountIsBlocked } from '../../../rules/connection/account-is-blocked.ts';
import { anEntry, aPolicy, aRequest, consumer, noon } from '../../builders.ts';

function evaluate(...entries: ReturnType<typeof anEntry>[]) {
  return accountIsBlocked.evaluate(aRequest(), aPolicy({ entries }), noon);
}

test('an account that is blocked at the service is rejected', () => {
  expect(evaluate(anEntry({ effect: 'block' }))).toEqual({
    outcome: 'reject',
    reason: `account ${consumer} is blocked at orders`,
  });
});

test('an account that is blocked at every service is rejected, an entry that allows it here notwithstanding', () => {
  expect(evaluate(anEntry(), anEntry({ effect: 'block', serviceId: '*' }))).toEqual({
    outcome: 'reject',
    reason: `account ${consumer} is blocked at every service`,
  });
});

test('of an account that nothing blocks it says nothing', () => {
  expect(evaluate()).toBeUndefined();
  expect(evaluate(anEntry())).toBeUndefined();
});
