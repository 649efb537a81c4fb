import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteTagsCommand,
  DeleteVpcEndpointConnectionNotificationsCommand,
  DeleteVpcEndpointServiceConfigurationsCommand,
  DescribeVpcEndpointConnectionNotificationsCommand,
  ModifyVpcEndpointServiceConfigurationCommand,
  ModifyVpcEndpointServicePermissionsCommand,
} from '@aws-sdk/client-ec2';
import {
  ListSubscriptionsByTopicCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, PurgeQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DeleteParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DoctorResult } from '../../lib/doctor/doctor-result.ts';
import {
  accounts,
  createEndpoint,
  createService,
  describeState,
  provider,
  type Sandbox,
  startSandbox,
  waitUntil,
} from './sandbox.ts';

const { allowed } = accounts;

let sandbox: Sandbox;
let serviceId: string;
let endpointId: string;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
  serviceId = await createService(sandbox);
  await sandbox.ec2(provider).send(
    new ModifyVpcEndpointServicePermissionsCommand({
      ServiceId: serviceId,
      AddAllowedPrincipals: [`arn:aws:iam::${allowed}:root`],
      RemoveAllowedPrincipals: ['*'],
    }),
  );
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.json('allow', allowed, '--service', serviceId);
  endpointId = await createEndpoint(sandbox, allowed, serviceId);
  await waitUntil(async () => (await describeState(sandbox, endpointId)) === 'available');
  await sandbox.idle();
}, 60_000);
afterAll(() => sandbox.stop());

async function doctor() {
  await sandbox.idle();
  const { exitCode, stdout } = await sandbox.linkgate('doctor', '--json');
  const { checks } = JSON.parse(stdout) as { checks: DoctorResult[] };
  return { exitCode, checks, findings: checks.filter(({ status }) => status !== 'ok') };
}

/** Runs doctor and returns its only finding. */
async function findOnlyFinding(): Promise<DoctorResult & { remedy: string }> {
  const { findings } = await doctor();
  expect(findings).toHaveLength(1);
  return findings[0] as DoctorResult & { remedy: string };
}

async function expectNoFindings() {
  expect(await doctor()).toMatchObject({ exitCode: 0, findings: [] });
}

/** Runs the first command of a remedy. */
async function runRemedy(remedy: string) {
  const [linkgate, ...args] = /^linkgate .*$/m.exec(remedy)?.[0].split(' ') ?? [];
  expect(linkgate).toBe('linkgate');
  const { exitCode, stderr } = await sandbox.linkgate(...args);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
}

test('a healthy deployment has no findings', async () => {
  await expectNoFindings();
});

test('text output is a list with a summary', async () => {
  const { stdout } = await sandbox.linkgate('doctor', '--all');
  expect(stdout).toContain('ok       notification');
  expect(stdout).toMatch(/\nchecks: \d+ \(ok: \d+, warning: 0, failed: 0\)\n$/);
});

describe('a failed check of a service is repaired by its remedy:', () => {
  test('a deleted connection notification', async () => {
    const ec2 = sandbox.ec2(provider);
    const { ConnectionNotificationSet = [] } = await ec2.send(
      new DescribeVpcEndpointConnectionNotificationsCommand({}),
    );
    const ConnectionNotificationIds = ConnectionNotificationSet.flatMap(
      ({ ConnectionNotificationId }) => ConnectionNotificationId ?? [],
    );
    await ec2.send(new DeleteVpcEndpointConnectionNotificationsCommand({ ConnectionNotificationIds }));
    const { name, status, remedy } = await findOnlyFinding();
    expect({ name, status }).toEqual({ name: 'notification', status: 'failed' });
    await runRemedy(remedy);
    await expectNoFindings();
  });

  test('acceptance that is not required', async () => {
    const set = (AcceptanceRequired: boolean) =>
      sandbox
        .ec2(provider)
        .send(new ModifyVpcEndpointServiceConfigurationCommand({ ServiceId: serviceId, AcceptanceRequired }));
    await set(false);
    expect(await findOnlyFinding()).toMatchObject({
      name: 'acceptance',
      status: 'failed',
      remedy: expect.stringContaining(`--service-id ${serviceId} --acceptance-required`),
    });
    expect((await doctor()).exitCode).toBe(3);
    await set(true);
    await expectNoFindings();
  });

  test('a removed tag, which the permissions of linkgate need', async () => {
    await sandbox
      .ec2(provider)
      .send(new DeleteTagsCommand({ Resources: [serviceId], Tags: [{ Key: 'linkgate' }] }));
    expect(await findOnlyFinding()).toMatchObject({ name: 'tag', status: 'failed' });
    const { service } = await sandbox.json<{ service: { drift: unknown } }>('service', 'show', 'payments');
    expect(service.drift).toMatchObject([{ check: 'tag-is-missing' }]);

    const notAccepted = await createEndpoint(sandbox, allowed, serviceId);
    await sandbox.idle();
    await sandbox.advanceClock(360);
    const { findings } = await doctor();
    expect(findings).toMatchObject([
      { name: 'verdicts', detail: expect.stringContaining('UnauthorizedOperation') },
      { name: 'tag' },
    ]);
    await runRemedy(findings[0]?.remedy ?? '');
    await sandbox.advanceClock(3_600);
    await waitUntil(async () => (await describeState(sandbox, notAccepted)) === 'available');
    await sandbox.idle();
    await expectNoFindings();
  }, 120_000);
});

