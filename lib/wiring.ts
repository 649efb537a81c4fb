import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { connectionRules } from '../rules/connection/index.ts';
import { setting } from './config.ts';
import type { ChangeableConnections, Connections } from './connection/connections.ts';
import { ec2ConnectionChanges } from './connection/ec2-connection-changes.ts';
import { ec2Connections } from './connection/ec2-connections.ts';
import { eventBridgeBus } from './connection/eventbridge-bus.ts';
import { sqsWorkBell } from './connection/sqs-work-bell.ts';
import { ssmMode } from './connection/ssm-mode.ts';
import { type Place, placeName } from './place.ts';
import { ec2EndpointServices } from './service/ec2-endpoint-services.ts';
import type { EndpointServices } from './service/endpoint-services.ts';
import { ssmSecrets } from './ssm-secrets.ts';
import { sqsSweeps } from './sweep/sqs-sweeps.ts';
import { dynamoDbTable } from './table/dynamodb-table.ts';

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

/** The deployment's own place. */
export function hub(): Place {
  return { accountId: setting('LINKGATE_ACCOUNT_ID'), region: setting('AWS_REGION') };
}

export function wireTable() {
  return dynamoDbTable(new DynamoDBClient({}), setting('LINKGATE_TABLE'), { sleep, random: Math.random });
}

export function wireBus() {
  return eventBridgeBus(new EventBridgeClient({}), setting('LINKGATE_BUS'));
}

/** Connections by place, for those who only read. */
export function wireConnections(): (place: Place) => Connections {
  return oncePerPlace((place) => ec2Connections(new EC2Client({ region: place.region }), place));
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
    return { ...ec2Connections(new EC2Client({ region }), place), ...ec2ConnectionChanges(once) };
  });
}

export function wireServices(): (place: Place) => EndpointServices {
  const stage = setting('LINKGATE_STAGE');
  return oncePerPlace((place) => ec2EndpointServices(new EC2Client({ region: place.region }), stage));
}

export function wireWorkBell() {
  return sqsWorkBell(new SQSClient({}), setting('LINKGATE_VERDICTS_QUEUE_URL'), id);
}

export function wireSweeps() {
  return sqsSweeps(new SQSClient({}), setting('LINKGATE_SWEEPS_QUEUE_URL'));
}

export function wireMode() {
  return ssmMode(new SSMClient({}), setting('LINKGATE_MODE_PARAMETER'), (error) =>
    logger.error('the mode cannot be read, so nothing is changed', { error }),
  );
}

export function wireSecrets() {
  return ssmSecrets(new SSMClient({}), setting('LINKGATE_STAGE'));
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
