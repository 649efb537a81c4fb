import { beforeEach, describe, expect, test } from '@jest/globals';
import type { OperationContext } from '../../../sandbox/aws/aws-service.ts';
import { createSns, type Delivery, type Sns } from '../../../sandbox/aws/sns.ts';
import { createIds, manualClock } from './manual-clock.ts';

const topicArn = 'arn:aws:sns:us-east-1:111111111111:approvals';
const ann = 'ann@example.com';
const onlyAnn = { FilterPolicy: '{"approver":["ann@example.com"]}' };

let sns: Sns;
let clock: ReturnType<typeof manualClock>;
let deliveries: Delivery[];
beforeEach(() => {
  deliveries = [];
  clock = manualClock();
  const deliver = (delivery: Delivery) => void deliveries.push(delivery);
  sns = createSns({ clock, id: createIds(), origin: 'http://sandbox', deliver });
  sns.createTopic(topicArn);
});

// biome-ignore lint/suspicious/noExplicitAny: each operation returns a shape of its own.
function call(operation: string, input: object, accountId = '111111111111'): any {
  const caller = {
    accountId,
    region: 'us-east-1',
    principal: 'root',
    arn: `arn:aws:iam::${accountId}:root`,
  };
  const context: OperationContext = { caller, now: clock.now(), origin: 'http://sandbox' };
  return sns.service.operations[operation]?.({ TopicArn: topicArn, ...input } as never, context);
}

const subscribe = (Attributes: object = onlyAnn, Endpoint = ann) =>
  call('Subscribe', { Protocol: 'email', Endpoint, Attributes, ReturnSubscriptionArn: true }).SubscriptionArn;
const publish = (approver?: string) =>
  call('Publish', {
    Message: 'please decide',
    Subject: 'A request',
    ...(approver && { MessageAttributes: { approver: { DataType: 'String', StringValue: approver } } }),
  });
const mails = () => deliveries.map(({ mail }) => mail);
const parseLink = (text = '') => new URL(/http\S+/.exec(text)?.[0] ?? '').searchParams;
const listSubscriptions = () => call('ListSubscriptionsByTopic', {}).Subscriptions;

/** Subscribes Ann, and confirms by the link in her email. */
function subscribeAndConfirm(attributes?: object): string {
  const arn = subscribe(attributes);
  sns.followLink(parseLink(mails().at(-1)?.text));
  deliveries.length = 0;
  return arn;
}

describe('an address', () => {
  test('gets only the confirmation email before it confirms', () => {
    subscribe();
    publish(ann);
    expect(mails()).toEqual([
      {
        subject: 'AWS Notification - Subscription Confirmation',
        text: expect.stringContaining('http://sandbox/?Action=ConfirmSubscription&TopicArn='),
      },
    ]);
    expect(listSubscriptions()).toMatchObject([{ SubscriptionArn: 'PendingConfirmation', Endpoint: ann }]);
  });

  test('is confirmed by the link in that email only', () => {
    const arn = subscribe();
    const link = parseLink(mails()[0]?.text);
    const forged = new URLSearchParams({ ...Object.fromEntries(link), Token: 'guessed' });
    expect(() => sns.followLink(forged)).toThrow('Invalid parameter: Token');
    expect(sns.followLink(link)).toContain(arn);
    expect(listSubscriptions()).toMatchObject([{ SubscriptionArn: arn }]);
    expect(() => sns.followLink(link)).toThrow('Invalid parameter: Token');
  });

  test('that does not confirm cannot be unsubscribed, and is removed after 48 hours', () => {
    const SubscriptionArn = subscribe();
    expect(() => call('Unsubscribe', { SubscriptionArn })).toThrow('pending confirmation');
    clock.advance(48 * 3_600_000);
    expect(listSubscriptions()).toEqual([]);
  });

  test('that subscribes again gets another email, and stays one subscription of the same attributes', () => {
    expect(subscribe()).toBe(subscribe());
    expect(() => subscribe({})).toThrow('Subscription already exists with different attributes');
    expect(mails()).toHaveLength(2);
    expect(listSubscriptions()).toHaveLength(1);
  });

  test('gets the message with an unsubscribe link', () => {
    const arn = subscribeAndConfirm();
    publish(ann);
    expect(mails()).toEqual([
      { subject: 'A request', text: expect.stringMatching(/^please decide\n\n--\nIf you wish to stop/) },
    ]);
    sns.followLink(parseLink(mails()[0]?.text));
    expect(listSubscriptions()).toEqual([]);
    expect(arn).toContain(topicArn);
  });

  test('with AuthenticateOnUnsubscribe is unsubscribed by signed requests only', () => {
    const SubscriptionArn = subscribe();
    const Token = parseLink(mails()[0]?.text).get('Token');
    call('ConfirmSubscription', { Token, AuthenticateOnUnsubscribe: 'true' });
    const link = new URLSearchParams({ Action: 'Unsubscribe', SubscriptionArn });
    expect(() => sns.followLink(link)).toThrow('Sign in');
    call('Unsubscribe', { SubscriptionArn });
    expect(listSubscriptions()).toEqual([]);
  });

  test.each(['nobody', 'a b@example.com', ''])('%j is invalid', (address) => {
    expect(() => subscribe({}, address)).toThrow('Invalid parameter: Email address');
  });
});

describe('a filter policy', () => {
  test.each([
    ['the same text', { approver: [ann] }, ann, 1],
    ['another text', { approver: [ann] }, 'bob@example.com', 0],
    ['one of several texts', { approver: ['bob@example.com', ann] }, ann, 1],
    ['the beginning of a text', { approver: [{ prefix: 'ann@' }] }, ann, 1],
    ['an attribute that is not there', { approver: [ann] }, undefined, 0],
  ])('compares %s', (_, policy, approver, count) => {
    subscribeAndConfirm({ FilterPolicy: JSON.stringify(policy) });
    publish(approver);
    expect(mails()).toHaveLength(count);
  });

  test('is returned, changed and removed', () => {
    const SubscriptionArn = subscribeAndConfirm();
    const getAttributes = () => call('GetSubscriptionAttributes', { SubscriptionArn }).Attributes;
    expect(getAttributes()).toMatchObject({ PendingConfirmation: 'false', ...onlyAnn });
    const set = (AttributeValue: string) =>
      call('SetSubscriptionAttributes', { SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue });
    set('{"approver":["bob@example.com"]}');
    publish(ann);
    expect(mails()).toEqual([]);
    set('{}');
    expect(getAttributes()).not.toHaveProperty('FilterPolicy');
    publish(ann);
    expect(mails()).toHaveLength(1);
  });

  test.each([
    ['what is no JSON', { FilterPolicy: 'approver' }],
    ['what is no list', { FilterPolicy: '{"approver":"ann@example.com"}' }],
    ['what the sandbox does not know', { FilterPolicy: '{"approver":[{"sounds-like":"Ann"}]}' }],
    ['what is no attribute', { Colour: 'blue' }],
  ])('of %s is refused', (_, attributes) => {
    expect(() => subscribe(attributes)).toThrow('Invalid parameter');
  });
});

test('another account can neither read nor delete a subscription', () => {
  const SubscriptionArn = subscribeAndConfirm();
  for (const operation of ['GetSubscriptionAttributes', 'Unsubscribe'])
    expect(() => call(operation, { SubscriptionArn }, '222222222222')).toThrow('Not authorized');
});
