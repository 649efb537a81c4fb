import { createRequire } from 'node:module';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createDefaultGroup, defaultGroup, setGroup } from '../../lib/approvers/approver-group.ts';
import { pendingEffects } from '../../lib/connections/indexes.ts';
import {
  applyDecision,
  markRefused,
  markRequested,
  transitionWrites,
} from '../../lib/connections/transition.ts';
import { setCustomer } from '../../lib/customers/set-customer.ts';
import type { Check } from '../../lib/doctor/check.ts';
import { type CheckCursor, runDoctorPage } from '../../lib/doctor/doctor.ts';
import { serviceItem } from '../../lib/services/service.ts';
import type { Write } from '../../lib/storage/table.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
import {
  aConfiguration,
  aRecord,
  aRequest,
  aService,
  aVerdict,
  consumer,
  endpointId,
  hub,
  noon,
  secondsAfterNoon,
  serviceId,
  topicArn,
} from '../builders.ts';
import { findSection, readPage } from '../docs/page.ts';
import { aDeployment, aQueue, healthyQueues, queueArn } from '../doubles/fake-deployment.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

let env: TestEnv;

/** A healthy service, and a finished sweep of each scope. */
beforeEach(async () => {
  env = createTestEnv({ services: [aService()] });
  env.services.setConfiguration(aConfiguration());
  await addApproverAndContact();
  await finishBothSweeps();
});

/** Adds an approver and a customer contact with confirmed email subscriptions. */
async function addApproverAndContact() {
  const contact = { email: 'ops@initech.example' };
  await setCustomer('initech', { accounts: [consumer], contact }, 'alice', env.deps);
  env.customerSubscriptions.set(contact.email, { arn: 'arn:2', filterAddresses: [contact.email] });
  await setGroup(defaultGroup, someone, 'alice', env.deps);
  env.subscriptions.set('alice@example.com', { arn: 'arn:1', filterAddresses: ['alice@example.com'] });
}

const someone = { quorum: 1, slackUsers: [], emails: ['alice@example.com'] };

async function finishBothSweeps() {
  for (const pass of ['pending', 'full'] as const)
    await (await acquireSweepLease(hub, pass, env.deps))?.release();
}

async function examineAll(): Promise<Check[]> {
  const checks: Check[] = [];
  let position: CheckCursor | undefined;
  do {
    const page: Awaited<ReturnType<typeof runDoctorPage>> = await runDoctorPage(position, env.deps);
    checks.push(...page.checks);
    position = page.next;
  } while (position);
  return checks;
}

async function listProblems() {
  return (await examineAll()).filter(({ status }) => status !== 'ok');
}

function write(writes: readonly Write[]) {
  return env.table.write(writes);
}

const later = secondsAfterNoon(9 * 60);

/** Stores a request with a pending accept. */
async function storePendingAccept(number = 1, decidedAt = noon) {
  const policyVersions = aVerdict('accept').policyVersions;
  const verdict = { outcome: 'accept' as const, findings: [] };
  await write(
    transitionWrites(
      undefined,
      applyDecision(
        undefined,
        aRequest({ endpointId: endpointId(number) }),
        verdict,
        policyVersions,
        decidedAt,
      ),
      'request-1',
    ),
  );
  const record = await env.record(endpointId(number));
  if (!record) throw new Error('nothing was recorded');
  return record;
}

test('the doctor reports no problem for a healthy deployment', async () => {
  expect(await listProblems()).toEqual([]);
});

test('the doctor reports its checks group by group', async () => {
  const groups = (await examineAll()).map(({ group }) => group);
  expect([...new Set(groups)]).toEqual([
    'deployment',
    'queues',
    'slack',
    'email',
    'customers',
    'audit',
    'locations',
    'services',
    'items',
  ]);
});

test('docs/doctor.md lists every check, and no other', async () => {
  const page = readPage('docs/doctor.md');
  await setGroup(defaultGroup, { ...someone, slackChannel: 'C01APPROVALS' }, 'alice', env.deps);
  const lines = findSection(page, 'The checks').match(/^- `.*?:/gm) ?? [];
  const documentedChecks = lines.flatMap((line) => line.match(/[a-z0-9-]+(?=`)/g) ?? []);
  const checkNames = new Set((await examineAll()).map(({ name }) => name));
  expect(documentedChecks.toSorted()).toEqual([...checkNames].sort());
});

