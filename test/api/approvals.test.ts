import { describe, expect, test } from '@jest/globals';
import {
  aConfiguration,
  aConnection,
  alice,
  anEntry,
  aService,
  consumer,
  endpointId,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi, errorAnswer } from './call-api.ts';

const decide = `POST /connections/${endpointId(1)}/decision`;
const connections = [aConnection()];

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
    await callApi(env, 'POST /services', register);
    expect(await callApi(env, `GET /services/${serviceId(1)}`)).toMatchObject({
      body: { service: register },
    });
  });

  test('keeps settings that a second registration does not name', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration());
    await callApi(env, 'POST /services', register);
    const again = { serviceId: serviceId(1), requireTicket: false };
    expect(await callApi(env, 'POST /services', again)).toMatchObject({
      body: { service: { ...register, requireTicket: false } },
    });
  });
});

describe('a service that requires tickets', () => {
  const services = [aService({ requireTicket: true })];

  test('records the ticket of a decision and names it in the NotOpen error', async () => {
    const env = createTestEnv({ services, connections });
    expect(await callApi(env, decide, { decision: 'approve', ticket: ' OPS-42 ' })).toMatchObject({
      status: 200,
      body: { decision: { decision: 'approve', by: alice, ticket: 'OPS-42' } },
    });
    expect(await callApi(env, decide, { decision: 'approve', ticket: 'OPS-43' })).toMatchObject({
      status: 409,
      body: { error: { details: { by: alice, ticket: 'OPS-42' } } },
    });
    const { body } = await callApi(env, `GET /connections/${endpointId(1)}`);
    expect(body.history).toContainEqual(expect.objectContaining({ action: 'approved', ticket: 'OPS-42' }));
  });
});

describe('an allowlist entry', () => {
  const services = [aService()];
  const path = `/allowlist/orders/${consumer}`;

  test('names owners of the account, who can deny its requests but not approve them', async () => {
    const env = createTestEnv({ services, connections, entries: [anEntry({ maxEndpoints: 1 })] });
    const owners = [alice, 'slack:T01LOCAL:U01ALICE', 'mailto:alice@example.com'];
    const input = { effect: 'allow', endpointIds: [endpointId(2)], owners };
    expect(await callApi(env, `PUT ${path}`, input)).toMatchObject({ body: { entry: { owners } } });
    expect(await callApi(env, decide, { decision: 'approve' })).toMatchObject(
      errorAnswer(403, 'MayNotDecide', 'owns the account'),
    );
    expect(await callApi(env, decide, { decision: 'deny', reason: 'no' })).toMatchObject({ status: 200 });
  });
});

describe('an approver group', () => {
  const emails = ['a@example.com', 'b@example.com'];

  test('stores its decision channels and its escalation group', async () => {
    const body = { emails, decisionChannels: 'api', escalateTo: 'default' };
    expect(await callApi(createTestEnv(), 'PUT /approvers/night', body)).toMatchObject({
      status: 200,
      body: { group: body },
    });
  });

  test('can be removed when nothing refers to it, and its addresses are unsubscribed', async () => {
    const env = createTestEnv();
    await callApi(env, 'PUT /approvers/night', { emails });
    expect(await callApi(env, 'GET /approvers/night')).toMatchObject({ body: { group: { emails } } });
    for (const email of emails)
      env.subscriptions.set(email, { arn: `arn:${email}`, filterAddresses: [email] });
    expect(await callApi(env, 'DELETE /approvers/night')).toMatchObject({
      status: 200,
      body: { group: { name: 'night', emails } },
    });
    expect([...env.subscriptions.keys()]).toEqual([]);
    const { body } = await callApi(env, 'GET /approvers');
    expect(body.groups).toMatchObject([{ name: 'default' }]);
    expect(await callApi(env, 'DELETE /approvers/night')).toMatchObject(
      errorAnswer(404, 'UnknownGroup', 'there is no approver group `night`'),
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
    expect(await callApi(env, 'DELETE /approvers/night')).toMatchObject({
      body: { warnings: [expect.stringContaining('the next `linkgate apply` restores it')] },
    });
  });

  test('subscribes each address in lower case, and a warning asks for the confirmation', async () => {
    const env = createTestEnv();
    const { body } = await callApi(env, 'PUT /approvers/night', { emails: ['A@Example.com'] });
    expect(body.group).toMatchObject({ emails: ['a@example.com'] });
    expect([...env.subscriptions.keys()]).toEqual(['a@example.com']);
    expect(body.warnings).toEqual([expect.stringContaining('a@example.com has to confirm')]);
  });

  test('is stored when SNS is unavailable, with a warning', async () => {
    const env = createTestEnv();
    const error = new Error('SNS is away');
    env.deps.subscriptions = { ...env.deps.subscriptions, list: () => Promise.reject(error) };
    expect(await callApi(env, 'PUT /approvers/night', { emails })).toMatchObject({
      status: 200,
      body: { group: { emails }, warnings: [expect.stringContaining('set the group night again')] },
    });
    expect(env.errors).toEqual([error]);
  });
});
