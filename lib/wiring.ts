import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { connectionRules } from '../rules/connection/index.ts';

export { consumerMessages } from '../rules/consumer-messages/index.ts';

import { type LinkClaims, linkTo } from './approval-link/link.ts';
import { witnessed } from './audit/witness.ts';
import { setting } from './config.ts';
import type { ChangeableConnections, Connections } from './connection/connections.ts';
import { ec2ConnectionChanges } from './connection/ec2-connection-changes.ts';
import { ec2Connections } from './connection/ec2-connections.ts';
import { eventBridgeBus } from './connection/eventbridge-bus.ts';
import { sqsWorkBell } from './connection/sqs-work-bell.ts';
import { snsPost } from './customer/sns-post.ts';
import type { Endpoint } from './customer/untold.ts';
import { sqsDeadLetters } from './dead-letters.ts';
import { awsDeployment } from './doctor/aws-deployment.ts';
import { orReport } from './invocation.ts';
import { snsMails } from './mail/sns-mails.ts';
import { snsSubscriptions } from './mail/sns-subscriptions.ts';
import type { Subscriptions } from './mail/subscriptions.ts';
import type { ModeParameter, ReadMode } from './mode/mode.ts';
import { modeOrObserve, ssmMode, ssmModeParameter } from './mode/ssm-mode.ts';
import { type Place, placeName } from './place.ts';
import type { AllowedPrincipals } from './principals/allowed-principals.ts';
import { ec2AllowedPrincipals } from './principals/ec2-allowed-principals.ts';
import { cachedSecret, type Secret } from './secret.ts';
import { ec2EndpointServices } from './service/ec2-endpoint-services.ts';
import type { EndpointServices } from './service/endpoint-services.ts';
import type { ServiceBell } from './service/service-bell.ts';
import { sqsServiceBell } from './service/sqs-service-bell.ts';
import { slackRespond } from './slack/respond.ts';
import { slackWebApi } from './slack/web-api.ts';
import { ssmSecretReader } from './ssm-secret-reader.ts';
import { ssmSecrets } from './ssm-secrets.ts';
import { sqsSweeps } from './sweep/sqs-sweeps.ts';
import { dynamoDbTable } from './table/dynamodb-table.ts';
import { sqsNotices } from './telling/sqs-notices.ts';

// Each function calls what it needs of these while it loads; the bundler leaves the other clients out.

export const logger = new Logger({ serviceName: 'linkgate' });

export const rules = connectionRules;
/** What every run of every function has. */
export const everyRun = {
  now: () => new Date(),
  report: (error: unknown) => logger.error('something broke, and the rest went on', { error }),
};
export const id = () => randomUUID();
export const newKey = () => randomBytes(32).toString('base64url');
export { sleep };

// One client of each kind for a function, however many of its adapters use it.
const dynamodb = /* @__PURE__ */ once(() => new DynamoDBClient({}));
const sns = /* @__PURE__ */ once(() => new SNSClient({}));
const sqs = /* @__PURE__ */ once(() => new SQSClient({}));
const ssm = /* @__PURE__ */ once(() => new SSMClient({}));

/** The deployment's own place. */
export function hub(): Place {
  return { accountId: setting('LINKGATE_ACCOUNT_ID'), region: setting('AWS_REGION') };
}

export function wireTable() {
  const table = dynamoDbTable(dynamodb(), setting('LINKGATE_TABLE'), {
    sleep,
    random: Math.random,
  });
  return witnessed(table, (entries) => logger.info('audit entries written', { entries }));
}

export function wireBus() {
  return eventBridgeBus(new EventBridgeClient({}), setting('LINKGATE_BUS'));
}

/** Connections by place, for those who only read. */
export function wireConnections(): (place: Place) => Connections {
  return oncePerPlace((place) =>
    ec2Connections(new EC2Client({ region: place.region }), place, everyRun.report),
  );
}

/**
 * Connections by place, for the actor. Its changes are made by a client that gives up after 5 s and never repeats:
 * after an error it is for the actor to look what happened.
 */
export function wireConnectionsToChange(): (place: Place) => ChangeableConnections {
  return oncePerPlace((place) => {
    const { region } = place;
    const requestHandler = { requestTimeout: 5_000, throwOnRequestTimeout: true };
    const once = new EC2Client({ region, maxAttempts: 1, requestHandler });
    return {
      ...ec2Connections(new EC2Client({ region }), place, everyRun.report),
      ...ec2ConnectionChanges(once),
    };
  });
}

export function wireServices(): (place: Place) => EndpointServices {
  const stage = setting('LINKGATE_STAGE');
  return oncePerPlace((place) => ec2EndpointServices(new EC2Client({ region: place.region }), stage));
}

/** Allowed principals by place, for the one function that may change them. */
export function wirePrincipals(): (place: Place) => AllowedPrincipals {
  return oncePerPlace((place) => ec2AllowedPrincipals(new EC2Client({ region: place.region })));
}

export function wireServiceBell(): ServiceBell {
  return sqsServiceBell(sqs(), setting('LINKGATE_SERVICE_CHANGES_QUEUE_URL'), everyRun.now);
}

export function wireWorkBell() {
  return sqsWorkBell(sqs(), setting('LINKGATE_VERDICTS_QUEUE_URL'), id);
}

