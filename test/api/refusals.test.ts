import { describe, expect, test } from '@jest/globals';
import {
  aConfiguration,
  aConnection,
  aGroup,
  alice,
  anApproval,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi, errorAnswer } from './call-api.ts';

type Refusal = readonly [request: string, body: unknown, error: string, sentence: string];

/** Tests that the API answers each request with the error, and that the policy stays as it is. */
function testRefusals(
  title: string,
  createEnv: () => ReturnType<typeof createTestEnv>,
  refusals: readonly Refusal[],
) {
  test.each(refusals)(`${title}: %s %j answers %s, “%s”`, async (request, body, error, sentence) => {
    const env = createEnv();
    const before = await callApi(env, 'GET /policy');
    const [status, code = ''] = error.split(' ');
    expect(await callApi(env, request, body)).toMatchObject(errorAnswer(Number(status), code, sentence));
    expect(await callApi(env, 'GET /policy')).toEqual(before);
  });
}

const services = [aService()];
const connections = [aConnection()];
const invalid = '400 InvalidRequest';
const entryPath = `/allowlist/orders/${consumer}`;
const putEntry = `PUT ${entryPath}`;
const decide = `POST /connections/${endpointId(1)}/decision`;
const revoke = `POST /connections/${endpointId(1)}/revocation`;
const extend = `POST /connections/${endpointId(1)}/extend`;
const unknownPath = `/connections/${endpointId(9)}`;
const slackUser = { team: 'T01LOCAL', user: 'U01BOB' };
const emails = ['a@example.com', 'b@example.com'];
const accounts = [consumer];
const topicArn = 'arn:aws:sns:us-east-1:022222222222:notices';
const manyEndpoints = Array.from({ length: 1_001 }, (_, index) => endpointId(index));

/** A registered service with a pending request, and a service of EC2 that is not registered. */
function createEnv() {
  const env = createTestEnv({ services, connections });
  env.services.setConfiguration(aConfiguration({ serviceId: serviceId(2) }));
  return env;
}

testRefusals('unknown', createEnv, [
  ['PATCH /nothing', undefined, '404 NotFound', 'there is no PATCH /nothing'],
  ['GET /services/order', undefined, '404 UnknownService', '`order` is registered (registered: orders)'],
  ['POST /services/order/pause', {}, '404 UnknownService', '`order`'],
  ['POST /services/order/resume', undefined, '404 UnknownService', '`order`'],
  ['POST /services', { serviceId: serviceId(3) }, '404 UnknownService', 'account 111111111111 has no'],
  [`PUT /allowlist/${serviceId(3)}/${consumer}`, { effect: 'allow' }, '404 UnknownService', serviceId(3)],
  [`DELETE ${entryPath}`, undefined, '404 UnknownEntry', `account ${consumer} has no entry`],
  [`GET ${unknownPath}`, undefined, '404 UnknownEndpoint', endpointId(9)],
  [`POST ${unknownPath}/revocation`, {}, '404 UnknownEndpoint', endpointId(9)],
  [`GET /audit/verification?endpoint=${endpointId(9)}`, undefined, '404 UnknownEndpoint', endpointId(9)],
  ['GET /audit/verification?service=nothing', undefined, '404 UnknownService', 'nothing'],
  ['GET /jobs/id-9', undefined, '404 UnknownJob', 'a job expires after a day'],
  ['GET /customers/acme', undefined, '404 UnknownCustomer', 'linkgate customer list'],
  ['DELETE /customers/acme', undefined, '404 UnknownCustomer', 'linkgate customer list'],
  ['DELETE /approvers/night', undefined, '404 UnknownGroup', 'there is no approver group `night`'],
  ['PUT /approvers/night', { emails, escalateTo: 'nobody' }, '404 UnknownGroup', '`nobody`'],
  ['POST /services', { serviceId: serviceId(2), approvers: 'nobody' }, '404 UnknownGroup', '`nobody`'],
]);

