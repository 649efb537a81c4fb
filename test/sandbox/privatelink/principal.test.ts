import { expect, test } from '@jest/globals';
import { isSamePrincipal, principalAllows, principalType } from '../../../sandbox/privatelink/principal.ts';
import { aConsumer } from './builders.ts';

test.each([
  ['*', 'All'],
  ['022222222222', 'Account'],
  ['arn:aws:iam::022222222222:root', 'Account'],
  ['arn:aws:iam::022222222222:role/deploy', 'Role'],
  ['arn:aws:iam::022222222222:user/alice', 'User'],
  ['service.amazonaws.com', 'Service'],
  ['arn:aws:iam::022222222222:role/with/path', undefined],
  ['arn:aws:organizations::022222222222:organization/o-exampleorgid', 'OrganizationUnit'],
  ['22222222222', undefined],
])('%s is a principal of type %s', (principal, type) => {
  expect(principalType(principal)).toBe(type);
});

test('an account principal allows all its callers, a role principal only its sessions', () => {
  const session = { accountId: '022222222222', arn: 'arn:aws:sts::022222222222:assumed-role/deploy/session' };
  expect(principalAllows('022222222222', session)).toBe(true);
  expect(principalAllows('arn:aws:iam::022222222222:role/deploy', session)).toBe(true);
  expect(principalAllows('arn:aws:iam::022222222222:role/deploy', aConsumer())).toBe(false);
  expect(principalAllows('arn:aws:iam::333333333333:root', session)).toBe(false);
});

test('an account id and the root of the account are one principal', () => {
  expect(isSamePrincipal('022222222222', 'arn:aws:iam::022222222222:root')).toBe(true);
  expect(isSamePrincipal('022222222222', 'arn:aws:iam::333333333333:root')).toBe(false);
});
