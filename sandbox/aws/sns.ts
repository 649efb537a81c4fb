import type * as Client from '@aws-sdk/client-sns';
import type { Clock } from '../clock.ts';
import { isAllowedByResourcePolicy, type PolicyDocument, type Principal } from '../iam/policy.ts';
import { accountOf } from '../places.ts';
import { forget, type Keep } from '../store.ts';
import { AwsError, type AwsService, type Caller, type OperationContext } from './aws-service.ts';

export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly owner: string;
  readonly isRaw: boolean;
  /** E-mail addresses confirm before anything is sent to them, which nobody does here: they count as confirmed when the stack makes them. */
  readonly isPending: boolean;
}

export interface Publication {
  readonly message: string;
  readonly subject?: string;
  readonly attributes?: Readonly<Record<string, Client.MessageAttributeValue>>;
}

/** What a subscriber gets. */
export interface Delivery {
  readonly subscription: Subscription;
  readonly body: string;
  readonly publication: Publication;
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
  /** Publishes for an AWS service; false where the topic does not let it, of which AWS tells nobody. */
  publish(
    topicArn: string,
    publication: Publication,
    source: { readonly service: string; readonly sourceArn: string },
  ): boolean;
}

const pageSize = 100;
const protocols = ['sqs', 'email', 'email-json'];

