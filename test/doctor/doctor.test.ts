import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { createDefaultGroup, defaultGroup, groupKey } from '../../lib/approvers/approver-group.ts';
import { pendingEffects } from '../../lib/connections/indexes.ts';
import {
  applyDecision,
  markRefused,
  markRequested,
  transitionWrites,
} from '../../lib/connections/transition.ts';
import type { ServiceConfiguration } from '../../lib/services/endpoint-services.ts';
import { type Service, serviceItem } from '../../lib/services/service.ts';
import {
  aConfiguration,
  aRecord,
  aRequest,
  aService,
  aVerdict,
  endpointId,
  hub,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { findSection, readPage } from '../docs/page.ts';
import { aQueue, healthyQueues, queueArn } from '../doubles/fake-deployment.ts';
import {
  createHealthyEnv,
  deploy,
  env,
  failed,
  finishBothSweeps,
  listProblems,
  rejectCalls,
  runDoctor,
  storeSecretTypes,
  testPasses,
  testProblems,
  text,
  warned,
} from './fixtures.ts';

const later = secondsAfterNoon(9 * 60);
const registerAgain = `linkgate service add ${serviceId(1)}`;

/** Switches the mode after this work. */
async function observe(work?: unknown) {
  await work;
  env.mode = 'observe';
}

/** Finishes sweeps ten minutes later. */
async function sweepLater() {
  env.advanceSeconds(10 * 60);
  await finishBothSweeps();
}

/** Stores a request with a pending accept. */
async function storePendingAccept(number = 1, decidedAt = noon) {
  const request = aRequest({ endpointId: endpointId(number) });
  const { policyVersions } = aVerdict('accept');
  const verdict = { outcome: 'accept' as const, findings: [] };
  const transition = applyDecision(undefined, request, verdict, policyVersions, decidedAt);
  await env.table.write(transitionWrites(undefined, transition, 'request-1'));
  const record = await env.record(endpointId(number));
  if (!record) throw new Error('nothing was recorded');
  return record;
}

test('the doctor reports no problem for a healthy deployment', async () => {
  expect(await listProblems()).toEqual([]);
});

test('the doctor reports its checks group by group', async () => {
  const groups = (await runDoctor()).map(({ group }) => group);
  expect([...new Set(groups)].join(' ')).toBe(
    'deployment queues slack email operations customers audit locations services items',
  );
});

test('docs/doctor.md lists every check, and no other', async () => {
  const lines = findSection(readPage('docs/doctor.md'), 'The checks').match(/^- `.*?:/gm) ?? [];
  const documentedChecks = lines.flatMap((line) => line.match(/[a-z0-9-]+(?=`)/g) ?? []);
  const checkNames = new Set((await runDoctor()).map(({ name }) => name));
  expect(documentedChecks.toSorted()).toEqual([...checkNames].sort());
});

test('the doctor checks each of many services once, page by page', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => serviceId(index + 1));
  await createHealthyEnv(...ids.map((id) => aService({ serviceId: id, name: id })));
  const states = (await runDoctor()).filter(({ name }) => name === 'service');
  expect(states.map(({ subject }) => subject)).toEqual(ids);
});

test('a check that throws fails, names the missing permission, and does not stop other checks', async () => {
  const message = 'User: linkgate is not authorized to perform: sns:ListSubscriptionsByTopic';
  const denied = Object.assign(new Error(message), { name: 'AuthorizationErrorException' });
  deploy({ listTopicQueues: () => Promise.reject(denied) });
  expect(await listProblems()).toMatchObject([
    failed('subscription', 'serverless deploy', { detail: text(message) }),
  ]);
  expect(env.errors).toEqual([denied]);
});

test('a service that cannot be described fails, and its approvers and pause are checked nevertheless', async () => {
  rejectCalls(env.services, 'describe');
  const checks = (await runDoctor()).filter(({ group }) => group === 'services');
  expect(checks).toMatchObject([
    failed('service', 'try again', { subject: text('orders'), detail: text('no answer') }),
    { name: 'approvers', status: 'ok' },
    { name: 'paused', status: 'ok' },
  ]);
});