/** Where the actor puts what is malformed. */
export function wireDeadLetters() {
  return sqsDeadLetters(sqs(), setting('LINKGATE_VERDICTS_DEAD_LETTERS_QUEUE_URL'));
}

export function wireNotices() {
  return sqsNotices(sqs(), setting('LINKGATE_NOTICES_QUEUE_URL'));
}

/** Has consumers told of what a lost stream record left untold. */
export function wireConsumerNotices() {
  return sqsNotices<Endpoint>(sqs(), setting('LINKGATE_CONSUMER_NOTICES_QUEUE_URL'));
}

export function wireSweeps() {
  return sqsSweeps(sqs(), setting('LINKGATE_SWEEPS_QUEUE_URL'));
}

/** The mode, for those who only read it. */
export function wireMode(): ReadMode {
  return modeOrObserve(ssmMode(ssm(), setting('LINKGATE_MODE_PARAMETER')), sayUnreadable);
}

export function wireModeParameter(): { mode: ReadMode; modeParameter: ModeParameter } {
  const modeParameter = ssmModeParameter(ssm(), setting('LINKGATE_MODE_PARAMETER'));
  return { modeParameter, mode: modeOrObserve(modeParameter.read, sayUnreadable) };
}

function sayUnreadable(error: unknown) {
  logger.error('the mode cannot be read, so nothing is changed', { error });
}

/** The deployment's own resources, for the doctor. */
export function wireDeployment() {
  return awsDeployment(
    { dynamodb: dynamodb(), sns: sns(), sqs: sqs(), ssm: ssm() },
    {
      stage: setting('LINKGATE_STAGE'),
      tableName: setting('LINKGATE_TABLE'),
      queueUrls: setting('LINKGATE_QUEUE_URLS').split(','),
      topicArn: setting('LINKGATE_CONNECTIONS_TOPIC_ARN'),
    },
  );
}

export function wireSecrets() {
  return ssmSecrets(ssm(), setting('LINKGATE_STAGE'));
}

/** Slack, for the app that these bot tokens are of. */
export function wireSlackWith() {
  const url = setting('LINKGATE_SLACK_API_URL');
  return (tokens: readonly string[]) =>
    slackWebApi({ url, tokens: async () => tokens, fetch, timeoutMs: 5_000 });
}

/** Which approvers are written to by mail. */
export function wireSubscriptions(): Subscriptions {
  return snsSubscriptions(sns(), setting('LINKGATE_APPROVALS_TOPIC_ARN'), 'approver');
}

/** Which consumers are written to by mail. */
export function wireConsumerSubscriptions(): Subscriptions {
  return snsSubscriptions(sns(), setting('LINKGATE_CONSUMERS_TOPIC_ARN'), 'consumer');
}

/** One secret, for those who check or make proofs with it. */
export function wireSecret(name: 'links/signing-key' | 'slack/bot-token' | 'slack/signing-secret'): Secret {
  return cachedSecret(ssmSecretReader(ssm(), `/linkgate/${setting('LINKGATE_STAGE')}/${name}`), everyRun);
}

/** @param timeoutMs how long Slack may take to answer a call */
export function wireSlack({ timeoutMs, token = wireSecret('slack/bot-token') }: SlackWiring) {
  return slackWebApi({
    url: setting('LINKGATE_SLACK_API_URL'),
    tokens: token.values,
    refreshedTokens: token.refreshed,
    fetch,
    timeoutMs,
  });
}
interface SlackWiring {
  readonly timeoutMs: number;
  readonly token?: Secret;
}

/** Slack, once somebody has connected it. */
export function wireSlackIfConnected({ timeoutMs }: { readonly timeoutMs: number }) {
  const token = wireSecret('slack/bot-token');
  const slack = wireSlack({ timeoutMs, token });
  return async () => {
    const known = (await orReport(everyRun.report, token.values)) ?? [];
    const tokens = known.length > 0 ? known : await token.refreshed();
    return tokens?.length ? slack : undefined;
  };
}

/** Makes the links of mails. */
export function wireLinks() {
  const key = wireSecret('links/signing-key');
  const approvalUrl = setting('LINKGATE_APPROVAL_URL');
  return async (claims: LinkClaims) => {
    const [current = ''] = await key.values();
    return linkTo(approvalUrl, claims, current);
  };
}

export function wireMails() {
  return snsMails(sns(), setting('LINKGATE_APPROVALS_TOPIC_ARN'), 'approver');
}

/** Writes to the contacts of consumers. */
export function wirePost() {
  const mails = snsMails(sns(), setting('LINKGATE_CONSUMERS_TOPIC_ARN'), 'consumer');
  const clients = new Map<string, SNSClient>();
  return snsPost(mails, (region) => {
    const client = clients.get(region) ?? new SNSClient({ region });
    clients.set(region, client);
    return client;
  });
}

export function wireSlackRespond({ timeoutMs }: { readonly timeoutMs: number }) {
  const { report } = everyRun;
  return slackRespond({ apiUrl: setting('LINKGATE_SLACK_API_URL'), fetch, timeoutMs, report });
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function oncePerPlace<T>(make: (place: Place) => T): (place: Place) => T {
  const made = new Map<string, T>();
  return (place) => {
    const name = placeName(place);
    const one = made.get(name) ?? make(place);
    made.set(name, one);
    return one;
  };
}