test('the doctor checks each of many services once, page by page', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => serviceId(index + 1));
  env = createTestEnv({ services: ids.map((id) => aService({ serviceId: id, name: id })) });
  const states = (await examineAll()).filter(({ name }) => name === 'service');
  expect(states.map(({ subject }) => subject)).toEqual(ids);
});

describe('a check that throws', () => {
  test('fails, names the missing permission, and does not stop other checks', async () => {
    const message = 'User: linkgate is not authorized to perform: sns:ListSubscriptionsByTopic';
    const denied = Object.assign(new Error(message), { name: 'AuthorizationErrorException' });
    env.deps.deployment = aDeployment({ listTopicQueues: () => Promise.reject(denied) });
    expect(await listProblems()).toMatchObject([
      {
        name: 'subscription',
        status: 'failed',
        detail: expect.stringContaining('sns:ListSubscriptionsByTopic'),
        remedy: expect.stringContaining('serverless deploy'),
      },
    ]);
    expect(env.errors).toEqual([denied]);
  });

  test('fails for its service', async () => {
    env.services.describe = () => Promise.reject(new Error('EC2 does not answer'));
    expect(await listProblems()).toMatchObject([
      { group: 'services', name: 'service', subject: expect.stringContaining('orders') },
    ]);
  });
});

describe('the deployment check', () => {
  test('reports a restored table without stream, time to live and point-in-time recovery', async () => {
    env.deps.deployment = aDeployment({
      table: async () => ({ status: 'ACTIVE', stream: undefined }),
      readTtlAttribute: async () => undefined,
      hasPointInTimeRecovery: async () => false,
    });
    expect(await listProblems()).toMatchObject([
      { name: 'table-stream', status: 'failed' },
      { name: 'table-expiry', status: 'warning' },
      { name: 'table-recovery', status: 'warning' },
    ]);
  });

  test('warns about the mode observe', async () => {
    env.mode = 'observe';
    expect(await listProblems()).toMatchObject([
      { name: 'mode', status: 'warning', remedy: expect.stringContaining('linkgate mode enforce') },
    ]);
  });

  test('fails for an unreadable mode', async () => {
    env.deps.modeParameter = { ...env.deps.modeParameter, read: () => Promise.reject(new Error('no')) };
    expect(await listProblems()).toMatchObject([{ name: 'mode', status: 'failed' }]);
  });

  test.each([
    [undefined, 'linkgate setup'],
    ['String', 'aws ssm delete-parameter'],
  ])('fails for a signing key of the type %s, with the remedy `%s`', async (type, remedy) => {
    const parameters = new Map(type === undefined ? [] : [['links/signing-key', type]]);
    env.deps.deployment = aDeployment({ parameters: async () => parameters });
    expect(await listProblems()).toMatchObject([
      { name: 'signing-key', status: 'failed', remedy: expect.stringContaining(remedy) },
    ]);
  });

  test.each([undefined, 'https://api-2.execute-api.us-east-1.amazonaws.com'])(
    'fails when the api-url parameter is %s',
    async (url) => {
      env.deps.deployment = aDeployment({ apiUrl: async () => url });
      expect(await listProblems()).toMatchObject([{ name: 'api-url', status: 'failed' }]);
    },
  );

  test('warns about an empty default group', async () => {
    await write([{ remove: { pk: 'APPROVERS', sk: 'default' } }]);
    await createDefaultGroup(env.table);
    expect(await listProblems()).toMatchObject([
      {
        name: 'approvers',
        status: 'warning',
        remedy: expect.stringContaining('\nlinkgate approvers set default --email you@example.com'),
      },
    ]);
  });

  test('fails for a deployment without setup', async () => {
    await write([{ remove: { pk: 'APPROVERS', sk: 'default' } }]);
    expect(await listProblems()).toMatchObject([
      { group: 'deployment', name: 'approvers', remedy: 'linkgate setup' },
      { group: 'services', name: 'approvers' },
    ]);
  });
});

