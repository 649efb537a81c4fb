import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { connectionRules } from '../../rules/connection/index.ts';
import { createOnce } from '../values/create-once.ts';

export { customerMessages } from '../../rules/customer-messages/index.ts';

import { withAuditLog } from '../audit/audit-log.ts';
import { createLink, type LinkClaims } from '../channels/approval-link/link.ts';
import type { Subscriptions } from '../channels/email/subscriptions.ts';
import { slackRespond } from '../channels/slack/respond.ts';
import { slackWebApi } from '../channels/slack/web-api.ts';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import type { ModeParameter, ReadMode } from '../mode/mode.ts';
import type { NotificationQueue, NotificationTarget } from '../outbox/notification.ts';
import type { ChangeableConnections, Connections } from '../privatelink/connections.ts';
import type { ApplyMessage, ApplyQueue } from '../reconcile/apply-queue.ts';
import { orReported } from '../runtime/runtime.ts';
import { cachedSecret, type Secret } from '../runtime/secret.ts';
import type { AllowedPrincipals } from '../services/allowed-principals/allowed-principals.ts';
import type { EndpointServices } from '../services/endpoint-services.ts';
import type { ServiceCheckQueue, ServiceCheckRequest } from '../services/service-check-queue.ts';
import type { SweepQueue, SweepRequest } from '../sweep/sweep-queue.ts';
import { awsDeployment } from './aws-deployment.ts';
import { dynamoDbTable } from './dynamodb-table.ts';
import { ec2AllowedPrincipals } from './ec2-allowed-principals.ts';
import { ec2ConnectionChanges } from './ec2-connection-changes.ts';
import { ec2Connections } from './ec2-connections.ts';
import { ec2EndpointServices } from './ec2-endpoint-services.ts';
import { env } from './env.ts';
import { eventBridgeBus } from './event-bus.ts';
import { snsCustomerSender } from './sns-customer-sender.ts';
import { snsEmailSender, snsOperationsPublisher } from './sns-email-sender.ts';
import { snsSubscriptions } from './sns-subscriptions.ts';
import { sqsDeadLetterQueue } from './sqs-dead-letter-queue.ts';
import { sqsQueue } from './sqs-queue.ts';
import { modeOrFailSafe, ssmMode, ssmModeParameter } from './ssm-mode.ts';
import { ssmSecretReader } from './ssm-secret-reader.ts';
import { ssmSecrets } from './ssm-secrets.ts';

// Each Lambda function calls the factories that it needs at load time. The bundler drops the other clients.

export const logger = new Logger({ serviceName: 'linkgate' });

export const rules = connectionRules;
/** The clock and the error log of every invocation. */
export const runtime = {
  now: () => new Date(),
  reportError: (error: unknown, operation: string) => logger.error('non-fatal error', { operation, error }),
};
export const newId = () => randomUUID();
export const newSigningKey = () => randomBytes(32).toString('base64url');
export { sleep };

// A function shares one client for each AWS service among all its adapters.
const dynamodb = /* @__PURE__ */ createOnce(() => new DynamoDBClient({}));
const sns = /* @__PURE__ */ createOnce(() => new SNSClient({}));
const sqs = /* @__PURE__ */ createOnce(() => new SQSClient({}));
const ssm = /* @__PURE__ */ createOnce(() => new SSMClient({}));

/** Returns the account and Region of the deployment. */
export function hub(): AccountRegion {
  return { accountId: env('LINKGATE_ACCOUNT_ID'), region: env('AWS_REGION') };
}

export function createTable() {
  const table = dynamoDbTable(dynamodb(), env('LINKGATE_TABLE'), {
    sleep,
    random: Math.random,
  });
  return withAuditLog(table, (entries) => logger.info('audit entries written', { entries }));
}

export function createBus() {
  return eventBridgeBus(new EventBridgeClient({}), env('LINKGATE_BUS'));
}

/** Read-only connections, by location. */
export function createConnections(): (location: AccountRegion) => Connections {
  return createOncePerLocation((location) =>
    ec2Connections(new EC2Client({ region: location.region }), location, runtime.reportError),
  );
}

/**
 * Connections for apply-verdicts, by location. The client for Accept and Reject times out after 5 s and never retries: after an
 * error apply-verdicts describes the connections to determine the result.
 */
