import { expect, test } from '@jest/globals';
import { createTokenBuckets } from '../../../sandbox/privatelink/token-buckets.ts';
import { aConsumer, noon, provider } from './builders.ts';

const countTaken = (count: number, take: () => boolean) =>
  Array.from({ length: count }, take).filter(Boolean).length;

test.each([
  ['AcceptVpcEndpointConnections', 10],
  ['CreateVpcEndpoint', 4],
  ['ModifyVpcEndpointServicePermissions', 50],
  ['DescribeVpcEndpointConnections', 100],
  ['CreateTags', 100],
])('%s has %i tokens', (operation, capacity) => {
  const buckets = createTokenBuckets();
  expect(countTaken(capacity + 5, () => buckets.take(provider, operation, noon))).toBe(capacity);
});

test('a bucket of each API, account and Region refills continuously up to its capacity', () => {
  const buckets = createTokenBuckets();
  const accept = (now: number) => () => buckets.take(provider, 'AcceptVpcEndpointConnections', now);
  countTaken(10, accept(noon));
  expect(buckets.take(provider, 'RejectVpcEndpointConnections', noon)).toBe(true);
  expect(buckets.take(aConsumer(), 'AcceptVpcEndpointConnections', noon)).toBe(true);
  expect(buckets.take({ ...provider, region: 'eu-west-1' }, 'AcceptVpcEndpointConnections', noon)).toBe(true);
  expect(countTaken(5, accept(noon + 999))).toBe(0);
  expect(countTaken(5, accept(noon + 2500))).toBe(2);
  expect(countTaken(50, accept(noon + 3_600_000))).toBe(10);
});