describe('a failed check of the deployment is repaired by its remedy:', () => {
  test('a missing signing key', async () => {
    const Name = '/linkgate/local/links/signing-key';
    await new SSMClient(sandbox.config()).send(new DeleteParameterCommand({ Name }));
    const { name, remedy } = await findOnlyFinding();
    expect(name).toBe('signing-key');
    await runRemedy(remedy);
    await expectNoFindings();
  });

  test('the mode `observe`', async () => {
    await sandbox.json('mode', 'observe', '--reason', 'a trial');
    expect(await doctor()).toMatchObject({
      exitCode: 0,
      findings: [{ name: 'mode', status: 'warning', detail: expect.stringContaining('a trial') }],
    });
    await sandbox.json('mode', 'enforce');
    await expectNoFindings();
  });

  test('no failure for a service registered in mode `observe`', async () => {
    const other = await createService(sandbox);
    await sandbox.json('mode', 'observe');
    await sandbox.json('service', 'add', other, '--name', 'orders');
    const { exitCode, findings } = await doctor();
    expect(exitCode).toBe(0);
    expect(findings.map(({ name }) => name).sort()).toEqual(['mode', 'notification', 'tag']);
    const notification = findings.find(({ name }) => name === 'notification');
    await runRemedy(notification?.remedy ?? '');
    expect(await findOnlyFinding()).toMatchObject({ name: 'principals', status: 'warning' });
    await sandbox.json('service', 'remove', 'orders');
    await sandbox
      .ec2(provider)
      .send(new DeleteVpcEndpointServiceConfigurationsCommand({ ServiceIds: [other] }));
    await expectNoFindings();
  }, 120_000);

  test('a dead-lettered message', async () => {
    const sqs = new SQSClient(sandbox.config());
    const { QueueUrl } = await sqs.send(
      new GetQueueUrlCommand({ QueueName: 'linkgate-local-service-checks-dead-letters' }),
    );
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'it failed' }));
    expect(await findOnlyFinding()).toMatchObject({
      name: 'dead-letters',
      subject: 'linkgate-local-service-checks-dead-letters',
      remedy: expect.stringContaining('purge-queue'),
    });
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    await expectNoFindings();
  });

  test('a topic without its subscription', async () => {
    const { ConnectionsTopicArn: TopicArn } = await sandbox.ask<Record<string, string>>(
      'GET',
      '/_sandbox/outputs',
    );
    const sns = new SNSClient(sandbox.config());
    const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    for (const { SubscriptionArn } of Subscriptions)
      await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    const { name, remedy } = await findOnlyFinding();
    expect(name).toBe('subscription');
    const [, Protocol, Endpoint] = /--protocol (\S+) --notification-endpoint (\S+)/.exec(remedy) ?? [];
    await sns.send(new SubscribeCommand({ TopicArn, Protocol, Endpoint }));
    await expectNoFindings();
  });

  test('schedules that are disabled', async () => {
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
    await sandbox.advanceClock(7_200);
    const { findings } = await doctor();
    expect(findings.map(({ name }) => name)).toEqual(['pending-sweep', 'full-sweep']);
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
    await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
    await expectNoFindings();
  }, 120_000);

  test.each([
    ['table-expiry', 'dynamodb', 'DescribeTimeToLive', 'AccessDeniedException'],
    ['repair', 'ec2', 'CreateTags', 'UnauthorizedOperation'],
  ])('a missing permission: %s', async (name, service, action, error) => {
    await sandbox.ask('PUT', '/_sandbox/faults', [{ service, action, rate: 1, error }]);
    const { findings } = await doctor();
    expect(findings).toMatchObject([
      { name, status: 'failed', remedy: expect.stringContaining('serverless deploy') },
    ]);
    await sandbox.ask('DELETE', '/_sandbox/faults');
    await expectNoFindings();
  });
});

describe('an audit entry that was changed in the table', () => {
  async function rewrite(actor: string) {
    await new DynamoDBClient(sandbox.config()).send(
      new UpdateItemCommand({
        TableName: 'linkgate-local',
        Key: { pk: { S: `AUDIT#${endpointId}` }, sk: { S: '000000002' } },
        UpdateExpression: 'SET actor = :actor',
        ExpressionAttributeValues: { ':actor': { S: actor } },
      }),
    );
  }

  test('is reported by doctor and by `audit verify` until it is restored', async () => {
    await rewrite('mallory');
    expect(await findOnlyFinding()).toMatchObject({ name: 'audit-trails', status: 'failed' });
    for (const options of [[], ['--endpoint', endpointId], ['--service', 'payments']]) {
      const { exitCode, stdout } = await sandbox.linkgate('audit', 'verify', ...options, '--json');
      expect(exitCode).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({ broken: [{ endpointId, sequence: 2 }] });
    }
    await rewrite('linkgate');
    await expectNoFindings();
    expect(await sandbox.json('audit', 'verify')).toMatchObject({ broken: [] });
  });
});

test('an unregistered service is listed with the command to register it', async () => {
  const other = await createService(sandbox);
  expect(await sandbox.json('service', 'list', '--unregistered')).toMatchObject({
    services: [{ serviceId: other, name: null, region: 'us-east-1', state: 'Available' }],
  });
  expect((await sandbox.linkgate('service', 'list', '--unregistered')).stdout).toContain(
    'linkgate service add',
  );
});