describe('the deployment check', () => {
  const restored = {
    table: async () => ({ status: 'ACTIVE', stream: undefined }),
    readTtlAttribute: async () => undefined,
    hasPointInTimeRecovery: async () => false,
  };
  const restoredProblems = [failed('table-stream'), warned('table-expiry'), warned('table-recovery')];
  const removeGroup = async () => {
    await env.table.write([{ remove: groupKey(defaultGroup) }]);
    env.subscriptions.clear();
  };
  const emptyGroup = () => removeGroup().then(() => createDefaultGroup(env.table));
  const otherUrl = 'https://api-2.execute-api.us-east-1.amazonaws.com';
  const signingKey = (type?: string) => () => storeSecretTypes({ 'links/signing-key': type });

  testProblems(
    ['a restored table', () => deploy(restored), ...restoredProblems],
    ['the mode observe', observe, warned('mode', 'linkgate mode enforce')],
    ['an unreadable mode', () => rejectCalls(env.deps.modeParameter, 'read'), failed('mode')],
    ['a missing signing key', signingKey(), failed('signing-key', 'linkgate setup')],
    ['a plain signing key', signingKey('String'), failed('signing-key', 'aws ssm delete-parameter')],
    ['a missing api-url', () => deploy({ apiUrl: async () => undefined }), failed('api-url')],
    ['the URL of another API', () => deploy({ apiUrl: async () => otherUrl }), failed('api-url')],
    ['an empty group', emptyGroup, warned('approvers', 'linkgate approvers set default --email you@')],
    ['a missing group', removeGroup, failed('approvers', 'linkgate setup'), failed('approvers', 'create it')],
  );
});

describe('the queue check', () => {
  const redrive = `start-message-move-task --source-arn ${queueArn('connection-requests-dead-letters')}`;
  const backlog = aQueue('apply-verdicts.fifo', {
    visibleMessages: 5_000,
    deadLetterQueueArn: queueArn('x'),
  });
  const gone = ['https://sqs/gone', ...healthyQueues.map(({ url }) => url)];

  /** A dead-letter queue with a message, and its source queue. */
  const loseMessage = (name: string, source?: string) => () => {
    const lost = aQueue(name, { visibleMessages: 1 });
    const sources = source === undefined ? [] : [aQueue(source, { deadLetterQueueArn: lost.arn })];
    deploy({ queues: [...healthyQueues, ...sources, lost] });
  };
  const unsubscribe = () => deploy({ listTopicQueues: async () => [queueArn('another')] });
  const deadLetter = (remedy: string) => failed('dead-letters', remedy, { detail: '1 message' });

  testProblems(
    [
      'a lost request',
      loseMessage('connection-requests-dead-letters', 'connection-requests'),
      deadLetter(redrive),
    ],
    [
      'a lost check',
      loseMessage('checks-dead-letters', 'service-checks'),
      deadLetter('full sweep recovers it'),
    ],
    ['a failed invocation', loseMessage('failed-invocations'), deadLetter('`Service Drifted` is lost')],
    ['a backlog', () => deploy({ queues: [...healthyQueues, backlog] }), warned('queue')],
    ['a missing queue', () => deploy({ queueUrls: gone }), failed('queue', '', { subject: 'gone' })],
    ['a missing subscription', unsubscribe, failed('subscription', 'aws sns subscribe')],
  );

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
    deploy({ queues });
    const remedies = (await runDoctor()).flatMap(({ name, remedy }) =>
      name === 'dead-letters' ? [remedy] : [],
    );
    expect(remedies).toHaveLength(11);
    for (const remedy of remedies) expect(remedy).toMatch(/purge-queue .*\n[A-Z].*\.$/);
    const alarms = JSON.stringify(Resources);
    for (const last of remedies.filter((remedy) => !remedy?.includes('start-message-move-task')))
      expect(alarms).toContain(last?.split('\n').at(-1));
  });
});

