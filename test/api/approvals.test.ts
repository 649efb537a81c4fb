import { describe, expect, test } from '@jest/globals';
import {
  aConfiguration,
  aConnection,
  alice,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi } from './call-api.ts';

const decision = `/connections/${endpointId(1)}/decision`;
const connections = [aConnection()];

function errorResponse(status: number, code: string, sentence: string) {
  return { status, body: { error: { code, message: expect.stringContaining(sentence) } } };
}

describe('a service', () => {
  const register = {
    serviceId: serviceId(1),
    requireTicket: true,
    deadlineSeconds: 3600,
    onExpiry: 'reject',
  };

  test('shows whether decisions need a ticket, the deadline and the action at the deadline', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration());
    await callApi(env, 'POST', '/services', register);
    expect(await callApi(env, 'GET', `/services/${serviceId(1)}`)).toMatchObject({
      body: { service: register },
    });
  });

  test('keeps settings that a second registration does not name', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration());
    await callApi(env, 'POST', '/services', register);
    const again = { serviceId: serviceId(1), requireTicket: false };
    expect(await callApi(env, 'POST', '/services', again)).toMatchObject({
      body: { service: { ...register, requireTicket: false } },
    });
  });

  test.each([59, 90 * 86_400 + 1, 3600.5])('rejects a deadline of %d seconds', async (deadlineSeconds) => {
    const body = { serviceId: serviceId(1), deadlineSeconds };
    expect(await callApi(createTestEnv(), 'POST', '/services', body)).toMatchObject(
      errorResponse(400, 'InvalidRequest', 'deadlineSeconds'),
    );
  });
});

describe('a service that requires tickets', () => {
  const services = [aService({ requireTicket: true })];

  test.each([{ decision: 'approve' }, { decision: 'deny', reason: 'unknown' }])(
    'rejects a decision without a ticket: %j',
    async (body) => {
      const env = createTestEnv({ services, connections });
      expect(await callApi(env, 'POST', decision, body)).toMatchObject(
        errorResponse(400, 'MayNotDecide', 'ticket'),
      );
    },
  );

  test('records the ticket of a decision and names it in the NotOpen error', async () => {
    const env = createTestEnv({ services, connections });
    expect(await callApi(env, 'POST', decision, { decision: 'approve', ticket: ' OPS-42 ' })).toMatchObject({
      status: 200,
      body: { decision: { decision: 'approve', by: alice, ticket: 'OPS-42' } },
    });
    expect(await callApi(env, 'POST', decision, { decision: 'approve', ticket: 'OPS-43' })).toMatchObject({
      status: 409,
      body: { error: { details: { by: alice, ticket: 'OPS-42' } } },
    });
    const { body } = await callApi(env, 'GET', `/connections/${endpointId(1)}`);
    expect(body.history).toContainEqual(expect.objectContaining({ action: 'approved', ticket: 'OPS-42' }));
  });

  test.each([
    ['', 422, 'BlankText'],
    ['   ', 422, 'BlankText'],
    ['x'.repeat(101), 400, 'InvalidRequest'],
  ] as const)('rejects the ticket %j', async (ticket, status, code) => {
    const env = createTestEnv({ services, connections });
    expect(await callApi(env, 'POST', decision, { decision: 'approve', ticket })).toMatchObject(
      errorResponse(status, code, 'ticket'),
    );
  });
});

describe('the next step of a request that awaits approval', () => {
  const deadline = '2026-11-28T12:00:00.000Z';
  const approvalRequest = { group: 'default', requestedAt: '2026-11-21T12:00:00.000Z', deadline, version: 1 };

  test.each([
    ['approval-requested', {}, `until ${deadline}, and stays open after that. \`linkgate approve`],
    [
      'reminded',
      { onExpiry: 'reject' },
      `until ${deadline}, and linkgate then rejects it permanently. \`linkgate approve`,
    ],
    ['expired', {}, `It still waits for approval: nobody decided before ${deadline}`],
    ['approval-requested', { requireTicket: true }, `linkgate approve ${endpointId(1)} --ticket …`],
  ] as const)(
    'in the stage %s, with the service settings %j, contains “%s”',
    async (stage, settings, sentence) => {
      const env = createTestEnv({
        services: [aService(settings)],
        connections,
        records: [aRecord({ verdict: aVerdict('ask'), approvalRequest: { ...approvalRequest, stage } })],
      });
      const { body } = await callApi(env, 'GET', `/connections/${endpointId(1)}`);
      expect(body).toMatchObject({ connection: { nextStep: expect.stringContaining(sentence) } });
    },
  );
});

