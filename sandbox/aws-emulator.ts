import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { nameFromArn, provider, stackName } from './accounts.ts';
import type { AwsService } from './aws/aws-service.ts';
import { createCloudTrail } from './aws/cloudtrail.ts';
import { createCloudWatch } from './aws/cloudwatch.ts';
import { createDynamoDb } from './aws/dynamodb.ts';
import { startEngine } from './aws/dynamodb-engine.ts';
import type { StreamRecord } from './aws/dynamodb-streams.ts';
import { createEc2 } from './aws/ec2.ts';
import { createEvents } from './aws/events.ts';
import { createSns, type Sns } from './aws/sns.ts';
import { createSqs } from './aws/sqs.ts';
import { createSsm } from './aws/ssm.ts';
import { sts } from './aws/sts.ts';
import { type Callers, createCallers, type Role } from './callers.ts';
import { type Clock, sandboxClock } from './clock.ts';
import { createFaults } from './faults.ts';
import { createHttpApis } from './http-api.ts';
import type { PolicyDocument } from './iam/policy.ts';
import { createInFlight } from './in-flight.ts';
import { createInvokePermissions } from './invoke-permissions.ts';
import { createLambda, type FunctionConfiguration, type Lambda } from './lambda/lambda.ts';
import type { Store } from './persistence.ts';
import { defaultAssumptions } from './privatelink/assumptions.ts';
import { restoredState } from './privatelink/model.ts';
import { notificationBody } from './privatelink/notification-body.ts';
import { createPrivateLink, type PrivateLink } from './privatelink/privatelink.ts';
import { createSlack } from './slack/slack.ts';
import { createDeliveries, type ReceivedMail } from './sns-deliveries.ts';
import { createTimers } from './timers.ts';

export type AwsEmulator = Awaited<ReturnType<typeof createAwsEmulator>>;

export interface AwsEmulatorOptions {
  readonly origin: string;
  /** The folder for the files of the DynamoDB engine and of the functions. */
  readonly folder: string;
  readonly store: Store;
  readonly onOutput: (functionName: string, text: string) => void;
}

