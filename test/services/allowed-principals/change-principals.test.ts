import { expect, test } from '@jest/globals';
import { PrincipalsRefusedError } from '../../../lib/services/allowed-principals/allowed-principals.ts';
import { changePrincipals } from '../../../lib/services/allowed-principals/change-principals.ts';
import { noon, serviceId } from '../../builders.ts';
import { createTestEnv } from '../../doubles/test-env.ts';
import { fakeAllowedPrincipals } from './fake-allowed-principals.ts';

const all = Array.from({ length: 120 }, (_, number) => `arn:aws:iam::${500_000_000_000 + number}:root`);

function change(
  ec2: ReturnType<typeof fakeAllowedPrincipals>,
  allow: readonly string[],
  disallow: string[] = [],
) {
  return changePrincipals(
    serviceId(1),
    { allow, disallow, blockedRemovals: 0 },
    noon,
    ec2,
    createTestEnv().deps,
  );
}

test('principals are added first and then removed, in calls with at most fifty principals', async () => {
  const ec2 = fakeAllowedPrincipals(['*']);
  expect(await change(ec2, all, ['*'])).toEqual({ refused: [] });
  expect(ec2.calls).toEqual(['allow 50', 'allow 50', 'allow 20', 'disallow 1']);
});

test('calls have fewer principals once EC2 refuses their number', async () => {
  const ec2 = fakeAllowedPrincipals([], { perCall: 30 });
  expect(await change(ec2, all)).toEqual({ refused: [] });
  expect(ec2.calls).toEqual(['allow 50', 'allow 25', 'allow 25', 'allow 25', 'allow 25', 'allow 20']);
});

test('one invalid principal is found by smaller calls, and later calls have fifty principals again', async () => {
  const ec2 = fakeAllowedPrincipals([], { bad: [all[3] ?? ''] });
  expect(await change(ec2, all)).toMatchObject({
    refused: [{ principal: all[3], code: 'InvalidPrincipal' }],
  });
  expect(ec2.now()).toHaveLength(119);
  expect(ec2.calls.slice(-2)).toEqual(['allow 50', 'allow 20']);
});

test('no further call is made after EC2 refuses a change of the service', async () => {
  const ec2 = fakeAllowedPrincipals();
  ec2.allow = async () => {
    ec2.calls.push('allow');
    throw new PrincipalsRefusedError('service', 'UnauthorizedOperation', 'not authorized');
  };
  expect(await change(ec2, all)).toEqual({ refused: [], stopped: { code: 'UnauthorizedOperation' } });
  expect(ec2.calls).toHaveLength(1);
});

test('a call with an unknown result is an error, not a refusal', async () => {
  const ec2 = fakeAllowedPrincipals();
  ec2.allow = async () => {
    throw new Error('timeout');
  };
  await expect(change(ec2, all)).rejects.toThrow('timeout');
});
