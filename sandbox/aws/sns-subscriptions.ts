import { randomBytes } from 'node:crypto';
import type { MessageAttributeValue } from '@aws-sdk/client-sns';
import type { Clock } from '../clock.ts';
import type { OpenMap } from '../persistence.ts';
import { AwsError } from './aws-service.ts';
import { compilePattern } from './event-pattern.ts';

export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly owner: string;
  /** The filter policy as JSON; SNS delivers only matching messages. */
  readonly filterPolicy?: string | undefined;
  /** Set until the address confirms the subscription; SNS delivers nothing before that. */
  readonly pending?: { readonly token: string; readonly since: number };
  /** `AuthenticateOnUnsubscribe` of the confirmation. */
  readonly authenticateOnUnsubscribe?: boolean;
}

/** SNS deletes a subscription that nobody confirms. */
const pendingMs = 48 * 3_600_000;

export function createSubscriptions(clock: Clock, id: () => string, openMap: OpenMap) {
  const subscriptions = openMap<Subscription>('sns/subscriptions');

  function all(): Subscription[] {
    for (const [arn, { pending }] of subscriptions)
      if (pending && pending.since + pendingMs <= clock.now()) subscriptions.delete(arn);
    return [...subscriptions.values()];
  }

  const to = (topicArn: string) => all().filter((subscription) => subscription.topicArn === topicArn);

  return {
    listByTopic: to,
    find: (arn: string) => all().find((subscription) => subscription.arn === arn),
    /** Adds a subscription. An existing one of the same endpoint gets the new filter policy and stays confirmed. */
    add(subscription: Omit<Subscription, 'arn' | 'pending'>, needsToConfirm: boolean): Subscription {
      const { topicArn, protocol, endpoint } = subscription;
      const there = to(topicArn).find((one) => one.protocol === protocol && one.endpoint === endpoint);
      const isPending = there ? there.pending !== undefined : needsToConfirm;
      const added = {
        ...subscription,
        arn: there?.arn ?? `${topicArn}:${id()}`,
        ...(isPending && { pending: { token: randomBytes(16).toString('hex'), since: clock.now() } }),
      };
      subscriptions.set(added.arn, added);
      return added;
    },
    /** Returns undefined if the token is unknown or expired. */
    confirm(topicArn: string, token: string, authenticateOnUnsubscribe: boolean) {
      const subscription = to(topicArn).find(({ pending }) => pending?.token === token);
      if (!subscription) return undefined;
      const { pending: _, ...confirmed } = { ...subscription, authenticateOnUnsubscribe };
      subscriptions.set(subscription.arn, confirmed);
      return confirmed;
    },
    setFilterPolicy: (subscription: Subscription, filterPolicy: string | undefined) =>
      void subscriptions.set(subscription.arn, { ...subscription, filterPolicy }),
    remove: (arn: string) => void subscriptions.delete(arn),
  };
}

/** Parses the attributes of Subscribe and SetSubscriptionAttributes. @throws AwsError */
export function parseFilterPolicy({
  FilterPolicy = '{}',
  ...unmodelled
}: Readonly<Record<string, string>>): string | undefined {
  const [unmodelledName] = Object.keys(unmodelled);
  if (unmodelledName !== undefined) throw invalidParameter(`AttributeName ${unmodelledName} is not modelled`);
  if (FilterPolicy === '' || FilterPolicy === '{}') return undefined;
  requireFilterPolicy(FilterPolicy);
  return FilterPolicy;
}

export function toAttributes(subscription: Subscription): Readonly<Record<string, string>> {
  const { arn, topicArn, protocol, endpoint, owner, filterPolicy, pending } = subscription;
  return {
    SubscriptionArn: arn,
    TopicArn: topicArn,
    Protocol: protocol,
    Endpoint: endpoint,
    Owner: owner,
    RawMessageDelivery: 'false',
    PendingConfirmation: String(pending !== undefined),
    ConfirmationWasAuthenticated: String(subscription.authenticateOnUnsubscribe ?? protocol === 'sqs'),
    ...(filterPolicy !== undefined && { FilterPolicy: filterPolicy, FilterPolicyScope: 'MessageAttributes' }),
  };
}

/** Whether the filter policy matches the message attributes. */
export function matchesFilter(
  { filterPolicy }: Subscription,
  attributes: Readonly<Record<string, MessageAttributeValue>> = {},
): boolean {
  if (filterPolicy === undefined) return true;
  const values = Object.entries(attributes).map(([name, attribute]) => [name, attributeValue(attribute)]);
  return compilePattern(JSON.parse(filterPolicy))(Object.fromEntries(values));
}

function attributeValue({ DataType, StringValue = '' }: MessageAttributeValue): unknown {
  if (DataType === 'String.Array') return JSON.parse(StringValue);
  return DataType === 'Number' ? Number(StringValue) : StringValue;
}

/** A filter policy uses the EventBridge pattern language, as far as the sandbox models it. */
function requireFilterPolicy(text: string) {
  try {
    const policy: object = JSON.parse(text);
    const nested = Object.keys(policy).find((name) => !Array.isArray(policy[name as keyof typeof policy]));
    if (nested !== undefined) throw new Error(`"${nested}" must be an array`);
    compilePattern(policy);
  } catch (error) {
    throw invalidParameter(`FilterPolicy: ${error instanceof Error ? error.message : error}`);
  }
}

export function invalidParameter(problem: string): AwsError {
  return new AwsError('InvalidParameterException', `Invalid parameter: ${problem}`);
}
