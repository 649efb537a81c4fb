import { randomBytes, randomUUID } from 'node:crypto';
import type { Target } from '@aws-sdk/client-eventbridge';
import { type Activity, createActivity } from './activity.ts';
import type { AwsService } from './aws/aws-service.ts';
import { type CloudWatch, createCloudWatch } from './aws/cloudwatch.ts';
import { createDynamoDb, type DynamoDb } from './aws/dynamodb.ts';
import type { StreamRecord } from './aws/dynamodb-streams.ts';
import { ec2 } from './aws/ec2.ts';
import { createEvents, type Events, type Rule } from './aws/events.ts';
import { createSns, type Delivery, type Sns } from './aws/sns.ts';
import { createSqs, type Sqs } from './aws/sqs.ts';
import { createSsm, type Ssm } from './aws/ssm.ts';
import { sts } from './aws/sts.ts';
import { type Callers, createCallers, type Role } from './callers.ts';
import { type Clock, sandboxClock } from './clock.ts';
import { createFaults, type DeliveryKind, type Faults } from './faults.ts';
import { createHttpApis, type HttpApis } from './http-api.ts';
import type { PolicyDocument } from './iam/policy.ts';
import { type InvokePermissions, invokePermissions } from './invoke-permissions.ts';
import type { FunctionConfiguration, Lambda } from './lambda/lambda.ts';
import { createLambda } from './lambda/lambda.ts';
import { nameIn, stackName } from './places.ts';
import { notificationBody } from './privatelink/notification-body.ts';
import { createPrivateLink, type PrivateLink } from './privatelink/privatelink.ts';

