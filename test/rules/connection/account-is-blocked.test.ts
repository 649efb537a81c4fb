import { expect, test } from '@jest/globals';
import { accountIsBlocked } from '../../../rules/connection/account-is-blocked.ts';
import { anEntry, aPolicy, aRequest, consumer, noon } from '../../builders.ts';

function examine(...entries: ReturnType<typeof anEntry>[]) {
  return accountIsBlocked.examine(aRequest(), aPolicy({ entries }), noon);
}

test('an account that is blocked at the service is rejected', () => {
  expect(examine(anEntry({ effect: 'block' }))).toEqual({
    outcome: 'reject',
    reason: `account ${consumer} is blocked at orders`,
  });
});

test('an account that is blocked at every service is rejected, an entry that allows it here notwithstanding', () => {
  expect(examine(anEntry(), anEntry({ effect: 'block', serviceId: '*' }))).toEqual({
    outcome: 'reject',
    reason: `account ${consumer} is blocked at every service`,
  });
});

test('of an account that nothing blocks it says nothing', () => {
  expect(examine()).toBeUndefined();
  expect(examine(anEntry())).toBeUndefined();
});
