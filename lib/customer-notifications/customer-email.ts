import { composeEmail } from '../channels/email/compose-email.ts';
import type { EmailMessage } from '../channels/email/email-sender.ts';
import type { CustomerEvent, NextEvent } from './customer-event.ts';

/** The attributes of an endpoint in a message. The customer already knows all of them. */
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

/** An event with the attributes of its endpoint. */
export type EndpointEvent<Event extends CustomerEvent = CustomerEvent> = {
  readonly [Kind in Event]: EventFacts & NextEvent<Kind>;
}[Event];

interface CustomerText {
  /** The subject, to which linkgate adds the endpoint and the service. */
  readonly subject: string;
  /** One or two sentences about the event. A message about many endpoints contains only these sentences of each event. */
  readonly body: string;
  /** The next steps of the reader. Each AWS CLI command is a separate item. */
  readonly nextSteps: readonly string[];
}

/** The text of each event. rules/customer-messages has the implementations. */
export type CustomerMessages = {
  readonly [Event in CustomerEvent]: (news: EndpointEvent<Event>) => CustomerText;
};

/** The maximum number of endpoints that an email about many endpoints lists. */
const maxEndpointsInEmail = 20;

/** Composes an e-mail about one event, or about one event of each of many endpoints. */
export function composeCustomerEmail(
  all: readonly EndpointEvent[],
  messages: CustomerMessages,
): EmailMessage {
  const [news, ...others] = all;
  if (!news || others.length > 0) return composeSummaryEmail(all, messages);
  const { subject, body, nextSteps } = renderCustomerText(news, messages);
  return composeEmail(subject, [
    [body],
    ['Next steps', ...formatNextSteps(nextSteps)],
    formatEventFacts(news),
    customerEmailFooter,
  ]);
}

function composeSummaryEmail(all: readonly EndpointEvent[], messages: CustomerMessages): EmailMessage {
  const omittedCount = all.length - maxEndpointsInEmail;
  const [service, ...otherServices] = new Set(all.map((news) => news.service));
  const serviceText = otherServices.length === 0 ? ` to ${service}` : '';
  const byEndpoint = Map.groupBy(all.slice(0, maxEndpointsInEmail), formatEndpointHeading);
  return composeEmail(`Updates on ${all.length} of your endpoints${serviceText}`, [
    ...[...byEndpoint].map(([title, events]) => [
      title,
      ...events.map((news) => `- ${renderCustomerText(news, messages).body}`),
    ]),
    ...(omittedCount > 0
      ? [[`And ${omittedCount} more: aws ec2 describe-vpc-endpoints shows their states.`]]
      : []),
    // Events of one kind have the same next steps, so the email shows those of the first one.
    ...[...Map.groupBy(all, ({ event }) => event).values()].flatMap(([first]) => {
      if (!first) return [];
      const { subject, nextSteps } = renderCustomerText(first, messages);
      return [[`${subject}. Next steps, also for similar endpoints`, ...formatNextSteps(nextSteps)]];
    }),
    customerEmailFooter,
  ]);
}

function renderCustomerText<Event extends CustomerEvent>(
  news: EndpointEvent<Event>,
  messages: CustomerMessages,
): CustomerText {
  const text = messages[news.event as Event](news);
  return { ...text, subject: `${text.subject}: ${news.endpointId} to ${news.service}` };
}

function formatNextSteps(next: readonly string[]): string[] {
  return next.map((step) => (step.startsWith('aws ') ? `  ${step}` : `- ${step}`));
}

function formatEndpointHeading({ ownerAccountId, region, serviceName }: EventFacts): string {
  return `Account ${ownerAccountId} in ${region}, service ${serviceName}:`;
}

function formatEventFacts({ endpointId, ownerAccountId, region, serviceName }: EventFacts): string[] {
  return [`Endpoint: ${endpointId} in ${region}`, `Account: ${ownerAccountId}`, `Service: ${serviceName}`];
}

const customerEmailFooter = [
  'You get this message because the provider of the service lists you as the contact for this account.',
];