/** All emulated services and the deliveries between them. */
export async function createAwsEmulator({ origin, folder, store, onOutput }: AwsEmulatorOptions) {
  const { openMap } = store;
  const settings = openMap<unknown>('settings');
  const clockOffset = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  const clock = sandboxClock(
    (offset) => {
      new Float64Array(clockOffset)[0] = offset;
      settings.set('clock', offset);
    },
    Number(settings.get('clock') ?? 0),
  );
  const { now } = clock;
  const id = randomUUID;
  const inFlight = createInFlight();
  const faults = createFaults(Math.random, openMap);
  const callers = createCallers();
  const permissions = createInvokePermissions();
  const timers = createTimers(clock, openMap);
  /** Consumers of a table's stream records, by table ARN. */
  const streamConsumers = new Map<string, (records: readonly StreamRecord[]) => void>();
  /** Queue ARNs by subscription ARN. */
  const subscriptionDeadLetters = new Map<string, string>();
  const tableArns: string[] = [];
  const mails = store.log<ReceivedMail>('mails');

  const sqs = createSqs({ clock, id, openMap });
  const deliveries = createDeliveries({
    clock,
    timers,
    faults,
    sqs,
    lambda: () => lambda,
    permissions,
    subscriptionDeadLetters,
    mails,
    onOutput,
  });
  const sns = createSns({ clock, id, origin, openMap, deliver: deliveries.toSubscriber });
  const events = createEvents({
    clock,
    id,
    openMap,
    deliver: (target, payload, rule) => deliveries.toTarget({ rule, target, payload }),
  });
  const ssm = createSsm({ now, openMap });
  const cloudWatch = createCloudWatch({ now });
  const dynamoDb = createDynamoDb({
    now,
    openMap,
    findConsumer: (tableArn) => streamConsumers.get(tableArn),
    start: ({ accountId, region }) =>
      startEngine({
        file: join(folder, `dynamodb-${accountId}-${region}.sqlite`),
        tenant: engineTenant(settings),
      }),
  });
  const lambda: Lambda = await createLambda({
    folder: join(folder, 'functions'),
    openMap,
    clock,
    clockOffset,
    inFlight,
    createEnvironment: (configuration) => functionEnvironment(configuration, origin, callers),
    onOutput,
    sendToDestination: (arn, record) => sqs.deliver(arn, { body: JSON.stringify(record) }),
  });
  const privateLink = createPrivateLink({
    id: () => randomBytes(9).toString('hex').slice(0, 17),
    assumptions: { ...defaultAssumptions, ...(settings.get('assumptions') as object | undefined) },
    state: restoredState({
      services: store.record('privatelink/services'),
      endpoints: store.record('privatelink/endpoints'),
      notifications: store.record('privatelink/notifications'),
      tags: store.record('privatelink/tags'),
    }),
  });
  const settle = createTransitionRunner(privateLink, sns, clock);
  const roles = new Map<string, Role>();
  const services = [
    createEc2(privateLink, settle),
    sqs.service,
    sns.service,
    events.service,
    ssm.service,
    cloudWatch.service,
    sts,
  ];

  return {
    origin,
    clock,
    inFlight,
    faults,
    callers,
    roles,
    managedPolicies: new Map<string, PolicyDocument>(),
    permissions,
    sqs,
    sns,
    events,
    ssm,
    cloudWatch,
    dynamoDb,
    tableArns,
    privateLink,
    lambda,
    httpApis: createHttpApis({ now, lambda, permissions, roles, openMap }),
    services: new Map<string, AwsService>(services.map((service) => [service.signingName, service])),
    streamConsumers,
    subscriptionDeadLetters,
    fire: deliveries.fire,
    cloudTrail: createCloudTrail({ clock, id, inFlight, events, timers }),
    mails,
    slack: createSlack({
      origin,
      clock,
      faults,
      isThrottled: () => settings.get('throttling') !== false,
      openMap,
    }),
    settings,
    store,
    /** Continues the work that an earlier process left in the data folder. */
    async resume() {
      settle(now());
      timers.resume();
      lambda.resume();
      await Promise.all(tableArns.map((arn) => dynamoDb.readStream(arn)));
    },
    async stop() {
      clock.stop();
      dynamoDb.stop();
      await lambda.stop();
    },
  };
}

/** Identifies the tables of this sandbox in an engine that several sandboxes share. */
function engineTenant(settings: Map<string, unknown>): string {
  const tenant = String(settings.get('tenant') ?? `run${Date.now()}`);
  settings.set('tenant', tenant);
  return tenant;
}

/** The access key of a function identifies its execution role. */
function functionEnvironment(
  { name, roleArn }: FunctionConfiguration,
  origin: string,
  callers: Callers,
): Record<string, string> {
  const principal = name.startsWith(`${stackName}-`) ? name.slice(stackName.length + 1) : name;
  const { region } = provider;
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL: origin,
    AWS_ACCESS_KEY_ID: callers.createAccessKey({ principal, functionName: name, roleArn }),
    AWS_SECRET_ACCESS_KEY: 'not-verified',
    AWS_SESSION_TOKEN: nameFromArn(roleArn),
  };
}

/** Carries out due state transitions, publishes their notifications to SNS, and sets a timer for the next one. */
function createTransitionRunner(privateLink: PrivateLink, sns: Sns, clock: Clock): (time: number) => void {
  let cancelTransition = () => {};

  function settle(time: number) {
    for (const effect of privateLink.advance(time)) {
      if (effect.type !== 'notification') continue;
      const { region, accountId, serviceId, topicArn } = effect;
      const sourceArn = `arn:aws:ec2:${region}:${accountId}:vpc-endpoint-service/${serviceId}`;
      const message = notificationBody(effect, privateLink.assumptions().notificationBody);
      sns.publish(topicArn, { message }, { service: 'vpce.amazonaws.com', sourceArn });
    }
    cancelTransition();
    const next = privateLink.nextDue();
    if (next !== undefined) cancelTransition = clock.at(next, () => settle(clock.now()));
  }
  return settle;
}