testRefusals('invalid registration', createEnv, [
  ...[
    '*',
    serviceId(1),
    'vpce-payments',
    'Payments API',
    'prod/payments',
    'ü',
    '..',
    '-x',
    'a'.repeat(65),
  ].map(
    (name): Refusal => [
      'POST /services',
      { serviceId: serviceId(2), name },
      invalid,
      'name: a name has 1 to 64 letters',
    ],
  ),
  [
    'POST /services',
    { serviceId: serviceId(2), name: 'orders' },
    '400 NameTaken',
    'choose another with --name',
  ],
  ['POST /services', {}, invalid, 'the registration is invalid: serviceId: it is missing'],
  [
    'POST /services',
    { serviceId: 7, onUnlisted: 'maybe', foo: 1 },
    invalid,
    'serviceId: it has to be a text, and is 7; onUnlisted: it has to be `ask` or `hold` or `reject`, and is `maybe`; foo: unknown field',
  ],
  ...[59, 90 * 86_400 + 1].map(
    (deadlineSeconds): Refusal => [
      'POST /services',
      { serviceId: serviceId(2), deadlineSeconds },
      invalid,
      'deadlineSeconds',
    ],
  ),
]);

testRefusals('invalid entry', createEnv, [
  ['PUT /allowlist/orders/12345678901', { effect: 'allow' }, invalid, 'an account id has 12 digits'],
  [putEntry, { effect: 'permit' }, invalid, 'effect:'],
  [putEntry, { effect: 'allow', maxEndpoint: 1 }, invalid, 'maxEndpoint:'],
  [putEntry, { effect: 'allow', endpointIds: [] }, invalid, 'endpointIds:'],
  [putEntry, { effect: 'allow', endpointIds: ['vpce-x'] }, invalid, 'endpointIds.0:'],
  [putEntry, { effect: 'allow', endpointIds: manyEndpoints }, invalid, 'endpointIds:'],
  [putEntry, { effect: 'allow', consumerRegions: ['Virginia'] }, invalid, 'Regions.0:'],
  [putEntry, { effect: 'allow', expiresAt: noon.toISOString() }, invalid, 'is in the past'],
  [putEntry, '{', invalid, 'the body is not JSON'],
  ...['endpointIds', 'consumerRegions', 'maxEndpoints', 'expiresAt'].map(
    (condition): Refusal => [putEntry, { effect: 'block', [condition]: 1 }, invalid, condition],
  ),
  ...['alice', 'alice@example.com', 'mailto:Alice@example.com', 'slack:U01ALICE', 'arn:aws:s3:::bucket'].map(
    (owner): Refusal => [putEntry, { effect: 'block', owners: [owner] }, invalid, 'an actor looks like'],
  ),
]);

testRefusals('invalid list or decision', createEnv, [
  ['GET /connections?state=Available', undefined, invalid, 'state:'],
  ['GET /connections?account=1', undefined, invalid, 'account:'],
  [`GET /connections/${serviceId(1)}`, undefined, invalid, 'the endpoint id'],
  ['GET /audit/verification?endpoint=vpce-wrong', undefined, invalid, 'endpoint:'],
  [decide, { decision: 'approve', by: 'bob' }, invalid, 'by:'],
  [decide, { decision: 'deny' }, invalid, 'reason:'],
]);

testRefusals('invalid settings', createEnv, [
  ['PUT /mode', { mode: 'stop' }, invalid, 'mode:'],
  ['PUT /approvers/ops', { emails, quorum: 3 }, invalid, 'its quorum is 3, and it has 2'],
  ['PUT /approvers/ops', { emails, quorum: 0 }, invalid, 'a quorum is at least 1'],
  ['PUT /approvers/ops', {}, invalid, 'has no members'],
  ['PUT /approvers/ops', { emails, slackChannel: '#ops' }, invalid, 'looks like C0123456789'],
  ['PUT /approvers/ops', { slackUsers: [{ ...slackUser, user: 'bob' }] }, invalid, 'U0123456789'],
  ['PUT /approvers/ops', { emails: ['bob'] }, invalid, 'looks like alice@example.com'],
  ['PUT /approvers/ops', { emails, slackGroup: 'S01' }, invalid, 'slackGroup'],
  ['PUT /approvers/night', { emails, escalateTo: 'night' }, invalid, 'cannot escalate to itself'],
  ['PUT /operations', { slackChannel: '#ops' }, invalid, 'slackChannel:'],
  ['PUT /operations', { emails: ['nobody'] }, invalid, 'emails.0:'],
  ['PUT /operations', { topic: 'arn' }, invalid, 'topic:'],
  ['PUT /customers/acme', { accounts: [] }, invalid, 'accounts:'],
  ['PUT /customers/acme', { accounts, contact: { phone: '1' } }, invalid, 'contact'],
  ['PUT /customers/acme', { accounts, contact: { topicArn } }, invalid, 'linkgate-'],
  ['PUT /customers/acme', { accounts, contact: { email: 'ops' } }, invalid, 'an `email` or a `topicArn`'],
  ['DELETE /services/orders?dryRun=true', undefined, invalid, '{service} has no dry run'],
  [`PUT ${entryPath}?dryRun=yes`, { effect: 'block' }, invalid, 'dryRun'],
]);