describe('the queue check', () => {
  test('fails for messages in a dead-letter queue, and its remedy starts the redrive', async () => {
    const [notifications, , undelivered] = healthyQueues;
    const deadLetters = aQueue('connection-notifications-dead-letters', { visibleMessages: 2 });
    env.deps.deployment = aDeployment({
      queues: [notifications, deadLetters, undelivered].filter(isThere),
    });
    expect(await listProblems()).toMatchObject([
      {
        name: 'dead-letters',
        subject: 'linkgate-test-connection-notifications-dead-letters',
        detail: '2 messages',
        remedy: expect.stringContaining(`start-message-move-task --source-arn ${deadLetters.arn}`),
      },
    ]);
  });

  test('fails for an undelivered event, and its remedy purges the queue', async () => {
    const queues = [...healthyQueues.slice(0, 2), aQueue('undelivered-events', { visibleMessages: 1 })];
    env.deps.deployment = aDeployment({ queues });
    expect(await listProblems()).toMatchObject([
      { name: 'dead-letters', detail: '1 message', remedy: expect.stringContaining('purge-queue') },
    ]);
  });

  test.each([
    ['connection-requests-dead-letters', 'connection-requests', 'The sweep recovers it'],
    ['service-checks-dead-letters', 'service-checks', 'The full sweep recovers it'],
    ['failed-invocations', undefined, '`Service Drifted` is lost'],
  ])('says what a lost message in %s means (source queue: %s): “%s”', async (name, source, remedy) => {
    const ended = aQueue(name, { visibleMessages: 1 });
    const feeding = source === undefined ? [] : [aQueue(source, { deadLetterQueueArn: ended.arn })];
    env.deps.deployment = aDeployment({ queues: [...healthyQueues, ...feeding, ended] });
    expect(await listProblems()).toMatchObject([{ remedy: expect.stringContaining(remedy) }]);
  });

  test('says for every queue what a lost message means, in the words of its alarm', async () => {
    const { Resources } = createRequire(import.meta.url)('../../resources/queues.cjs')();
    const names = Object.values<{ Properties: { QueueName?: string } }>(Resources)
      .flatMap(({ Properties: { QueueName } }) => QueueName ?? [])
      .map((each) => each.replace(/^linkgate-.*?}-/, ''));
    const deadLetterQueueName = (name: string) => name.replace(/(\.fifo)?$/, '-dead-letters$1');
    const queues = names.map((name) =>
      aQueue(name, {
        visibleMessages: 1,
        ...(names.includes(deadLetterQueueName(name)) && {
          deadLetterQueueArn: queueArn(deadLetterQueueName(name)),
        }),
      }),
    );
    env.deps.deployment = aDeployment({ queues });
    const remedies = (await examineAll()).flatMap(({ name, remedy }) =>
      name === 'dead-letters' ? [remedy] : [],
    );
    expect(remedies).toHaveLength(11);
    for (const remedy of remedies) expect(remedy).toMatch(/purge-queue .*\n[A-Z].*\.$/);
    const alarms = JSON.stringify(Resources);
    for (const last of remedies.filter((remedy) => !remedy?.includes('start-message-move-task')))
      expect(alarms).toContain(last?.split('\n').at(-1));
  });

  test('warns about a backlog', async () => {
    const late = aQueue('apply-verdicts.fifo', {
      visibleMessages: 5_000,
      deadLetterQueueArn: queueArn('apply-verdicts-dead-letters.fifo'),
    });
    env.deps.deployment = aDeployment({ queues: [...healthyQueues, late] });
    expect(await listProblems()).toMatchObject([{ name: 'queue', status: 'warning' }]);
  });

  test('fails for a missing queue and still checks the others', async () => {
    env.deps.deployment = aDeployment({ queueUrls: [...aDeployment().queueUrls, 'https://sqs/gone'] });
    expect(await listProblems()).toMatchObject([{ name: 'queue', subject: 'gone', status: 'failed' }]);
  });

  test('fails for a topic without a subscription of its queue', async () => {
    env.deps.deployment = aDeployment({ listTopicQueues: async () => [queueArn('another')] });
    expect(await listProblems()).toMatchObject([
      { name: 'subscription', remedy: expect.stringContaining('aws sns subscribe') },
    ]);
  });
});