/** Every service of the sandbox, and what carries messages from one to another. */
export interface Cloud {
  /** `http://127.0.0.1:4570` */
  readonly origin: string;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly faults: Faults;
  readonly callers: Callers;
  readonly roles: Map<string, Role>;
  readonly managedPolicies: Map<string, PolicyDocument>;
  readonly permissions: InvokePermissions;
  readonly sqs: Sqs;
  readonly sns: Sns;
  readonly events: Events;
  readonly ssm: Ssm;
  readonly cloudWatch: CloudWatch;
  readonly dynamoDb: DynamoDb;
  readonly tableArns: string[];
  readonly privateLink: PrivateLink;
  readonly lambda: Lambda;
  readonly httpApis: HttpApis;
  /** Those whose wire the SDK's schemas describe, by signing name. */
  readonly services: ReadonlyMap<string, AwsService>;
  /** Takes a table's stream records, by the table's ARN. */
  readonly streamConsumers: Map<string, (records: readonly StreamRecord[]) => void>;
  /** By the subscription's ARN. */
  readonly subscriptionDeadLetters: Map<string, string>;
  /** What a rule triggers; resolves with what a function answered, and rejects if it failed or the target refused. */
  fire(rule: Rule, target: Target, payload: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export interface CloudOptions {
  readonly origin: string;
  readonly onOutput: (functionName: string, text: string) => void;
}

export async function createCloud({ origin, onOutput }: CloudOptions): Promise<Cloud> {
  const clockOffset = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  const clock = sandboxClock((offset) => {
    new Float64Array(clockOffset)[0] = offset;
  });
  const { now } = clock;
  const id = randomUUID;
  const activity = createActivity();
  const faults = createFaults();
  const callers = createCallers();
  const roles = new Map<string, Role>();
  const permissions = invokePermissions();
  const streamConsumers: Cloud['streamConsumers'] = new Map();
  const subscriptionDeadLetters: Cloud['subscriptionDeadLetters'] = new Map();

  const sqs = createSqs({ clock, id });
  const sns = createSns({
    clock,
    id,
    deliver: (delivery) => carry('sns', () => deliverToSubscriber(delivery)),
  });
  const events = createEvents({
    clock,
    id,
    deliver: (target, payload, rule) =>
      carry('events', () => {
        fire(rule, target, payload).catch((error: Error) => onOutput(rule.name, error.message));
      }),
  });
  const ssm = createSsm({ now });
  const cloudWatch = createCloudWatch({ now });
  const dynamoDb = createDynamoDb({
    now,
    onRecords: (tableArn, records) => streamConsumers.get(tableArn)?.(records),
  });
  const privateLink = createPrivateLink({ id: () => randomBytes(9).toString('hex').slice(0, 17) });
  const lambda = await createLambda({
    clock,
    clockOffset,
    activity,
    environmentOf,
    onOutput,
    sendToDestination: (arn, _, record) => sqs.deliver(arn, { body: JSON.stringify(record) }),
  });
  const httpApis = createHttpApis({ now, lambda, permissions });

  /** One delivery, unless a fault makes it none, two or a late one. */
  function carry(kind: DeliveryKind, deliver: () => void) {
    const fault = faults.ofDelivery(kind);
    if (fault?.drop) return;
    if (fault?.delayMs) return void clock.at(now() + fault.delayMs, deliver);
    deliver();
    if (fault?.duplicate) deliver();
  }

  function deliverToSubscriber({ subscription, body, attributes }: Delivery) {
    const { protocol, endpoint, topicArn } = subscription;
    if (protocol !== 'sqs') return;
    const admitted = (queueArn: string) =>
      sqs.find(queueArn) && sqs.admits(queueArn, 'sns.amazonaws.com', topicArn);
    if (admitted(endpoint)) return void sqs.deliver(endpoint, { body, attributes });
    const deadLetters = subscriptionDeadLetters.get(subscription.arn);
    if (deadLetters && admitted(deadLetters)) sqs.deliver(deadLetters, { body, attributes });
  }

  async function fire(rule: Rule, target: Target, payload: unknown): Promise<unknown> {
    const { Arn: arn = '', DeadLetterConfig, SqsParameters } = target;
    const body = JSON.stringify(payload);
    const send = (queueArn: string) => {
      const admitted = sqs.find(queueArn) && sqs.admits(queueArn, 'events.amazonaws.com', rule.arn);
      const group = SqsParameters?.MessageGroupId;
      if (admitted) sqs.deliver(queueArn, { body, ...(group !== undefined && { groupId: group }) });
      return Boolean(admitted);
    };
    if (arn.startsWith('arn:aws:sqs:')) {
      if (send(arn)) return undefined;
    } else if (permissions.admits(arn, 'events.amazonaws.com', rule.arn)) {
      const outcome = await lambda.invokeAsynchronously(arn, payload);
      if (outcome.ok) return outcome.value;
      throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}`);
    }
    if (DeadLetterConfig?.Arn) send(DeadLetterConfig.Arn);
    throw new Error(`the target \`${arn}\` does not let the rule \`${rule.name}\` in`);
  }

  /** A function's credentials stand for its role. */
  function environmentOf({ name, roleArn }: FunctionConfiguration): Record<string, string> {
    const principal = name.startsWith(`${stackName}-`) ? name.slice(stackName.length + 1) : name;
    const region = 'us-east-1';
    return {
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ENDPOINT_URL: origin,
      AWS_ACCESS_KEY_ID: callers.keyFor({ principal, functionName: name, roleArn }),
      AWS_SECRET_ACCESS_KEY: 'not-verified',
      AWS_SESSION_TOKEN: nameIn(roleArn),
    };
  }

  let cancelTransition = () => {};
  /** Carries out what is due in PrivateLink, rings for it, and comes back for what is due next. */
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
    if (next !== undefined) cancelTransition = clock.at(next, () => settle(now()));
  }

  const services = [
    ec2(privateLink, settle),
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
    activity,
    faults,
    callers,
    roles,
    managedPolicies: new Map(),
    permissions,
    sqs,
    sns,
    events,
    ssm,
    cloudWatch,
    dynamoDb,
    tableArns: [],
    privateLink,
    lambda,
    httpApis,
    services: new Map(services.map((service) => [service.signingName, service])),
    streamConsumers,
    subscriptionDeadLetters,
    fire,
    async stop() {
      clock.stop();
      dynamoDb.stop();
      await lambda.stop();
    },
  };
}