testRefusals('without a registered service', () => createTestEnv(), [
  ['DELETE /services/order', undefined, '404 UnknownService', '`order` is registered (registered: none yet)'],
]);

const namesakes = [aService(), aService({ serviceId: serviceId(2) })];
testRefusals('where two services share a name', () => createTestEnv({ services: namesakes }), [
  [
    'DELETE /services/orders',
    undefined,
    '404 UnknownService',
    `(registered: ${serviceId(1)}, ${serviceId(2)})`,
  ],
]);

function createEnvBeforeSetup() {
  const env = createTestEnv({ groups: [] });
  env.services.setConfiguration(aConfiguration());
  return env;
}
testRefusals('before setup', createEnvBeforeSetup, [
  ['POST /services', { serviceId: serviceId(1) }, '409 NotSetUp', 'linkgate setup'],
]);

function createEnvOfOtherStage() {
  const env = createTestEnv();
  env.services.setConfiguration(aConfiguration({ isTagged: false, otherStage: 'prod' }));
  return env;
}
testRefusals('where another stage has the service', createEnvOfOtherStage, [
  ['POST /services', { serviceId: serviceId(1) }, '409 OtherStage', `remove ${serviceId(1)} --stage prod`],
]);

function createContendedEnv() {
  const env = createTestEnv({ services });
  env.deps.table = { ...env.table, write: async () => false };
  return env;
}
testRefusals('where concurrent changes exhaust the retries', createContendedEnv, [
  ['DELETE /services/orders', undefined, '409 Conflict', 'try again'],
]);

const ticketed = [aService({ requireTicket: true })];
testRefusals('at a service that requires tickets', () => createTestEnv({ services: ticketed, connections }), [
  [decide, { decision: 'approve' }, '400 MayNotDecide', 'ticket'],
  [decide, { decision: 'deny', reason: 'unknown' }, '400 MayNotDecide', 'ticket'],
]);

const escalating = [
  aGroup(),
  aGroup({ name: 'boss', emails }),
  aGroup({ name: 'night', emails, escalateTo: 'boss' }),
];
const createEnvWithGroups = () =>
  createTestEnv({ services: [aService({ approvers: 'night' })], groups: escalating });
testRefusals('of an approver group in use', createEnvWithGroups, [
  ['DELETE /approvers/default', undefined, '409 GroupInUse', 'a service asks it unless it names another'],
  ['DELETE /approvers/night', undefined, '409 GroupInUse', 'the service orders asks the group night'],
  ['DELETE /approvers/boss', undefined, '409 GroupInUse', 'the group night escalates to boss'],
]);

const until = secondsAfterNoon(30 * 86_400).toISOString();
const disconnectAt = secondsAfterNoon(72 * 3600).toISOString();

/** A connected endpoint of an allowed account, with a scheduled disconnect where `cause` is given. */
function createConnectedEnv(cause?: 'policy' | 'block', owners: string[] = []) {
  const revocation = { since: noon.toISOString(), disconnectAt, by: alice };
  return createTestEnv({
    services,
    entries: [anEntry({ ...(owners.length > 0 && { owners }) })],
    connections: [aConnection({ state: 'available' })],
    records: [
      aRecord({
        state: 'available',
        acceptRequestedAt: noon.toISOString(),
        verdict: aVerdict(cause ? 'reject' : 'accept', cause && { until: disconnectAt }),
        ...(cause && { revocation: { ...revocation, cause } }),
      }),
    ],
  });
}