describe('the location check', () => {
  test('fails when sweeps no longer finish', async () => {
    env.advanceSeconds(5 * 60);
    expect(await listProblems()).toMatchObject([
      { name: 'pending-sweep', subject: '111111111111/us-east-1' },
    ]);
    env.advanceSeconds(60 * 60);
    expect(await listProblems()).toMatchObject([
      {
        name: 'pending-sweep',
        remedy: expect.stringMatching(/\naws events describe-rule .*-sweep-pending$/),
      },
      {
        name: 'full-sweep',
        remedy: expect.stringMatching(/\naws events describe-rule .*-sweep-full$/),
      },
    ]);
  });

  test('passes before the first sweep of a new location', async () => {
    env = createTestEnv({ services: [aService({ registeredAt: noon.toISOString() })] });
    env.services.setConfiguration(aConfiguration());
    await addApproverAndContact();
    expect(await listProblems()).toEqual([]);
  });

  test('passes for a service that was registered again long after the last sweep', async () => {
    env.advanceSeconds(24 * 60 * 60);
    env.put(serviceItem(aService({ registeredAt: env.time.toISOString() })));
    expect(await listProblems()).toEqual([]);
  });

  test('fails when a dry run shows that linkgate may not tag or create a connection notification', async () => {
    const refusal = 'You are not authorized to perform ec2:CreateTags';
    env.services.findRepairDenial = async () => refusal;
    expect(await listProblems()).toMatchObject([
      {
        group: 'locations',
        name: 'repair',
        detail: expect.stringContaining(refusal),
        remedy: expect.stringContaining('serverless deploy'),
      },
    ]);
    expect(env.services.calls).toEqual([]);
  });

  test('fails for an overdue verdict behind hundreds of recent ones', async () => {
    for (let number = 1; number <= 300; number++)
      await storePendingAccept(number, number === 300 ? noon : later);
    env.advanceSeconds(10 * 60);
    await finishBothSweeps();
    expect(await listProblems()).toMatchObject([
      { name: 'verdicts', detail: expect.stringContaining(endpointId(300)) },
    ]);
  });

  test('passes for a verdict that somebody reverted in EC2 a moment ago', async () => {
    env.advanceSeconds(10 * 60);
    await finishBothSweeps();
    const record = aRecord({
      state: 'available',
      verdict: aVerdict('reject'),
      pendingEffect: { action: 'reject', attempts: 0 },
      observedAt: env.time.toISOString(),
      version: 0,
    });
    await write(transitionWrites(undefined, { record, auditEvents: [] }, 'request-1'));
    await write(pendingEffects.writes(undefined, record));
    expect(await listProblems()).toEqual([]);
  });

  test('fails for a verdict that was never requested from EC2', async () => {
    await storePendingAccept();
    expect(await listProblems()).toEqual([]);
    env.advanceSeconds(10 * 60);
    await finishBothSweeps();
    expect(await listProblems()).toMatchObject([
      { name: 'verdicts', remedy: expect.stringContaining(`linkgate explain ${endpointId(1)}`) },
    ]);
  });

  test('fails with the last EC2 error when EC2 denies accept or reject', async () => {
    let record = await storePendingAccept();
    await write(transitionWrites(record, markRequested(record, 'accept', noon), 'request-2'));
    record = (await env.record(endpointId(1))) ?? record;
    const answer = 'UnauthorizedOperation: you may not';
    await write(
      transitionWrites(record, markRefused(record, 'accept', answer, secondsAfterNoon(60)), 'request-3'),
    );
    env.advanceSeconds(10 * 60);
    await finishBothSweeps();
    expect(await listProblems()).toMatchObject([
      {
        name: 'verdicts',
        detail: expect.stringContaining(answer),
        remedy: expect.stringContaining(`linkgate service add ${serviceId(1)}`),
      },
    ]);
  });

  test('passes for pending verdicts in the mode observe', async () => {
    await storePendingAccept();
    env.mode = 'observe';
    env.advanceSeconds(10 * 60);
    await finishBothSweeps();
    expect(await listProblems()).toMatchObject([{ name: 'mode' }]);
  });
});

