import { describe, expect, test } from '@jest/globals';
import {
  desiredPrincipals,
  principalDifference,
} from '../../../lib/services/allowed-principals/desired-principals.ts';
import { anEntry, aService, consumer, noon, serviceId } from '../../builders.ts';

const root = `arn:aws:iam::${consumer}:root`;
const role = `arn:aws:iam::${consumer}:role/connects`;
const past = '2026-11-21T11:59:59.000Z';

describe('the desired principals contain', () => {
  test.each([
    ['the whole account of an allow entry', [anEntry()], [root]],
    ['the whole account of an entry for every service', [anEntry({ serviceId: '*' })], [root]],
    ['only the roles that an entry names', [anEntry({ roles: [role] })], [role]],
    ['no role of another account', [anEntry({ roles: ['arn:aws:iam::333333333333:role/other'] })], []],
    ['nothing for an expired entry', [anEntry({ expiresAt: past })], []],
    [
      'nothing for an entry of another service',
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
      'the roles of the service’s entry, which takes precedence over an entry for every service',
      [anEntry({ serviceId: '*' }), anEntry({ roles: [role] })],
      [role],
    ],
    [
      'nothing if the service’s own entry has expired, despite an entry for every service',
      [anEntry({ serviceId: '*' }), anEntry({ expiresAt: past })],
      [],
    ],
  ])('%s', (_what, entries, desired) => {
    expect(desiredPrincipals(aService(), entries, noon)).toEqual(desired);
  });

  test('the other principals of the service, each once', () => {
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

test('an account id and the ARN of its root user are the same principal', () => {
  expect(principalDifference([root], [consumer])).toEqual({ missing: [], extra: [] });
});

test('missing and extra principals are ARNs, account ids or `*`, as EC2 expects them', () => {
  expect(principalDifference([root, role], ['*', role, '333333333333'])).toEqual({
    missing: [root],
    extra: ['*', '333333333333'],
  });
});
