import { describe, expect, test } from '@jest/globals';
import { createDefaultGroup } from '../../lib/approvers/approver-group.ts';
import {
  aConfiguration,
  aConnection,
  aGroup,
  alice,
  anEntry,
  aService,
  endpointId,
  noon,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi } from './call-api.ts';
import { findOperation, operations } from './openapi.ts';

const services = [aService()];
const stranger = '333333333333';

describe('the mode', () => {
  test('is shown, and set by the authenticated caller', async () => {
    const env = createTestEnv({ services });
    expect(await callApi(env, 'GET /mode')).toMatchObject({ status: 200, body: { mode: 'enforce' } });
    const observing = { mode: 'observe', since: noon.toISOString(), by: alice, reason: 'incident' };
    expect(await callApi(env, 'PUT /mode', { mode: 'observe', reason: 'incident' })).toEqual({
      status: 200,
      body: { ...observing, warnings: [] },
    });
    expect(await callApi(env, 'GET /mode')).toEqual({ status: 200, body: observing });
  });
});

describe('in the mode observe', () => {
  function createObservingEnv() {
    const env = createTestEnv({
      services,
      entries: [anEntry()],
      connections: [aConnection({ ownerAccountId: stranger })],
    });
    env.mode = 'observe';
    // One principal to add and one to remove.
    env.services.setConfiguration(aConfiguration({ isTagged: false }));
    return env;
  }

  const decide = `POST /connections/${endpointId(1)}/decision`;
  const changes = [
    ['POST /services', { serviceId: serviceId(1) }],
    ['DELETE /services/orders', undefined],
    ['POST /services/orders/pause', {}],
    ['POST /services/orders/resume', undefined],
    ['PUT /allowlist/orders/022222222222', { effect: 'allow' }],
    ['PUT /allowlist/*/022222222222', { effect: 'block' }],
    [decide, { decision: 'approve' }],
    [decide, { decision: 'deny', reason: 'no' }],
    ['POST /sweeps', undefined],
    ['PUT /approvers/ops', { emails: ['a@example.com'] }],
    ['PUT /slack', { signingSecret: '0123456789abcdef' }],
    ['PUT /mode', { mode: 'observe' }],
    ['PUT /operations', { slackChannel: 'C01OPS', emails: [] }],
    ['DELETE /allowlist/orders/022222222222', undefined],
    ['PUT /customers/acme', { accounts: ['022222222222'] }],
    ['POST /setup', undefined],
  ] as const;

  /** Operations that need existing objects. */
  const triedElsewhere = [
    'applyPlan',
    'approvePrincipals',
    'disconnectService',
    'extendConnection',
    'makePlan',
    'removeApprovers',
    'removeCustomer',
    'removeUnreadableItem',
    'revokeConnection',
  ];

  test('every operation that changes something is tested', () => {
    const tried = changes.map(([request]) => findOperation(...(request.split(' ') as [string, string])));
    const untried = operations
      .filter((operation) => operation.method !== 'GET' && !tried.includes(operation))
      .map(({ definition }) => definition.operationId);
    expect(untried.filter((id) => !triedElsewhere.includes(id))).toEqual([]);
  });

  test.each(changes)('%s changes nothing in EC2: %j', async (request, body) => {
    const env = createObservingEnv();
    expect((await callApi(env, request, body)).status).toBeLessThan(300);
    expect(env.services.calls).toEqual([]);
    expect(env.ec2.calls).toEqual([]);
  });

  test('a decision is recorded with a warning, and shown with its difference from the state in EC2', async () => {
    const env = createObservingEnv();
    expect(await callApi(env, decide, { decision: 'approve' })).toMatchObject({
      status: 200,
      body: { decision: { verdict: 'accept' }, warnings: [expect.stringContaining('mode is observe')] },
    });
    const differs = 'linkgate would accept it, and EC2 still shows it pendingAcceptance';
    expect(await callApi(env, 'GET /connections?differs=true')).toMatchObject({
      body: { connections: [{ endpointId: endpointId(1), differs }] },
    });
    expect(await callApi(env, `GET /connections/${endpointId(1)}`)).toMatchObject({
      body: { connection: { differs } },
    });
  });
});

describe('a service', () => {
  test('is paused and resumed by name, with author and reason', async () => {
    const env = createTestEnv({ services });
    expect(await callApi(env, 'POST /services/orders/pause', { reason: 'incident' })).toMatchObject({
      status: 200,
      body: { service: { pausedAt: noon.toISOString(), pausedBy: alice, pauseReason: 'incident' } },
    });
    const { body } = await callApi(env, 'POST /services/orders/resume');
    expect(body.service).not.toHaveProperty('pausedAt');
  });
});

describe('an approver group', () => {
  const group = {
    slackChannel: 'C01OPS',
    slackUsers: [{ team: 'T01LOCAL', user: 'U01BOB' }],
    emails: ['approver@example.com'],
    quorum: 2,
  };

  test('is stored and listed', async () => {
    const env = createTestEnv();
    await createDefaultGroup(env.table);
    const changed = { changedAt: noon.toISOString(), changedBy: alice, managedBy: 'api' };
    const set = { name: 'ops', ...group, ...changed };
    expect(await callApi(env, 'PUT /approvers/ops', group)).toMatchObject({
      status: 200,
      body: { group: set },
    });
    expect(await callApi(env, 'GET /approvers')).toEqual({
      status: 200,
      body: { groups: [{ name: 'default', quorum: 1, slackUsers: [], emails: [] }, set] },
    });
  });

  test('of the policy file belongs to the caller who changes it, and a warning says so', async () => {
    const env = createTestEnv({ groups: [aGroup({ name: 'ops', managedBy: 'file' })] });
    expect((await callApi(env, 'PUT /approvers/ops', group)).body).toMatchObject({
      group: { managedBy: 'api' },
      warnings: expect.arrayContaining([expect.stringContaining('`linkgate apply` no longer changes it')]),
    });
  });
});
