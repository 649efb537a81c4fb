import {
  GetSubscriptionAttributesCommand,
  paginateListSubscriptionsByTopic,
  SetSubscriptionAttributesCommand,
  type SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import * as v from 'valibot';
import type { Subscription, Subscriptions } from '../channels/email/subscriptions.ts';
import type { Recipient } from './sns-email-sender.ts';

const SubscriptionFilterPolicy = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.array(v.string())));

/** SNS lists these words instead of an ARN for an unconfirmed and for a deleted subscription. */
const pendingConfirmation = 'PendingConfirmation';
const isDeleted = (arn: string) => arn === 'Deleted';

/** @param recipient the message attribute that names the recipient */
export function snsSubscriptions(sns: SNSClient, topicArn: string, recipient: Recipient): Subscriptions {
  const buildFilterPolicy = (address: string) => JSON.stringify({ [recipient]: [address.toLowerCase()] });

  async function readSubscription(arn: string, address: string): Promise<Subscription> {
    if (arn === pendingConfirmation) return { address };
    const { Attributes = {} } = await sns.send(
      new GetSubscriptionAttributesCommand({ SubscriptionArn: arn }),
    );
    const policy = v.safeParse(SubscriptionFilterPolicy, Attributes.FilterPolicy);
    const addresses = policy.success ? policy.output[recipient] : undefined;
    return { address, arn, ...(addresses && { filterAddresses: addresses }) };
  }

  return {
    async list() {
      const subscriptions: Subscription[] = [];
      for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic(
        { client: sns },
        { TopicArn: topicArn },
      )) {
        const existing = Subscriptions.filter(({ SubscriptionArn = '' }) => !isDeleted(SubscriptionArn));
        subscriptions.push(
          ...(await Promise.all(
            existing.map(({ SubscriptionArn = '', Endpoint = '' }) =>
              readSubscription(SubscriptionArn, Endpoint),
            ),
          )),
        );
      }
      return subscriptions;
    },
    async subscribe(address) {
      await sns.send(
        new SubscribeCommand({
          TopicArn: topicArn,
          Protocol: 'email',
          Endpoint: address,
          Attributes: { FilterPolicy: buildFilterPolicy(address) },
          ReturnSubscriptionArn: true,
        }),
      );
    },
    async setAddressFilter(arn, address) {
      await sns.send(
        new SetSubscriptionAttributesCommand({
          SubscriptionArn: arn,
          AttributeName: 'FilterPolicy',
          AttributeValue: buildFilterPolicy(address),
        }),
      );
    },
    async unsubscribe(arn) {
      await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
    },
  };
}
