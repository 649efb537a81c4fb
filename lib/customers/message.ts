import { composeEmail } from '../channels/email/compose-email.ts';
import type { Mail } from '../channels/email/email-sender.ts';
import type { CustomerEvent, NextEvent } from './customer-event.ts';

/** What a message says of the endpoint: what its owner knows already. */
export interface EventFacts {
  readonly endpointId: string;
  readonly ownerAccountId: string;
  /** The endpoint's own Region. */
  readonly region: string;
  /** The provider's name for the service. */
  readonly service: string;
  readonly serviceId: string;
  /** `com.amazonaws.vpce.us-east-1.vpce-svc-…` */
  readonly serviceName: string;
}

/** News about an endpoint, of one kind or of any. */
export type EndpointEvent<Event extends CustomerEvent = CustomerEvent> = {
  readonly [Kind in Event]: EventFacts & NextEvent<Kind>;
}[Event];

export interface Message {
  readonly subject: string;
  /** What happened, in a sentence or two; where many messages become one, this is all of it. */
  readonly says: string;
  /** What its reader should do or expect now. A command of the AWS CLI stands alone. */
  readonly next: readonly string[];
}

/** One message an event: the words are in rules/customer-messages. */
export type CustomerMessages = {
  readonly [Event in CustomerEvent]: (news: EndpointEvent<Event>) => Message;
};

/** How many connections a message about many names. */
export const namedAtMost = 20;

export function emailFor<Event extends CustomerEvent>(
  news: EndpointEvent<Event>,
  messages: CustomerMessages,
): Mail {
  const { subject, says, next } = messageFor(news, messages);
  return composeEmail(subject, [[says], ['What comes next', ...stepsIn(next)], factsOf(news), fineprint]);
}

/** Many news for one reader, who would not read as many mails. Each is about another endpoint. */
export function emailForMany(all: readonly EndpointEvent[], messages: CustomerMessages): Mail {
  const told = all.map((news) => messageFor(news, messages));
  const others = all.length - namedAtMost;
  const kinds = [...new Set(all.map(({ event }) => event))];
  const [service, ...otherServices] = new Set(all.map((news) => news.service));
  const where = otherServices.length === 0 ? ` to ${service}` : '';
  return composeEmail(`News about ${all.length} of your endpoints${where}`, [
    ...[...Map.groupBy(all.slice(0, namedAtMost), whereabouts)].map(([title, ofOne]) => [
      title,
      ...ofOne.map((news) => `- ${messageFor(news, messages).says}`),
    ]),
    ...(others > 0
      ? [[`And ${others} more: your endpoints' states show them (aws ec2 describe-vpc-endpoints).`]]
      : []),
    // What comes next is much the same for all of a kind: it is told of the first.
    ...kinds.flatMap((kind) => {
      const first = told[all.findIndex(({ event }) => event === kind)];
      return first
        ? [[`${first.subject}. What comes next, and for others like it`, ...stepsIn(first.next)]]
        : [];
    }),
    fineprint,
  ]);
}

function messageFor<Event extends CustomerEvent>(
  news: EndpointEvent<Event>,
  messages: CustomerMessages,
): Message {
  return messages[news.event as Event](news);
}

function stepsIn(next: readonly string[]): string[] {
  return next.map((step) => (step.startsWith('aws ') ? `  ${step}` : `- ${step}`));
}

function whereabouts({ ownerAccountId, region, serviceName }: EventFacts): string {
  return `Account ${ownerAccountId} in ${region}, service ${serviceName}:`;
}

function factsOf({ endpointId, ownerAccountId, region, serviceName }: EventFacts): string[] {
  return [`Endpoint: ${endpointId} in ${region}`, `Account: ${ownerAccountId}`, `Service: ${serviceName}`];
}

const fineprint = [
  'You are told because the provider of the service has you as the contact for this account.',
];