describe('the service check', () => {
  test.each([
    ['acceptance', 'failed', { acceptanceRequired: false }, '--acceptance-required'],
    ['principals', 'warning', { principals: ['*'] }, '--remove-allowed-principals'],
    ['tag', 'failed', { isTagged: false }, `linkgate service add ${serviceId(1)}`],
    ['notification', 'failed', { notifications: [] }, `linkgate service add ${serviceId(1)}`],
    ['service', 'failed', { state: 'Pending' }, 'describe-vpc-endpoint-service-configurations'],
  ])('reports drift in %s as %s', async (name, status, configuration, remedy) => {
    env.services.setConfiguration(aConfiguration(configuration));
    expect(await listProblems()).toMatchObject([
      { name, status, subject: `orders (${serviceId(1)})`, remedy: expect.stringContaining(remedy) },
    ]);
  });

  test.each([
    ['tag', { isTagged: false }],
    ['notification', { notifications: [] }],
  ])('in the mode observe says that enforce fixes the %s', async (name, configuration) => {
    env.mode = 'observe';
    env.services.setConfiguration(aConfiguration(configuration));
    expect(await listProblems()).toMatchObject([
      { name: 'mode', status: 'warning' },
      { name, status: 'warning', remedy: 'linkgate mode enforce' },
    ]);
  });

  test('fails for a service that EC2 no longer lists', async () => {
    env.services.describe = async () => undefined;
    expect(await listProblems()).toMatchObject([
      { name: 'service', status: 'failed', remedy: `linkgate service remove ${serviceId(1)}` },
    ]);
  });

  test.each([
    ['principals-are-missing', 'warning', `linkgate service add ${serviceId(1)} --principals managed`],
    ['principals-cannot-be-changed', 'failed', "linkgate's role lacks the permission"],
  ])(
    'reports allowed principals that differ from the allowlist: %s as %s, with the remedy “%s”',
    async (check, status, remedy) => {
      const principalDrift = [{ check, detail: 'this and that' }];
      const service = aService({ principalDrift, principalsCheckedAt: noon.toISOString() });
      await write([{ put: { pk: 'SERVICE', sk: serviceId(1), ...service } }]);
      expect(await listProblems()).toMatchObject([
        { name: 'principals', status, detail: 'this and that', remedy: expect.stringContaining(remedy) },
      ]);
    },
  );

  test('warns about the principal `*`, and its remedy uses the partition of the service', async () => {
    const inChina = topicArn.replace('arn:aws:', 'arn:aws-cn:');
    await write([{ put: { pk: 'SERVICE', sk: serviceId(1), ...aService({ topicArn: inChina }) } }]);
    env.services.setConfiguration(aConfiguration({ principals: ['*'] }));
    const [principalsCheck] = (await listProblems()).filter(({ name }) => name === 'principals');
    expect(principalsCheck?.remedy).toMatch(/arn:aws-cn:iam::\d{12}:root$/);
  });

  test('fails for an approver group that does not exist', async () => {
    await write([{ put: { pk: 'SERVICE', sk: serviceId(1), ...aService({ approvers: 'gone' }) } }]);
    expect(await listProblems()).toMatchObject([{ name: 'approvers', status: 'failed' }]);
  });

  test('warns about a paused service', async () => {
    const paused = aService({ pausedAt: noon.toISOString(), pausedBy: 'bob', pauseReason: 'an audit' });
    await write([{ put: { pk: 'SERVICE', sk: serviceId(1), ...paused } }]);
    expect(await listProblems()).toMatchObject([
      { name: 'paused', status: 'warning', detail: expect.stringContaining('an audit') },
    ]);
  });
});

test('the audit check fails for a trail that was tampered with', async () => {
  await storePendingAccept();
  const key = { pk: `AUDIT#${endpointId(1)}`, sk: '000000002' };
  const [entry] = await env.table.get([key]);
  await write([{ put: { ...key, version: 1, ...entry, actor: 'mallory' } }]);
  expect(await listProblems()).toMatchObject([
    { group: 'audit', status: 'failed', detail: expect.stringContaining(`entry 2 of ${endpointId(1)}`) },
  ]);
});

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