export function createChangeableConnections(): (location: AccountRegion) => ChangeableConnections {
  return createOncePerLocation((location) => {
    const { region } = location;
    const requestHandler = { requestTimeout: 5_000, throwOnRequestTimeout: true };
    const singleAttemptEc2 = new EC2Client({ region, maxAttempts: 1, requestHandler });
    return {
      ...ec2Connections(new EC2Client({ region }), location, runtime.reportError),
      ...ec2ConnectionChanges(singleAttemptEc2),
    };
  });
}

export function createEndpointServices(): (location: AccountRegion) => EndpointServices {
  const stage = env('LINKGATE_STAGE');
  return createOncePerLocation((location) =>
    ec2EndpointServices(new EC2Client({ region: location.region }), stage),
  );
}

/** Allowed principals, by location. Only check-service may change them. */
export function createAllowedPrincipals(): (location: AccountRegion) => AllowedPrincipals {
  return createOncePerLocation((location) =>
    ec2AllowedPrincipals(new EC2Client({ region: location.region })),
  );
}

export function createServiceCheckQueue(): ServiceCheckQueue {
  const queue = sqsQueue<ServiceCheckRequest>(sqs(), env('LINKGATE_SERVICE_CHECKS_QUEUE_URL'));
  return {
    enqueue(serviceIds, options) {
      const enqueuedAt = runtime.now().toISOString();
      return queue.enqueue(
        serviceIds.map((serviceId) => ({ serviceId, enqueuedAt })),
        options,
      );
    },
  };
}

/** A FIFO queue with one message group for each location, so that no two invocations process a location at the same time. */
export function createApplyQueue(): ApplyQueue {
  const queue = sqsQueue<ApplyMessage>(sqs(), env('LINKGATE_APPLY_QUEUE_URL'), {
    groupId: ({ location }) => formatAccountRegion(location),
    newDeduplicationId: newId,
  });
  return { enqueue: (location) => queue.enqueue([{ location }]) };
}

/** Creates the dead-letter queue to which apply-verdicts sends malformed messages. */
export function createDeadLetterQueue() {
  return sqsDeadLetterQueue(sqs(), env('LINKGATE_APPLY_DEAD_LETTERS_QUEUE_URL'));
}

export const createNotificationQueue = () =>
  createTargetQueue(env('LINKGATE_APPROVER_NOTIFICATIONS_QUEUE_URL'));

export const createCustomerNotificationQueue = () =>
  createTargetQueue(env('LINKGATE_CUSTOMER_NOTIFICATIONS_QUEUE_URL'));

function createTargetQueue(queueUrl: string): NotificationQueue {
  const { enqueue } = sqsQueue<NotificationTarget>(sqs(), queueUrl);
  return {
    enqueue,
    enqueueAfter: (seconds, targets) => enqueue(targets, { afterSeconds: Math.max(seconds, 1) }),
  };
}

export function createSweepQueue(): SweepQueue {
  const queue = sqsQueue<SweepRequest>(sqs(), env('LINKGATE_SWEEP_REQUESTS_QUEUE_URL'));
  return { enqueue: (sweep, options) => queue.enqueue([sweep], options) };
}

/** Reads the mode. An unreadable mode counts as observe. */
export function createModeReader(): ReadMode {
  return modeOrFailSafe(ssmMode(ssm(), env('LINKGATE_MODE_PARAMETER')), logModeUnreadable);
}

export function createModeParameter(): { mode: ReadMode; modeParameter: ModeParameter } {
  const modeParameter = ssmModeParameter(ssm(), env('LINKGATE_MODE_PARAMETER'));
  return { modeParameter, mode: modeOrFailSafe(modeParameter.read, logModeUnreadable) };
}

function logModeUnreadable(error: unknown) {
  logger.error('mode unreadable; failing safe to observe', { error });
}

/** Describes the deployment's own resources for the doctor. */
export function createDeployment() {
  return awsDeployment(
    { dynamodb: dynamodb(), sns: sns(), sqs: sqs(), ssm: ssm() },
    {
      stage: env('LINKGATE_STAGE'),
      tableName: env('LINKGATE_TABLE'),
      queueUrls: env('LINKGATE_QUEUE_URLS').split(','),
      topicArn: env('LINKGATE_CONNECTIONS_TOPIC_ARN'),
    },
  );
}