const reason = 'why';
const aYearAndADay = secondsAfterNoon(366 * 86_400).toISOString();
const anHour = secondsAfterNoon(3600).toISOString();
testRefusals('for a scheduled disconnect', () => createConnectedEnv('policy'), [
  [extend, { until: noon.toISOString(), reason }, invalid, 'in the past'],
  [extend, { until: aYearAndADay, reason }, invalid, 'a year at most'],
  [extend, { until: anHour, reason }, invalid, `at ${disconnectAt}`],
]);
testRefusals('for an owner of the account', () => createConnectedEnv('policy', [alice]), [
  [extend, { until, reason }, '403 MayNotDecide', 'owns the account'],
]);
testRefusals('without a scheduled disconnect', () => createConnectedEnv(), [
  [extend, { until, reason }, '409 NoScheduledDisconnect', 'no scheduled disconnect'],
]);
testRefusals('for a blocked account', () => createConnectedEnv('block'), [
  [extend, { until, reason }, '409 NoScheduledDisconnect', 'has to be removed'],
]);

function createRejectedEnv() {
  return createTestEnv({ services, connections: [aConnection({ state: 'rejected' })] });
}
testRefusals('for a pending request', createEnv, [[revoke, {}, '409 NotConnected', 'linkgate deny']]);
testRefusals('for a rejected connection', createRejectedEnv, [
  [revoke, {}, '409 NotConnected', 'EC2 shows it `rejected`'],
]);

const createPausedEnv = () => createTestEnv({ services: [aService({ pausedAt: noon.toISOString() })] });
testRefusals('while the service is paused', createPausedEnv, [
  ['POST /services/orders/disconnect', undefined, '409 Conflict', 'linkgate resume orders'],
]);

function createObservingEnv() {
  const env = createTestEnv({ services });
  env.services.setConfiguration(aConfiguration({ isTagged: false }));
  env.mode = 'observe';
  return env;
}
testRefusals('in the mode observe', createObservingEnv, [
  ['POST /services/orders/disconnect', undefined, '409 Conflict', 'linkgate mode enforce'],
  ['GET /services/orders/principals', undefined, '409 Conflict', 'linkgate mode enforce'],
  ['POST /services/orders/principals/approval', { removals: 1 }, '409 Conflict', 'set them to managed'],
]);

describe('a decision that comes too late answers NotOpen', () => {
  const approved = anApproval({ reason: 'known' });
  const denied = anApproval({ decision: 'deny', reason: 'unknown' });
  const at = noon.toISOString();
  const time = '21 Nov 2026, 12:00 UTC';

  test.each([
    ['a decision of a person', { personDecision: approved }, `Approved by ${alice} on ${time}: known`],
    ['a decision of policy', {}, `Accepted by policy on ${time}: because`],
    ['policy against a person', { personDecision: denied }, `Accepted by policy on ${time}: because`],
    [
      'a decision of a person that policy holds',
      { personDecision: approved, verdict: aVerdict('hold') },
      `Approved by ${alice} on ${time}: known`,
    ],
  ])('after %s, with author, decision, time and reason', async (_who, decided, sentence) => {
    const records = [aRecord({ verdict: aVerdict('accept'), ...decided })];
    const env = createTestEnv({ services, connections, records });
    const answer = await callApi(env, decide, { decision: 'approve' });
    expect(answer).toMatchObject(errorAnswer(409, 'NotOpen', `${endpointId(1)} is not open: ${sentence}`));
    expect(answer).toMatchObject({ body: { error: { details: { state: 'pendingAcceptance', at } } } });
  });

  test.each([
    ['deleted', []],
    ['available', [aConnection({ state: 'available' })]],
  ])('with the state %s of EC2', async (state, listed) => {
    const records = state === 'deleted' ? [aRecord({ verdict: aVerdict('ask') })] : [];
    const env = createTestEnv({ services, connections: listed, records });
    expect(await callApi(env, decide, { decision: 'approve' })).toMatchObject({
      status: 409,
      body: { error: { code: 'NotOpen', details: { state } } },
    });
  });
});