describe('the location check', () => {
  const sweepProblem = (scope: string) =>
    failed(`${scope}-sweep`, '', {
      subject: '111111111111/us-east-1',
      remedy: expect.stringMatching(new RegExp(`\\naws events describe-rule .*-sweep-${scope}$`)),
    });
  const overdue = (number: number) => failed('verdicts', `linkgate explain ${endpointId(number)}`);
  const denial = 'You are not authorized to perform ec2:CreateTags';
  const denyRepair = () => Object.assign(env.services, { findRepairDenial: async () => denial });
  const answer = 'UnauthorizedOperation: you may not';
  const minutesLater = (minutes: number) => () => env.advanceSeconds(minutes * 60);

  async function storeManyAccepts() {
    for (let number = 1; number < 300; number++) await storePendingAccept(number, later);
    await storePendingAccept(300);
    await sweepLater();
  }
  async function storeRefusedAccept() {
    const pending = await storePendingAccept();
    await env.table.write(transitionWrites(pending, markRequested(pending, 'accept', noon), 'request-2'));
    const requested = (await env.record(endpointId(1))) ?? pending;
    const refused = markRefused(requested, 'accept', answer, secondsAfterNoon(60));
    await env.table.write(transitionWrites(requested, refused, 'request-3'));
    await sweepLater();
  }
  async function storeRevertedReject() {
    await sweepLater();
    const pendingEffect = { action: 'reject' as const, attempts: 0 };
    const verdict = aVerdict('reject');
    const observedAt = env.time.toISOString();
    const record = aRecord({ state: 'available', verdict, pendingEffect, observedAt, version: 0 });
    await env.table.write(transitionWrites(undefined, { record, auditEvents: [] }, 'request-1'));
    await env.table.write(pendingEffects.writes(undefined, record));
  }
  const newService = aService({
    location: { ...hub, region: 'eu-central-1' },
    registeredAt: noon.toISOString(),
  });
  const registerLater = () => {
    env.advanceSeconds(24 * 60 * 60);
    env.put(serviceItem(aService({ registeredAt: env.time.toISOString() })));
  };
  const storeOldAccept = () => storePendingAccept().then(() => sweepLater());

  testProblems(
    ['pending sweeps that no longer finish', minutesLater(5), sweepProblem('pending')],
    ['sweeps that no longer finish', minutesLater(65), sweepProblem('pending'), sweepProblem('full')],
    ['a denied repair', denyRepair, failed('repair', 'serverless deploy', { detail: text(denial) })],
    ['an overdue verdict', storeOldAccept, overdue(1)],
    ['the overdue one of many verdicts', storeManyAccepts, overdue(300)],
    ['a refused accept', storeRefusedAccept, failed('verdicts', registerAgain, { detail: text(answer) })],
    ['no verdicts in the mode observe', () => observe(storeOldAccept()), warned('mode')],
  );
  testPasses(
    ['for a recent verdict that was never requested from EC2', () => storePendingAccept()],
    ['for a verdict that somebody reverted in EC2 a moment ago', storeRevertedReject],
    ['before the first sweep of a new location', () => createHealthyEnv(newService)],
    ['for a service that was registered again long after the last sweep', registerLater],
  );
});

describe('the service check', () => {
  const change = (configuration: Partial<ServiceConfiguration>) => () =>
    env.services.setConfiguration(aConfiguration(configuration));
  const store = (service: Partial<Service>) => () => env.put(serviceItem(aService(service)));
  const storeDrift = (id: string, principals?: 'managed') =>
    store({
      drift: [drift, { check: id, detail: 'and that' }],
      principalsCheckedAt: noon.toISOString(),
      ...(principals && { principals }),
    });
  const drift = { check: 'principals-are-missing', detail: 'this' };
  const remove = () => Object.assign(env.services, { describe: async () => undefined });
  const neglect = () => observe(change({ isTagged: false, notifications: [] })());
  const paused = store({ pausedAt: noon.toISOString(), pausedBy: 'bob', pauseReason: 'an audit' });
  const withoutNotification = { isGatewayLoadBalancer: true, notifications: [] } as const;
  const joined = { detail: 'this. and that' };
  const notFixed = ['tag', 'notification'].map((name) => warned(name, 'linkgate mode enforce'));
  const root = 'add-allowed-principals arn:aws:iam::444455556666:root';

  testProblems(
    [
      'missing acceptance',
      change({ acceptanceRequired: false }),
      failed('acceptance', 'acceptance-required'),
    ],
    ['a missing tag', change({ isTagged: false }), failed('tag', registerAgain)],
    ['a missing notification', change({ notifications: [] }), failed('notification', registerAgain)],
    [
      'no notification of a Gateway Load Balancer',
      () => observe(change(withoutNotification)()),
      warned('mode'),
    ],
    ['what the mode observe leaves', neglect, warned('mode'), ...notFixed],
    ['another state', change({ state: 'Pending' }), failed('service', 'aws ec2 describe-vpc-endpoint')],
    ['a deleted service', remove, failed('service', `linkgate service remove ${serviceId(1)}`)],
    ['missing approvers', store({ approvers: 'gone' }), failed('approvers', 'linkgate approvers set gone')],
    ['a pause', paused, warned('paused', 'linkgate resume orders', { detail: text('an audit') })],
    ['the principal `*`', change({ principals: ['*'] }), warned('principals', root)],
    ['different principals', storeDrift('x'), warned('principals', `${registerAgain} --principals`, joined)],
    [
      'what linkgate fixes',
      storeDrift('x', 'managed'),
      warned('principals', 'fixes some differences itself'),
    ],
    [
      'refused changes',
      storeDrift('principals-cannot-be-changed'),
      failed('principals', 'lacks the permission'),
    ],
  );
  testPasses(['for a Gateway Load Balancer service', change(withoutNotification)]);
});

test('the audit check fails for a trail that was tampered with', async () => {
  await storePendingAccept();
  const [entry] = await env.table.get([{ pk: `AUDIT#${endpointId(1)}`, sk: '000000002' }]);
  if (entry) env.put({ ...entry, actor: 'mallory' });
  expect(await listProblems()).toMatchObject([
    failed('audit-trails', '', { detail: text(`entry 2 of ${endpointId(1)}`) }),
  ]);
});