/** The topics of all accounts and Regions, by ARN. `deliver` carries each message to one subscriber. */
export function createSns({
  clock,
  id,
  deliver,
  keep = forget,
}: {
  clock: Clock;
  id: () => string;
  deliver: (delivery: Delivery) => void;
  keep?: Keep;
}): Sns {
  const topics = keep<Topic>('sns/topics');
  const subscriptions = keep<Subscription>('sns/subscriptions');

  function topicFor(arn: string | undefined, operation: string, caller: Caller): Topic {
    const topic = topics.get(arn ?? '');
    if (!topic) throw new AwsError('NotFoundException', 'Topic does not exist');
    const isOwner = accountOf(topic.arn) === caller.accountId;
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

  function subscriptionsTo(topicArn: string): Subscription[] {
    return [...subscriptions.values()].filter((subscription) => subscription.topicArn === topicArn);
  }

  function add(subscription: Omit<Subscription, 'arn'>): Subscription {
    const isSame = ({ protocol, endpoint }: Subscription) =>
      protocol === subscription.protocol && endpoint === subscription.endpoint;
    const arn =
      subscriptionsTo(subscription.topicArn).find(isSame)?.arn ?? `${subscription.topicArn}:${id()}`;
    const added = { ...subscription, arn };
    subscriptions.set(arn, added);
    return added;
  }

  function fanOut(topicArn: string, publication: Publication): string {
    const messageId = id();
    for (const subscription of subscriptionsTo(topicArn).filter(({ isPending }) => !isPending))
      deliver({
        subscription,
        publication,
        body: subscription.isRaw
          ? publication.message
          : envelope(subscription, publication, messageId, clock.now()),
        attributes: subscription.isRaw ? (publication.attributes ?? {}) : {},
      });
    return messageId;
  }

  function admits(topicArn: string, service: string, sourceArn: string): boolean {
    const topic = topics.get(topicArn);
    const source = { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': accountOf(sourceArn) };
    return topic !== undefined && lets(topic, { service }, 'sns:Publish', source);
  }

  const operations = {
    CreateTopic({ Name = '', Attributes = {} }: Client.CreateTopicInput, { caller }) {
      if (!/^[\w-]{1,251}(\.fifo)?$/.test(Name)) throw invalid('Invalid parameter: Topic Name');
      const arn = `arn:aws:sns:${caller.region}:${caller.accountId}:${Name}`;
      if (!topics.has(arn)) topics.set(arn, { arn, attributes: Attributes });
      return { TopicArn: arn };
    },

    Subscribe(input: Client.SubscribeInput, { caller }) {
      const topic = topicFor(input.TopicArn, 'Subscribe', caller);
      const { Protocol = '', Endpoint = '', Attributes = {} } = input;
      if (!protocols.includes(Protocol))
        throw invalid(`Invalid parameter: protocol ${Protocol} is not modelled`);
      if (Protocol === 'sqs' && !Endpoint.startsWith('arn:aws:sqs:'))
        throw invalid('Invalid parameter: SQS endpoint ARN');
      const strange = Object.keys(Attributes).find((name) => name !== 'RawMessageDelivery');
      if (strange) throw invalid(`Invalid parameter: AttributeName ${strange} is not modelled`);
      const { arn, isPending } = add({
        topicArn: topic.arn,
        protocol: Protocol,
        endpoint: Endpoint,
        owner: caller.accountId,
        isRaw: Attributes.RawMessageDelivery === 'true',
        isPending: Protocol !== 'sqs',
      });
      return { SubscriptionArn: isPending && !input.ReturnSubscriptionArn ? 'pending confirmation' : arn };
    },

    Unsubscribe({ SubscriptionArn = '' }: Client.UnsubscribeInput) {
      subscriptions.delete(SubscriptionArn);
    },

    ListSubscriptionsByTopic({ TopicArn, NextToken }: Client.ListSubscriptionsByTopicInput, { caller }) {
      const topic = topicFor(TopicArn, 'ListSubscriptionsByTopic', caller);
      const page = pageOf(subscriptionsTo(topic.arn), NextToken);
      return {
        NextToken: page.next,
        Subscriptions: page.items.map(({ arn, protocol, endpoint, owner, topicArn, isPending }) => ({
          SubscriptionArn: isPending ? 'PendingConfirmation' : arn,
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
      const all = subscriptionsTo(topic.arn);
      const pending = all.filter(({ isPending }) => isPending).length;
      return {
        Attributes: {
          ...topic.attributes,
          TopicArn: topic.arn,
          Owner: accountOf(topic.arn),
          SubscriptionsConfirmed: String(all.length - pending),
          SubscriptionsPending: String(pending),
          SubscriptionsDeleted: '0',
        },
      };
    },

    Publish(input: Client.PublishInput, { caller }) {
      const topic = topicFor(input.TopicArn ?? input.TargetArn, 'Publish', caller);
      const { Message = '', Subject, MessageAttributes = {} } = input;
      if (Message === '') throw invalid('Invalid parameter: Empty message');
      if (Subject !== undefined && !/^[ -~]{1,99}$/.test(Subject))
        throw invalid('Invalid parameter: Subject');
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
      topics.set(topicArn, { ...topic, attributes: { ...topic.attributes, ...attributes } });
    },
    subscribe(topicArn, protocol, endpoint, { isRaw = false } = {}) {
      if (!topics.has(topicArn)) throw new Error(`there is no topic \`${topicArn}\``);
      return add({ topicArn, protocol, endpoint, isRaw, owner: accountOf(topicArn), isPending: false }).arn;
    },
    unsubscribe: (arn) => void subscriptions.delete(arn),
    admits,
    publish(topicArn, publication, { service, sourceArn }) {
      if (!admits(topicArn, service, sourceArn)) return false;
      fanOut(topicArn, publication);
      return true;
    },
  };
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

/** What a subscriber gets who did not ask for raw delivery. The signature is nobody's: there is no key to sign with. */
function envelope(
  { arn, topicArn }: Subscription,
  publication: Publication,
  messageId: string,
  now: number,
): string {
  const { message, subject, attributes = {} } = publication;
  const region = topicArn.split(':')[3];
  const host = `https://sns.${region}.amazonaws.com`;
  const MessageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      { Type: DataType, Value: StringValue ?? Buffer.from(BinaryValue ?? []).toString('base64') },
    ]),
  );
  return JSON.stringify({
    Type: 'Notification',
    MessageId: messageId,
    TopicArn: topicArn,
    Subject: subject,
    Message: message,
    Timestamp: new Date(now).toISOString(),
    SignatureVersion: '1',
    Signature: 'EXAMPLE',
    SigningCertURL: `${host}/SimpleNotificationService-example.pem`,
    UnsubscribeURL: `${host}/?Action=Unsubscribe&SubscriptionArn=${arn}`,
    ...(Object.keys(MessageAttributes).length > 0 && { MessageAttributes }),
  });
}

function pageOf<T>(items: readonly T[], token: string | undefined): { items: readonly T[]; next?: string } {
  const start = token ? Number(Buffer.from(token, 'base64').toString()) : 0;
  if (!Number.isInteger(start)) throw invalid('Invalid parameter: NextToken');
  const end = start + pageSize;
  const page = items.slice(start, end);
  return end < items.length
    ? { items: page, next: Buffer.from(String(end)).toString('base64') }
    : { items: page };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
