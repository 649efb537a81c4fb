import { describe, expect, test } from '@jest/globals';
import {
  desiredPrincipals,
  principalDifference,
} from '../../../lib/services/allowed-principals/desired-principals.ts';
import { anEntry, aService, consumer, noon, serviceId } from '../../builders.ts';

const root = `arn:aws:iam::${consumer}:root`;
const role = `arn:aws:iam::${consumer}:role/connects`;
const past = '2026-11-21T11:59:59.000Z';

describe('the allowlist implies', () => {
  test.each([
    ['all of an account that is allowed', [anEntry()], [root]],
    ['all of an account that is allowed at every service', [anEntry({ serviceId: '*' })], [root]],
    ['the roles that an entry names, and not all of the account', [anEntry({ roles: [role] })], [role]],
    ['no role of another account', [anEntry({ roles: ['arn:aws:iam::333333333333:role/other'] })], []],
    ['nothing by an entry that has expired', [anEntry({ expiresAt: past })], []],
    [
      'nothing by an entry for another service',
      [anEntry({ serviceId: serviceId(2) }), anEntry({ serviceId: serviceId(3), effect: 'block' })],
      [],
    ],
    [
      'nothing for an account that is blocked at every service',
      [anEntry(), anEntry({ serviceId: '*', effect: 'block' })],
      [],
    ],
    [
      'nothing for an account that is blocked at the service',
      [anEntry({ serviceId: '*' }), anEntry({ effect: 'block' })],
      [],
    ],
    [
      'what the entry for the service says rather than the one for every service',
      [anEntry({ serviceId: '*' }), anEntry({ roles: [role] })],
      [role],
    ],
    [
      'nothing where the entry for the service has expired, whatever the one for every service says',
      [anEntry({ serviceId: '*' }), anEntry({ expiresAt: past })],
      [],
    ],
  ])('%s', (_what, entries, desired) => {
    expect(desiredPrincipals(aService(), entries, noon)).toEqual(desired);
  });

  test('what the service names besides, each once', () => {
    const service = aService({ otherPrincipals: [consumer, 'service.amazonaws.com'] });
    expect(desiredPrincipals(service, [anEntry()], noon)).toEqual([root, 'service.amazonaws.com']);
  });

  test.each([
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['eu-central-1', 'aws'],
  ])('accounts in the partition of the Region: %s', (region, partition) => {
    const service = aService({ location: { accountId: '111111111111', region } });
    expect(desiredPrincipals(service, [anEntry()], noon)).toEqual([`arn:${partition}:iam::${consumer}:root`]);
  });
});

test('an account is the same whether EC2 shows its digits or the ARN of its root', () => {
  expect(principalDifference([root], [consumer])).toEqual({ missing: [], extra: [] });
});

test('what is missing and what is too much is told as it is to be called', () => {
  expect(principalDifference([root, role], ['*', role, '333333333333'])).toEqual({
    missing: [root],
    extra: ['*', '333333333333'],
  });
});
