import { SNSClient } from '@aws-sdk/client-sns';
import { expect, test } from '@jest/globals';
import { snsSubscriptions } from '../../lib/aws/sns-subscriptions.ts';

const topicArn = 'arn:aws:sns:us-east-1:111111111111:linkgate-test-approvals';

/** Paginators require an instance of the real client class. */
function createStubbedSubscriptions(answers: Readonly<Record<string, (input: Input) => unknown>> = {}) {
  const sent: unknown[] = [];
  const client = Object.assign(new SNSClient({ region: 'us-east-1' }), {
    async send(command: { input: Input }) {
      const name = command.constructor.name.replace(/Command$/, '');
      sent.push([name, command.input]);
      return answers[name]?.(command.input) ?? {};
    },
  });
  return { subscriptions: snsSubscriptions(client as SNSClient, topicArn, 'approver'), sent };
}

interface Input {
  readonly NextToken?: string;
  readonly SubscriptionArn?: string;
}

test('all subscriptions are listed page by page, with the addresses of their filter policy', async () => {
  const pages: Readonly<Record<string, unknown>> = {
    first: {
      NextToken: 'second',
      Subscriptions: [
        { SubscriptionArn: 'arn:own', Endpoint: 'own@example.com' },
        { SubscriptionArn: 'arn:wide', Endpoint: 'wide@example.com' },
      ],
    },
    second: {
      Subscriptions: [
        { SubscriptionArn: 'PendingConfirmation', Endpoint: 'new@example.com' },
        { SubscriptionArn: 'Deleted', Endpoint: 'gone@example.com' },
        { SubscriptionArn: 'arn:strange', Endpoint: 'strange@example.com' },
      ],
    },
  };
  const policies: Readonly<Record<string, string>> = {
    'arn:own': '{"approver":["own@example.com"]}',
    'arn:strange': '{"approver":[{"prefix":"a"}]}',
  };
  const { subscriptions } = createStubbedSubscriptions({
    ListSubscriptionsByTopic: ({ NextToken = 'first' }) => pages[NextToken],
    GetSubscriptionAttributes: ({ SubscriptionArn = '' }) => ({
      Attributes: { FilterPolicy: policies[SubscriptionArn] },
    }),
  });
  expect(await subscriptions.list()).toEqual([
    { address: 'own@example.com', arn: 'arn:own', filterAddresses: ['own@example.com'] },
    { address: 'wide@example.com', arn: 'arn:wide' },
    { address: 'new@example.com' },
    { address: 'strange@example.com', arn: 'arn:strange' },
  ]);
});

test('an address is subscribed with a filter policy for its own messages', async () => {
  const { subscriptions, sent } = createStubbedSubscriptions();
  await subscriptions.subscribe('alice@example.com');
  expect(sent).toEqual([
    [
      'Subscribe',
      {
        TopicArn: topicArn,
        Protocol: 'email',
        Endpoint: 'alice@example.com',
        Attributes: { FilterPolicy: '{"approver":["alice@example.com"]}' },
        ReturnSubscriptionArn: true,
      },
    ],
  ]);
});

test('the filter policy of a subscription is set, and a subscription is removed, by its ARN', async () => {
  const { subscriptions, sent } = createStubbedSubscriptions();
  await subscriptions.setAddressFilter('arn:1', 'Alice@example.com');
  await subscriptions.unsubscribe('arn:1');
  expect(sent).toEqual([
    [
      'SetSubscriptionAttributes',
      {
        SubscriptionArn: 'arn:1',
        AttributeName: 'FilterPolicy',
        AttributeValue: '{"approver":["alice@example.com"]}',
      },
    ],
    ['Unsubscribe', { SubscriptionArn: 'arn:1' }],
  ]);
});
