import { expect, test } from '@jest/globals';
import {
  defaultAssumptions,
  describeAssumptions,
  mergeAssumptions,
} from '../../../sandbox/privatelink/assumptions.ts';
import type { NotificationEffect } from '../../../sandbox/privatelink/model.ts';
import { notificationBody } from '../../../sandbox/privatelink/notification-body.ts';
import { noon } from './builders.ts';

test('an update changes only the named assumptions', () => {
  expect(mergeAssumptions(defaultAssumptions, { notifications: false })).toEqual({
    ...defaultAssumptions,
    notifications: false,
  });
});

test.each([
  [{ notification: true }, /unknown assumption `notification`; there are notificationBody/],
  [{ maxIdsPerCall: 0 }, /`maxIdsPerCall` cannot be `0`/],
  [{ pendingAfterMs: '5' }, /`pendingAfterMs` cannot be `"5"`/],
  [{ repeatedAccept: 'perhaps' }, /expected \("ok" \| "unsuccessful"\)/],
  [[], /an object/],
])('%j is refused with an explanation', (update, message) => {
  expect(() => mergeAssumptions(defaultAssumptions, update)).toThrow(message);
});

test('each assumption has a value, a default and a meaning', () => {
  expect(describeAssumptions({ ...defaultAssumptions, maxIdsPerCall: 7 }).maxIdsPerCall).toEqual({
    value: 7,
    default: 100,
    meaning: 'the maximum number of endpoints in one Accept or Reject call',
  });
});

const connect: NotificationEffect = {
  type: 'notification',
  accountId: '111111111111',
  region: 'us-east-1',
  topicArn: 'arn:aws:sns:us-east-1:111111111111:connections',
  notificationId: 'vpce-nfn-0123456789abcdef0',
  serviceId: 'vpce-svc-0123456789abcdef0',
  endpointId: 'vpce-0123456789abcdef0',
  event: 'Connect',
  endpointOwner: '022222222222',
  state: 'pendingAcceptance',
  time: noon,
};

test.each([
  ['camel', true],
  ['pascal', true],
  ['text', true],
  ['no-ids', false],
] as const)('a body in the style %s names endpoint and service: %s', (style, hasIds) => {
  const body = notificationBody(connect, style);
  expect([connect.endpointId, connect.serviceId].map((id) => body.includes(id))).toEqual([hasIds, hasIds]);
});
