import { expect, test } from '@jest/globals';
import { describePrincipal, parsePrincipalKind } from '../../../lib/services/allowed-principals/principal.ts';

test.each([
  ['*', 'everyone'],
  ['022222222222', 'account'],
  ['arn:aws-cn:iam::022222222222:root', 'account'],
  ['arn:aws:iam::022222222222:role/connects', 'role'],
  ['arn:aws:iam::022222222222:user/carol', 'user'],
  ['service.amazonaws.com', 'service'],
  ['arn:aws:organizations::111111111111:organization/o-abc123', 'organization'],
  ['arn:aws:organizations::111111111111:ou/o-abc123/ou-1', 'organizational unit'],
  ['AROAEXAMPLEEXAMPLE123', 'deleted role'],
  ['AIDAEXAMPLEEXAMPLE123', 'deleted user'],
  ['something else', 'unknown'],
])('the principal %s has the kind %s', (principal, kind) => {
  expect(parsePrincipalKind(principal)).toBe(kind);
});

test('a principal is described with its kind', () => {
  expect(describePrincipal('AROAEXAMPLE')).toBe('AROAEXAMPLE (deleted role)');
});
