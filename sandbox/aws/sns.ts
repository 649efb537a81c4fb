import type * as Client from '@aws-sdk/client-sns';
import { accountIdFromArn } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import { isAllowedByResourcePolicy, type PolicyDocument, type Principal } from '../iam/policy.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import { AwsError, type AwsService, type Caller, type OperationContext } from './aws-service.ts';
import { paginate } from './paging.ts';
import { confirmationMail, envelope, type Mail, messageMail, type Publication } from './sns-bodies.ts';
import {
  createSubscriptions,
  invalidParameter,
  matchesFilter,
  parseFilterPolicy,
  type Subscription,
  toAttributes,
} from './sns-subscriptions.ts';

/** The body that the subscriber receives. */
export interface Delivery {
  readonly subscription: Subscription;
  readonly body: string;
  /** The email, for email subscriptions. */
  readonly mail?: Mail;
}

interface Topic {
  readonly arn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export type Sns = ReturnType<typeof createSns>;

const pageSize = 100;
const protocols = ['sqs', 'email'];

/** The topics of all accounts and Regions, by ARN. `deliver` sends a message to one subscriber. */
export function createSns({
  clock,
  id,
  origin,
  deliver,
  openMap = inMemory,
}: {
  clock: Clock;
  id: () => string;
  /** The URL prefix of links in emails. */
  origin: string;
  deliver: (delivery: Delivery) => void;
  openMap?: OpenMap;
}) {
  const topics = openMap<Topic>('sns/topics');
  const subscriptions = createSubscriptions(clock, id, openMap);

  function requireTopic(arn: string | undefined, operation: string, caller: Caller): Topic {
    const topic = topics.get(arn ?? '');
    if (!topic) throw new AwsError('NotFoundException', 'Topic does not exist');
    const isOwner = accountIdFromArn(topic.arn) === caller.accountId;
    if (
      !isOwner &&
      !topicAllows(topic, { roleArn: caller.arn, accountId: caller.accountId }, `sns:${operation}`, {})
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

  /** The owners of the subscription and of the topic may change the subscription. */
  function requireSubscription(arn: string | undefined, { accountId }: Caller): Subscription {
    const subscription = subscriptions.find(arn ?? '');
    if (!subscription) throw new AwsError('NotFoundException', 'Subscription does not exist');
    if (![subscription.owner, accountIdFromArn(subscription.topicArn)].includes(accountId))
      throw new AwsError('AuthorizationErrorException', 'Not authorized');
    return subscription;
  }

  function fanOut(topicArn: string, publication: Publication): string {
    const messageId = id();
    for (const subscription of subscriptions.listByTopic(topicArn)) {
      if (subscription.pending || !matchesFilter(subscription, publication.attributes)) continue;
      deliver({
        subscription,
        body: envelope(subscription, publication, messageId, clock.now()),
        ...(subscription.protocol === 'email' && { mail: messageMail(subscription, publication, origin) }),
      });
    }
    return messageId;
  }

  function askToConfirm(subscription: Subscription) {
    deliver({ subscription, body: '', mail: confirmationMail(subscription, origin) });
  }

  function confirm(topicArn: string, token: string, authenticateOnUnsubscribe: boolean): string {
    const confirmed = subscriptions.confirm(topicArn, token, authenticateOnUnsubscribe);
    if (!confirmed) throw invalidParameter('Token');
    return confirmed.arn;
  }

  function end({ arn, pending }: Subscription) {
    // Unsubscribe does not delete a pending subscription; it expires.
    if (pending) throw invalidParameter('SubscriptionArn Reason: the subscription is pending confirmation');
    subscriptions.remove(arn);
  }

  function allowsPublish(topicArn: string, service: string, sourceArn: string): boolean {
    const topic = topics.get(topicArn);
    const source = { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': accountIdFromArn(sourceArn) };
    return topic !== undefined && topicAllows(topic, { service }, 'sns:Publish', source);
  }

  const operations = {
    CreateTopic({ Name = '', Attributes = {} }: Client.CreateTopicInput, { caller }) {
      if (!/^[\w-]{1,251}(\.fifo)?$/.test(Name)) throw invalidParameter('Topic Name');
      const arn = `arn:aws:sns:${caller.region}:${caller.accountId}:${Name}`;
      if (!topics.has(arn)) topics.set(arn, { arn, attributes: Attributes });
      return { TopicArn: arn };
    },

    SetTopicAttributes(input: Client.SetTopicAttributesInput, { caller }) {
      const topic = requireTopic(input.TopicArn, 'SetTopicAttributes', caller);
      const { AttributeName = '', AttributeValue = '' } = input;
      if (AttributeName !== 'Policy')
        throw invalidParameter(`AttributeName ${AttributeName} is not modelled`);
      try {
        JSON.parse(AttributeValue);
      } catch {
        throw invalidParameter('Policy statement is not JSON');
      }
      change(topic, { Policy: AttributeValue });
    },

    Subscribe(input: Client.SubscribeInput, { caller }) {
      const topic = requireTopic(input.TopicArn, 'Subscribe', caller);
      const { Protocol = '', Endpoint = '', Attributes = {} } = input;
      if (!protocols.includes(Protocol)) throw invalidParameter(`protocol ${Protocol} is not modelled`);
      if (Protocol === 'sqs' && !Endpoint.startsWith('arn:aws:sqs:'))
        throw invalidParameter('SQS endpoint ARN');
      if (Protocol === 'email' && !/^\S+@\S+$/.test(Endpoint)) throw invalidParameter('Email address');
      const filterPolicy = parseFilterPolicy(Attributes);
      const there = subscriptions
        .listByTopic(topic.arn)
        .find(({ protocol, endpoint }) => protocol === Protocol && endpoint === Endpoint);
      if (there && there.filterPolicy !== filterPolicy)
        throw invalidParameter('Attributes Reason: Subscription already exists with different attributes');
      const subscription = subscriptions.add(
        {
          topicArn: topic.arn,
          protocol: Protocol,
          endpoint: Endpoint,
          owner: caller.accountId,
          filterPolicy,
        },
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
      // Unsubscribe succeeds for a subscription that does not exist.
      if (subscriptions.find(SubscriptionArn ?? '')) end(requireSubscription(SubscriptionArn, caller));
    },

    GetSubscriptionAttributes({ SubscriptionArn }: Client.GetSubscriptionAttributesInput, { caller }) {
      return { Attributes: toAttributes(requireSubscription(SubscriptionArn, caller)) };
    },

    SetSubscriptionAttributes(input: Client.SetSubscriptionAttributesInput, { caller }) {
      const subscription = requireSubscription(input.SubscriptionArn, caller);
      const { AttributeName = '', AttributeValue = '' } = input;
      const filterPolicy = parseFilterPolicy({ [AttributeName]: AttributeValue });
      subscriptions.setFilterPolicy(subscription, filterPolicy);
    },

    ListSubscriptionsByTopic({ TopicArn, NextToken }: Client.ListSubscriptionsByTopicInput, { caller }) {
      const topic = requireTopic(TopicArn, 'ListSubscriptionsByTopic', caller);
      const page = paginate(subscriptions.listByTopic(topic.arn), ({ arn }) => arn, {
        size: pageSize,
        token: NextToken,
      });
      return {
        NextToken: page.NextToken,
        Subscriptions: page.rows.map(({ arn, protocol, endpoint, owner, topicArn, pending }) => ({
          SubscriptionArn: pending ? 'PendingConfirmation' : arn,
          Protocol: protocol,
          Endpoint: endpoint,
          Owner: owner,
          TopicArn: topicArn,
        })),
      };
    },

    Publish(input: Client.PublishInput, { caller }) {
      const topic = requireTopic(input.TopicArn ?? input.TargetArn, 'Publish', caller);
      const { Message = '', Subject, MessageAttributes = {} } = input;
      if (Message === '') throw invalidParameter('Empty message');
      if (Subject !== undefined && !/^[ -~]{1,99}$/.test(Subject)) throw invalidParameter('Subject');
      return {
        MessageId: fanOut(topic.arn, {
          message: Message,
          attributes: MessageAttributes,
          ...(Subject !== undefined && { subject: Subject }),
        }),
      };
    },
  } satisfies Record<string, (input: never, context: OperationContext) => unknown>;

  const service: AwsService = {
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
  };

  return {
    service,
    /** Creates a topic, or changes the attributes of an existing one. */
    createTopic(arn: string, attributes: Topic['attributes'] = {}) {
      // An existing topic keeps its policy, so that messages published during a start arrive.
      topics.set(arn, { arn, attributes: { ...topics.get(arn)?.attributes, ...attributes } });
    },
    removeTopic: (arn: string) => void topics.delete(arn),
    setAttributes(topicArn: string, attributes: Topic['attributes']) {
      const topic = topics.get(topicArn);
      if (!topic) throw new Error(`there is no topic \`${topicArn}\``);
      change(topic, attributes);
    },
    subscribe(topicArn: string, protocol: string, endpoint: string) {
      if (!topics.has(topicArn)) throw new Error(`there is no topic \`${topicArn}\``);
      const owner = accountIdFromArn(topicArn);
      const subscription = subscriptions.add({ topicArn, protocol, endpoint, owner }, protocol === 'email');
      if (subscription.pending) askToConfirm(subscription);
      return subscription.arn;
    },
    unsubscribe: subscriptions.remove,
    /** Whether the topic exists and its policy lets a service publish on behalf of `sourceArn`. */
    acceptsFrom: allowsPublish,
    /** Follows an unsigned link of an email: confirm or unsubscribe. Throws `AwsError`. */
    followLink(link: URLSearchParams) {
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
      if (subscription.authenticateOnUnsubscribe)
        throw new AwsError('AuthorizationErrorException', 'Sign in to AWS to unsubscribe');
      end(subscription);
      return `Subscription removed: ${arn}`;
    },
    /** Publishes for an AWS service. Returns false if the topic policy denies it; AWS does not report that. */
    publish(
      topicArn: string,
      publication: Publication,
      { service, sourceArn }: { readonly service: string; readonly sourceArn: string },
    ) {
      if (!allowsPublish(topicArn, service, sourceArn)) return false;
      fanOut(topicArn, publication);
      return true;
    },
  };
}

function topicAllows(
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
