import type { AccountRegion } from '../locations/account-region.ts';

/** The location and ids in a connection notification. They are only a hint: linkgate describes the connections in EC2. */
export interface ConnectionNotification {
  readonly location: AccountRegion;
  /** The SNS topic, if the notification came from one. */
  readonly topicArn?: string;
  readonly endpointIds: readonly string[];
  readonly serviceIds: readonly string[];
}

const serviceIdPattern = /\bvpce-svc-[0-9a-f]{8,17}\b/g;
const endpointIdPattern = /\bvpce-(?!svc-)[0-9a-f]{8,17}\b/g;
const topicArnPattern = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):(\d{12}):.+$/;

/**
 * Parses the body of a queue message: a connection notification in an SNS envelope, or an event from a bus. AWS does not document
 * the body of a notification, so the function finds ids by their format, anywhere in the text.
 * @returns undefined for any other message.
 */
export function parseNotification(body: string): ConnectionNotification | undefined {
  const envelope = parseJsonObject(body);
  if (envelope === undefined) return undefined;
  const location = notificationLocation(envelope);
  if (!location) return undefined;
  const text = typeof envelope.Message === 'string' ? envelope.Message : JSON.stringify(envelope.detail);
  return {
    location,
    ...(typeof envelope.TopicArn === 'string' && { topicArn: envelope.TopicArn }),
    endpointIds: uniqueMatches(text, endpointIdPattern),
    serviceIds: uniqueMatches(text, serviceIdPattern),
  };
}

/** Finds the unique matches of a pattern in a text. */
function uniqueMatches(text: string | undefined, form: RegExp): string[] {
  return [...new Set(text?.match(form))];
}

export function findServiceIds(text: string): string[] {
  return uniqueMatches(text, serviceIdPattern);
}

function parseJsonObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the account and Region of the topic, or of the event. */
function notificationLocation(envelope: Record<string, unknown>): AccountRegion | undefined {
  const { TopicArn: arn, Message: message, detail } = envelope;
  if (typeof arn === 'string' && typeof message === 'string') {
    const [, region, accountId] = topicArnPattern.exec(arn) ?? [];
    return region !== undefined && accountId !== undefined ? { accountId, region } : undefined;
  }
  const { account, region } = envelope;
  if (typeof detail !== 'object' || typeof account !== 'string' || typeof region !== 'string')
    return undefined;
  const connection = (detail as { connection?: { location?: AccountRegion } } | null)?.connection;
  return connection?.location ?? { accountId: account, region };
}
