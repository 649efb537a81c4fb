import { DeleteVpcEndpointsCommand } from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  accounts,
  createEndpoint,
  createService,
  describeState,
  provider,
  type Sandbox,
  startSandbox,
} from './sandbox.ts';

const { allowed, limited, unknown } = accounts;
const timeoutMs = 120_000;

let sandbox: Sandbox;
let serviceId: string;
let client: { readonly region: string; readonly endpoint: string; readonly credentials: object };

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
  const credentials = { accessKeyId: provider, secretAccessKey: 'sandbox' };
  client = { region: 'us-east-1', endpoint: sandbox.url, credentials };
  await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
  serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId);
  await sandbox.json('allow', allowed, '--service', serviceId);
  await sandbox.json('allow', limited, '--service', serviceId, '--max-endpoints', '1');
  await sandbox.idle();
}, timeoutMs);
afterAll(() => sandbox.stop());

async function connect(accountId: string): Promise<string> {
  const endpointId = await createEndpoint(sandbox, accountId, serviceId);
  await sandbox.idle();
  return endpointId;
}

async function disconnect(endpointId: string): Promise<void> {
  await sandbox.ec2(limited).send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [endpointId] }));
  await sandbox.idle();
}

/** Advances the clock and fires the schedules. */
async function sweep(advanceSeconds = 60): Promise<void> {
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds });
  await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
  await sandbox.idle();
}

async function listWaiting(): Promise<string[]> {
  const { connections } = await sandbox.json<{ connections: { endpointId: string }[] }>(
    'connections',
    '--waiting',
  );
  return connections.map(({ endpointId }) => endpointId);
}

test(
  'malformed messages of a location go to the dead-letter queue at once, and do not delay connections',
  async () => {
    const sqs = new SQSClient(client as object);
    const queueUrl = (name: string) => `${sandbox.url}/${provider}/linkgate-local-${name}.fifo`;
    for (let remaining = 20; remaining > 0; remaining--)
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl('apply-verdicts'),
          MessageBody: '{"location":"us-east-1"}',
          MessageGroupId: `${provider}/us-east-1`,
          MessageDeduplicationId: `malformed-${remaining}`,
        }),
      );
    expect(await describeState(sandbox, await connect(allowed))).toBe('available');
    const QueueUrl = queueUrl('apply-verdicts-dead-letters');
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    expect(Attributes).toEqual({ ApproximateNumberOfMessages: '20' });
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }),
    );
    const problems = { StringValue: expect.stringContaining('location') };
    expect(Messages).toMatchObject([{ Body: '{"location":"us-east-1"}', MessageAttributes: { problems } }]);
    sqs.destroy();
  },
  timeoutMs,
);

test(
  "an endpoint beyond the count is accepted when the account's earlier endpoint is deleted",
  async () => {
    const [first, second] = [await connect(limited), await connect(limited)];
    expect(await listWaiting()).toEqual([second]);
    await disconnect(first);
    expect(await describeState(sandbox, second)).toBe('available');
    expect(await listWaiting()).toEqual([]);

    await sandbox.ask('PUT', '/_sandbox/assumptions', { notifications: false, deletedListedMs: 0 });
    const third = await connect(limited);
    await sweep();
    expect(await listWaiting()).toEqual([third]);
    await disconnect(second);
    // An endpoint that EC2 does not list counts until five minutes after the call of Accept.
    await sweep();
    expect(await listWaiting()).toEqual([third]);
    await sweep(300);
    expect(await describeState(sandbox, third)).toBe('available');
    await sandbox.ask('PUT', '/_sandbox/assumptions', { notifications: true });
  },
  timeoutMs,
);

test.each(['available', 'deleting', 'rejected'])(
  'a request that an event wrongly reported as %s awaits approval again after the next sweep',
  async (state) => {
    const endpointId = await connect(unknown);
    const bus = new EventBridgeClient(client as object);
    const connection = {
      location: { accountId: provider, region: 'us-east-1' },
      serviceId,
      endpointId,
      ownerAccountId: unknown,
      state,
      requestedAt: new Date(0).toISOString(),
    };
    const { time } = await sandbox.ask<{ time: string }>('GET', '/_sandbox/clock');
    const detail = { connection, observedAt: new Date(time).toISOString() };
    await bus.send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: 'linkgate-local',
            Source: 'linkgate',
            DetailType: 'Connection Changed',
            Detail: JSON.stringify({ schemaVersion: '1.0', ...detail }),
          },
        ],
      }),
    );
    bus.destroy();
    await sandbox.idle();
    await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
    await sandbox.idle();
    const { connection: explained } = await sandbox.json<{ connection: { state: string } }>(
      'explain',
      endpointId,
    );
    expect(explained.state).toBe('pendingAcceptance');
    const { decision } = await sandbox.json<{ decision: { decision: string } }>('approve', endpointId);
    expect(decision).toMatchObject({ decision: 'approve' });
    await sandbox.idle();
    expect(await describeState(sandbox, endpointId)).toBe('available');
  },
  timeoutMs,
);
