import type * as Client from '@aws-sdk/client-sns';
import { accountInArn } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import { isAllowedByResourcePolicy, type PolicyDocument, type Principal } from '../iam/policy.ts';
import { drop, type Persisted } from '../persistence.ts';
import { AwsError, type AwsService, type Caller, type OperationContext } from './aws-service.ts';
import { confirmationMail, envelope, type Mail, messageMail, type Publication } from './sns-bodies.ts';
import {
  attributesOf,
  createSubscriptions,
  invalid,
  matchesFilter,
  type Subscription,
  subscriptionAttributes,
} from './sns-subscriptions.ts';

/** What a subscriber gets. */
export interface Delivery {
  readonly subscription: Subscription;
  readonly body: string;
  /** What an address gets instead. */
  readonly mail?: Mail;
  /** Of raw deliveries only: otherwise they are in the envelope. */
  readonly attributes: Readonly<Record<string, Client.MessageAttributeValue>>;
}

interface Topic {
  readonly arn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Sns {
  readonly service: AwsService;
  /** Makes a topic, or changes the attributes of one that is there. */
  createTopic(arn: string, attributes?: Readonly<Record<string, string>>): void;
  removeTopic(arn: string): void;
  setAttributes(topicArn: string, attributes: Readonly<Record<string, string>>): void;
  subscribe(
    topicArn: string,
    protocol: string,
    endpoint: string,
    options?: { readonly isRaw?: boolean },
  ): string;
  unsubscribe(subscriptionArn: string): void;
  /** Whether the topic exists and its policy lets a service publish on behalf of `sourceArn`. */
  admits(topicArn: string, service: string, sourceArn: string): boolean;
  /** What visiting a link of a mail does, for which nobody has to sign in. Throws `AwsError`. */
  follow(link: URLSearchParams): string;
  /** Publishes for an AWS service; false where the topic does not let it, of which AWS tells nobody. */
  publish(
    topicArn: string,
    publication: Publication,
    source: { readonly service: string; readonly sourceArn: string },
  ): boolean;
}

const pageSize = 100;
const protocols = ['sqs', 'email'];
/** What SetTopicAttributes changes. */
const settable = ['DisplayName', 'Policy'];

/** The topics of all accounts and Regions, by ARN. `deliver` carries each message to one subscriber. */
export function createSns({
  clock,
  id,
  origin,
  deliver,
  keep = drop,
}: {
  clock: Clock;
  id: () => string;
  /** Where the links of mails lead. */
  origin: string;
  deliver: (delivery: Delivery) => void;
  keep?: Persisted;
}): Sns {
  const topics = keep<Topic>('sns/topics');
  const subscriptions = createSubscriptions(clock, id, keep);

  function topicFor(arn: string | undefined, operation: string, caller: Caller): Topic {
    const topic = topics.get(arn ?? '');
    if (!topic) throw new AwsError('NotFoundException', 'Topic does not exist');
    const isOwner = accountInArn(topic.arn) === caller.accountId;
    if (
      !isOwner &&
      !lets(topic, { roleArn: caller.arn, accountId: caller.accountId }, `sns:${operation}`, {})
    )
      throw new AwsError(
        'AuthorizationErrorException',
        `User: ${caller.arn} is not authorized to perform: SNS:${operation} on resource: ${topic.arn}`,
      );
    return topic;
  }

  function change(topic: Topic, attributes: Topic['attributes']) {
    topics.set(topic.arn, { ...topic, attributes: { ...topic.attributes, ...attributes } });
  }

  /** Both the subscription's owner and the topic's may do what they like with it. */
  function subscriptionFor(arn: string | undefined, { accountId }: Caller): Subscription {
    const subscription = subscriptions.find(arn ?? '');
    if (!subscription) throw new AwsError('NotFoundException', 'Subscription does not exist');
    if (![subscription.owner, accountInArn(subscription.topicArn)].includes(accountId))
      throw new AwsError('AuthorizationErrorException', 'Not authorized');
    return subscription;
  }

  function fanOut(topicArn: string, publication: Publication): string {
    const messageId = id();
    const { message, attributes = {} } = publication;
    for (const subscription of subscriptions.to(topicArn)) {
      if (subscription.pending || !matchesFilter(subscription, attributes)) continue;
      const { isRaw, protocol } = subscription;
      deliver({
        subscription,
        body: isRaw ? message : envelope(subscription, publication, messageId, clock.now()),
        ...(protocol === 'email' && { mail: messageMail(subscription, publication, origin) }),
        attributes: isRaw ? attributes : {},
      });
    }
    return messageId;
  }

  function askToConfirm(subscription: Subscription) {
    deliver({ subscription, body: '', mail: confirmationMail(subscription, origin), attributes: {} });
  }

  function confirm(topicArn: string, token: string, endsSignedInOnly: boolean): string {
    const confirmed = subscriptions.confirm(topicArn, token, endsSignedInOnly);
    if (!confirmed) throw invalid('Token');
    return confirmed.arn;
  }

  function end({ arn, pending }: Subscription) {
    // Until it is confirmed, only time ends it.
    if (pending) throw invalid('SubscriptionArn Reason: the subscription is pending confirmation');
    subscriptions.remove(arn);
  }

  function admits(topicArn: string, service: string, sourceArn: string): boolean {
    const topic = topics.get(topicArn);
    const source = { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': accountInArn(sourceArn) };
    return topic !== undefined && lets(topic, { service }, 'sns:Publish', source);
  }

  const operations = {
    CreateTopic({ Name = '', Attributes = {} }: Client.CreateTopicInput, { caller }) {
      if (!/^[\w-]{1,251}(\.fifo)?$/.test(Name)) throw invalid('Topic Name');
      const arn = `arn:aws:sns:${caller.region}:${caller.accountId}:${Name}`;
      if (!topics.has(arn)) topics.set(arn, { arn, attributes: Attributes });
      return { TopicArn: arn };
    },

    SetTopicAttributes(input: Client.SetTopicAttributesInput, { caller }) {
      const topic = topicFor(input.TopicArn, 'SetTopicAttributes', caller);
      const { AttributeName = '', AttributeValue = '' } = input;
      if (!settable.includes(AttributeName)) throw invalid(`AttributeName ${AttributeName} is not modelled`);
      if (AttributeName === 'Policy') requireJson(AttributeValue);
      change(topic, { [AttributeName]: AttributeValue });
    },

    Subscribe(input: Client.SubscribeInput, { caller }) {
      const topic = topicFor(input.TopicArn, 'Subscribe', caller);
      const { Protocol = '', Endpoint = '', Attributes = {} } = input;
      if (!protocols.includes(Protocol)) throw invalid(`protocol ${Protocol} is not modelled`);
      if (Protocol === 'sqs' && !Endpoint.startsWith('arn:aws:sqs:')) throw invalid('SQS endpoint ARN');
      if (Protocol === 'email' && !/^\S+@\S+$/.test(Endpoint)) throw invalid('Email address');
      const choices = subscriptionAttributes(Attributes);
      const there = subscriptions
        .to(topic.arn)
        .find(({ protocol, endpoint }) => protocol === Protocol && endpoint === Endpoint);
      if (there && (there.isRaw !== choices.isRaw || there.filterPolicy !== choices.filterPolicy))
        throw invalid('Attributes Reason: Subscription already exists with different attributes');
      const subscription = subscriptions.add(
        { topicArn: topic.arn, protocol: Protocol, endpoint: Endpoint, owner: caller.accountId, ...choices },
        Protocol === 'email',
      );
      if (!subscription.pending) return { SubscriptionArn: subscription.arn };
      askToConfirm(subscription);
      return { SubscriptionArn: input.ReturnSubscriptionArn ? subscription.arn : 'pending confirmation' };
    },

    ConfirmSubscription(input: Client.ConfirmSubscriptionInput) {
      const { TopicArn = '', Token = '', AuthenticateOnUnsubscribe } = input;
      return { SubscriptionArn: confirm(TopicArn, Token, AuthenticateOnUnsubscribe === 'true') };
    },

    Unsubscribe({ SubscriptionArn }: Client.UnsubscribeInput, { caller }) {
      // What is gone counts as unsubscribed.
      if (subscriptions.find(SubscriptionArn ?? '')) end(subscriptionFor(SubscriptionArn, caller));
    },

    GetSubscriptionAttributes({ SubscriptionArn }: Client.GetSubscriptionAttributesInput, { caller }) {
      return { Attributes: attributesOf(subscriptionFor(SubscriptionArn, caller)) };
    },

    SetSubscriptionAttributes(input: Client.SetSubscriptionAttributesInput, { caller }) {
      const subscription = subscriptionFor(input.SubscriptionArn, caller);
      const { AttributeName = '', AttributeValue = '' } = input;
      subscriptions.choose(
        subscription.arn,
        subscriptionAttributes({ [AttributeName]: AttributeValue }, subscription),
      );
    },

    ListSubscriptionsByTopic({ TopicArn, NextToken }: Client.ListSubscriptionsByTopicInput, { caller }) {
      const topic = topicFor(TopicArn, 'ListSubscriptionsByTopic', caller);
      const page = pageOf(subscriptions.to(topic.arn), NextToken);
      return {
        NextToken: page.next,
        Subscriptions: page.items.map(({ arn, protocol, endpoint, owner, topicArn, pending }) => ({
          SubscriptionArn: pending ? 'PendingConfirmation' : arn,
          Protocol: protocol,
          Endpoint: endpoint,
          Owner: owner,
          TopicArn: topicArn,
        })),
      };
    },

    ListTopics({ NextToken }: Client.ListTopicsInput, { caller }) {
      const prefix = `arn:aws:sns:${caller.region}:${caller.accountId}:`;
      const page = pageOf(
        [...topics.keys()].filter((arn) => arn.startsWith(prefix)),
        NextToken,
      );
      return { NextToken: page.next, Topics: page.items.map((TopicArn) => ({ TopicArn })) };
    },

    GetTopicAttributes({ TopicArn }: Client.GetTopicAttributesInput, { caller }) {
      const topic = topicFor(TopicArn, 'GetTopicAttributes', caller);
      const all = subscriptions.to(topic.arn);
      const unconfirmed = all.filter(({ pending }) => pending).length;
      return {
        Attributes: {
          ...topic.attributes,
          TopicArn: topic.arn,
          Owner: accountInArn(topic.arn),
          SubscriptionsConfirmed: String(all.length - unconfirmed),
          SubscriptionsPending: String(unconfirmed),
          SubscriptionsDeleted: '0',
        },
      };
    },

    Publish(input: Client.PublishInput, { caller }) {
      const topic = topicFor(input.TopicArn ?? input.TargetArn, 'Publish', caller);
      const { Message = '', Subject, MessageAttributes = {} } = input;
      if (Message === '') throw invalid('Empty message');
      if (Subject !== undefined && !/^[ -~]{1,99}$/.test(Subject)) throw invalid('Subject');
      return {
        MessageId: fanOut(topic.arn, {
          message: Message,
          attributes: MessageAttributes,
          ...(Subject !== undefined && { subject: Subject }),
        }),
      };
    },
  } satisfies Record<string, (input: never, context: OperationContext) => unknown>;

  return {
    service: {
      signingName: 'sns',
      loadClient: () => import('@aws-sdk/client-sns'),
      protocol: 'awsQuery',
      xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
      operations,
      accesses: (
        operation,
        input: { TopicArn?: string; SubscriptionArn?: string; Name?: string },
        { caller },
      ) => {
        const created = input.Name && `arn:aws:sns:${caller.region}:${caller.accountId}:${input.Name}`;
        const topicArn = input.TopicArn ?? input.SubscriptionArn?.replace(/:[^:]*$/, '') ?? created;
        return [{ action: `sns:${operation}`, resource: topicArn ?? '*' }];
      },
    },
    createTopic(arn, attributes = {}) {
      // A topic that is there keeps its policy: what is published meanwhile arrives.
      topics.set(arn, { arn, attributes: { ...topics.get(arn)?.attributes, ...attributes } });
    },
    removeTopic: (arn) => void topics.delete(arn),
    setAttributes(topicArn, attributes) {
      const topic = topics.get(topicArn);
      if (!topic) throw new Error(`there is no topic \`${topicArn}\``);
      change(topic, attributes);
    },
    subscribe(topicArn, protocol, endpoint, { isRaw = false } = {}) {
      if (!topics.has(topicArn)) throw new Error(`there is no topic \`${topicArn}\``);
      const needsToConfirm = protocol === 'email';
      const subscription = subscriptions.add(
        { topicArn, protocol, endpoint, isRaw, owner: accountInArn(topicArn) },
        needsToConfirm,
      );
      if (subscription.pending) askToConfirm(subscription);
      return subscription.arn;
    },
    unsubscribe: subscriptions.remove,
    admits,
    follow(link) {
      const [action, topicArn = '', token = '', arn = ''] = [
        'Action',
        'TopicArn',
        'Token',
        'SubscriptionArn',
      ].map((name) => link.get(name) ?? undefined);
      if (action === 'ConfirmSubscription')
        return `Subscription confirmed: ${confirm(topicArn, token, false)}`;
      const subscription = subscriptions.find(arn);
      if (action !== 'Unsubscribe' || !subscription)
        throw new AwsError('NotFoundException', 'There is no such subscription');
      if (subscription.endsSignedInOnly)
        throw new AwsError('AuthorizationErrorException', 'Sign in to AWS to unsubscribe');
      end(subscription);
      return `Subscription removed: ${arn}`;
    },
    publish(topicArn, publication, { service, sourceArn }) {
      if (!admits(topicArn, service, sourceArn)) return false;
      fanOut(topicArn, publication);
      return true;
    },
  };
}

function requireJson(policy: string) {
  try {
    JSON.parse(policy);
  } catch {
    throw invalid('Policy statement is not JSON');
  }
}

function lets(
  topic: Topic,
  principal: Principal,
  action: string,
  conditions: Readonly<Record<string, string>>,
) {
  const { Policy } = topic.attributes;
  if (!Policy) return false;
  return isAllowedByResourcePolicy(JSON.parse(Policy) as PolicyDocument, principal, {
    action,
    resource: topic.arn,
    conditions,
  });
}

function pageOf<T>(items: readonly T[], token: string | undefined): { items: readonly T[]; next?: string } {
  const start = token ? Number(Buffer.from(token, 'base64').toString()) : 0;
  if (!Number.isInteger(start)) throw invalid('NextToken');
  const end = start + pageSize;
  const page = items.slice(start, end);
  return end < items.length
    ? { items: page, next: Buffer.from(String(end)).toString('base64') }
    : { items: page };
}