describe('an allowlist entry', () => {
  const services = [aService()];
  const path = `/allowlist/orders/${consumer}`;

  test('names owners of the account, who can deny its requests but not approve them', async () => {
    const env = createTestEnv({ services, connections, entries: [anEntry({ maxEndpoints: 1 })] });
    const owners = [alice, 'slack:T01LOCAL:U01ALICE', 'mailto:alice@example.com'];
    const input = { effect: 'allow', endpointIds: [endpointId(2)], owners };
    expect(await callApi(env, 'PUT', path, input)).toMatchObject({ body: { entry: { owners } } });
    expect(await callApi(env, 'POST', decision, { decision: 'approve' })).toMatchObject(
      errorResponse(403, 'MayNotDecide', 'owns the account'),
    );
    expect(await callApi(env, 'POST', decision, { decision: 'deny', reason: 'no' })).toMatchObject({
      status: 200,
    });
  });

  test.each([
    'alice',
    'alice@example.com',
    'mailto:Alice@example.com',
    'slack:U01ALICE',
    'arn:aws:s3:::bucket',
  ])('rejects the owner %j, which is not a valid actor', async (owner) => {
    const input = { effect: 'block', owners: [owner] };
    expect(await callApi(createTestEnv({ services }), 'PUT', path, input)).toMatchObject(
      errorResponse(400, 'InvalidRequest', 'an actor looks like'),
    );
  });
});

describe('an approver group', () => {
  const emails = ['a@example.com', 'b@example.com'];

  test('stores its decision channels and its escalation group', async () => {
    const body = { emails, decisionChannels: 'api', escalateTo: 'default' };
    expect(await callApi(createTestEnv(), 'PUT', '/approvers/night', body)).toMatchObject({
      status: 200,
      body: { group: body },
    });
  });

  test.each([
    ['nobody', 404, 'UnknownGroup', 'there is no approver group `nobody`'],
    ['night', 400, 'InvalidRequest', 'cannot escalate to itself'],
  ] as const)('cannot escalate to the group %s: %d %s, %s', async (escalateTo, status, code, sentence) => {
    expect(await callApi(createTestEnv(), 'PUT', '/approvers/night', { emails, escalateTo })).toMatchObject(
      errorResponse(status, code, sentence),
    );
  });

  test('can be removed when nothing refers to it, and its addresses are unsubscribed', async () => {
    const env = createTestEnv();
    await callApi(env, 'PUT', '/approvers/night', { emails });
    expect(await callApi(env, 'GET', '/approvers/night')).toMatchObject({ body: { group: { emails } } });
    for (const email of emails)
      env.subscriptions.set(email, { arn: `arn:${email}`, filterAddresses: [email] });
    expect(await callApi(env, 'DELETE', '/approvers/night')).toMatchObject({
      status: 200,
      body: { group: { name: 'night', emails } },
    });
    expect([...env.subscriptions.keys()]).toEqual([]);
    const { body } = await callApi(env, 'GET', '/approvers');
    expect(body.groups).toMatchObject([{ name: 'default' }]);
    expect(await callApi(env, 'DELETE', '/approvers/night')).toMatchObject(
      errorResponse(404, 'UnknownGroup', 'there is no approver group `night`'),
    );
  });

  test('of the policy file is removed with a warning: the next apply creates it again', async () => {
    const group = {
      name: 'night',
      quorum: 1,
      slackUsers: [],
      emails,
      managedBy: 'file' as const,
      version: 1,
    };
    const env = createTestEnv({ groups: [group] });
    expect(await callApi(env, 'DELETE', '/approvers/night')).toMatchObject({
      body: { warnings: [expect.stringContaining('the next `linkgate apply` restores it')] },
    });
  });

  test.each([
    ['default', 'a service asks it unless it names another'],
    ['night', 'the service orders asks the group night'],
    ['boss', 'the group night escalates to boss'],
  ])('with the name %s cannot be removed, because %s', async (name, sentence) => {
    const env = createTestEnv({ services: [aService({ approvers: 'night' })] });
    await callApi(env, 'PUT', '/approvers/boss', { emails });
    await callApi(env, 'PUT', '/approvers/night', { emails, escalateTo: 'boss' });
    expect(await callApi(env, 'DELETE', `/approvers/${name}`)).toMatchObject(
      errorResponse(409, 'GroupInUse', sentence),
    );
    expect((await callApi(env, 'GET', '/approvers')).body.groups).toHaveLength(3);
  });

  test('subscribes each address in lower case, and a warning asks for the confirmation', async () => {
    const env = createTestEnv();
    const { body } = await callApi(env, 'PUT', '/approvers/night', { emails: ['A@Example.com'] });
    expect(body.group).toMatchObject({ emails: ['a@example.com'] });
    expect([...env.subscriptions.keys()]).toEqual(['a@example.com']);
    expect(body.warnings).toEqual([expect.stringContaining('a@example.com has to confirm')]);
  });

  test('is stored when SNS is unavailable, with a warning', async () => {
    const env = createTestEnv();
    const error = new Error('SNS is away');
    env.deps.subscriptions = { ...env.deps.subscriptions, list: () => Promise.reject(error) };
    expect(await callApi(env, 'PUT', '/approvers/night', { emails })).toMatchObject({
      status: 200,
      body: { group: { emails }, warnings: [expect.stringContaining('set the group night again')] },
    });
    expect(env.errors).toEqual([error]);
  });
});