export function createSecrets() {
  return ssmSecrets(ssm(), env('LINKGATE_STAGE'));
}

/** Returns a Slack client for the given bot tokens. */
export function createSlackForTokens() {
  const url = env('LINKGATE_SLACK_API_URL');
  return (tokens: readonly string[]) =>
    slackWebApi({ url, tokens: async () => tokens, fetch, timeoutMs: 5_000 });
}

/** Creates the e-mail subscriptions of approvers. */
export function createApproverSubscriptions(): Subscriptions {
  return snsSubscriptions(sns(), env('LINKGATE_APPROVALS_TOPIC_ARN'), 'approver');
}

/** Creates the e-mail subscriptions of customers' contacts. */
export function createCustomerSubscriptions(): Subscriptions {
  return snsSubscriptions(sns(), env('LINKGATE_CUSTOMERS_TOPIC_ARN'), 'customer');
}

export function createOperationsPublisher() {
  return snsOperationsPublisher(sns(), env('LINKGATE_OPERATIONS_TOPIC_ARN'));
}

/** Creates the e-mail subscriptions of recipients of operations notices. */
export function createOperationsSubscriptions(): Subscriptions {
  return snsSubscriptions(sns(), env('LINKGATE_OPERATIONS_TOPIC_ARN'), 'operations');
}

/** Reads one secret from SSM and caches it. */
export function createSecret(name: 'links/signing-key' | 'slack/bot-token' | 'slack/signing-secret'): Secret {
  return cachedSecret(ssmSecretReader(ssm(), `/linkgate/${env('LINKGATE_STAGE')}/${name}`), runtime);
}

/** @param timeoutMs the timeout of one call to Slack */
export function createSlack({ timeoutMs, token = createSecret('slack/bot-token') }: SlackClientOptions) {
  return slackWebApi({
    url: env('LINKGATE_SLACK_API_URL'),
    tokens: token.values,
    refreshedTokens: token.refresh,
    fetch,
    timeoutMs,
  });
}
interface SlackClientOptions {
  readonly timeoutMs: number;
  readonly token?: Secret;
}

/** Returns a Slack client; undefined until somebody has connected Slack. */
export function createSlackIfConnected({ timeoutMs }: { readonly timeoutMs: number }) {
  const token = createSecret('slack/bot-token');
  const slack = createSlack({ timeoutMs, token });
  return async () => {
    const storedTokens = (await orReported(runtime.reportError, 'read Slack token', token.values)) ?? [];
    const tokens = storedTokens.length > 0 ? storedTokens : await token.refresh();
    return tokens?.length ? slack : undefined;
  };
}

/** Signs the approval links in e-mails. */
export function createApprovalLinks() {
  const key = createSecret('links/signing-key');
  const approvalUrl = env('LINKGATE_APPROVAL_URL');
  return async (claims: LinkClaims) => {
    const [current = ''] = await key.values();
    return createLink(approvalUrl, claims, current);
  };
}

export function createEmailSender() {
  return snsEmailSender(sns(), env('LINKGATE_APPROVALS_TOPIC_ARN'), 'approver');
}

/** Sends customer notifications to contacts. */
export function createCustomerSender() {
  const mails = snsEmailSender(sns(), env('LINKGATE_CUSTOMERS_TOPIC_ARN'), 'customer');
  const clients = new Map<string, SNSClient>();
  return snsCustomerSender(mails, (region) => {
    const client = clients.get(region) ?? new SNSClient({ region });
    clients.set(region, client);
    return client;
  });
}

export function createSlackRespond({ timeoutMs }: { readonly timeoutMs: number }) {
  const { reportError } = runtime;
  return slackRespond({ apiUrl: env('LINKGATE_SLACK_API_URL'), fetch, timeoutMs, reportError });
}

function createOncePerLocation<T>(make: (location: AccountRegion) => T): (location: AccountRegion) => T {
  const instances = new Map<string, T>();
  return (location) => {
    const name = formatAccountRegion(location);
    const instance = instances.get(name) ?? make(location);
    instances.set(name, instance);
    return instance;
  };
}
