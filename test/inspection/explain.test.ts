import { describe, expect, test } from '@jest/globals';
import { markRefused, transitionWrites } from '../../lib/connections/transition.ts';
import { buildConnectionView, explainConnection } from '../../lib/inspection/explain.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import type { ConnectionState } from '../../lib/privatelink/connection.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import type { Outcome } from '../../lib/verdicts/verdict.ts';
import {
  aConnection,
  alice,
  anApprovalRequest,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  endpointId,
  noon,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { anOverQuotaDisconnect } from '../notifications/connected-fixtures.ts';

const services = [aService()];
const context = { service: aService(), entries: [], mode: 'enforce' } as const;

describe('the explanation of a connection', () => {
  test('contains its state in EC2, the verdict with reasons, and the history', async () => {
    const env = createTestEnv({ services, entries: [anEntry()], connections: [aConnection()] });
    await decideConnection(aConnection(), env.deps);
    expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
      connection: {
        endpointId: endpointId(1),
        accountId: '111111111111',
        region: 'us-east-1',
        service: 'orders',
        state: 'pendingAcceptance',
        verdict: 'accept',
        decidedBy: 'linkgate',
        reason: 'account 022222222222 is allowed at orders',
        status: 'accepting',
        deadline: null,
        actions: [],
        nextStep: 'linkgate accepts it; EC2 does not show it connected yet.',
      },
      verdict: { outcome: 'accept', findings: [{ rule: 'account-is-allowed' }] },
      history: [{ action: 'requested' }, { action: 'decided' }],
    });
  });

  test('exists before a verdict', async () => {
    const env = createTestEnv({ services, connections: [aConnection()] });
    expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
      connection: {
        verdict: null,
        decidedBy: null,
        reason: null,
        status: 'awaiting-approval',
        nextStep: 'linkgate decides it within a minute.',
      },
      verdict: null,
      history: [],
    });
  });

  test('exists after EC2 no longer lists the endpoint', async () => {
    const env = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
      connection: {
        state: 'available',
        status: 'deleted',
        actions: [],
        nextStep: 'The endpoint is deleted; nothing is left to do.',
      },
    });
  });

  test('does not exist for an endpoint that neither EC2 nor linkgate knows', async () => {
    expect(await explainConnection(endpointId(9), createTestEnv({ services }).deps)).toBeUndefined();
  });
});

describe('a difference between EC2 and the verdict', () => {
  test.each<[ConnectionState, Outcome, Mode, string | null]>([
    ['available', 'reject', 'enforce', 'linkgate would reject it, and EC2 shows it available'],
    ['pending', 'ask', 'enforce', 'linkgate would request approval, and EC2 shows it pending'],
    ['rejected', 'accept', 'enforce', 'linkgate would accept it, and EC2 shows it rejected'],
    ['rejected', 'ask', 'enforce', 'linkgate would request approval, and EC2 shows it rejected'],
    [
      'pendingAcceptance',
      'accept',
      'observe',
      'linkgate would accept it, and EC2 still shows it pendingAcceptance',
    ],
    ['pendingAcceptance', 'ask', 'observe', null],
    ['available', 'accept', 'enforce', null],
    ['rejected', 'reject', 'enforce', null],
    ['deleted', 'accept', 'enforce', null],
    ['deleting', 'reject', 'enforce', null],
    ['pendingAcceptance', 'ask', 'enforce', null],
    ['pendingAcceptance', 'accept', 'enforce', null],
  ])('for the state %s and the verdict %s in the mode %s is “%s”', (state, outcome, mode, differs) => {
    const record = aRecord({ verdict: aVerdict(outcome) });
    expect(buildConnectionView(aConnection({ state }), record, { ...context, mode }).differs).toBe(differs);
  });

  test.each([
    ['while approval is requested beyond the disconnect quota', anOverQuotaDisconnect()],
    ['without a verdict', undefined],
  ])('does not exist %s', (_, record) => {
    const connection = aConnection({ state: 'available' });
    expect(buildConnectionView(connection, record, context).differs).toBeNull();
  });
});

test.each([
  ['the person who revoked the connection', 'person', alice],
  ['linkgate if the policy changed', 'policy', 'linkgate'],
] as const)('the decider of a disconnect is %s', (_, cause, by) => {
  const revocation = { since: noon.toISOString(), disconnectAt: noon.toISOString(), cause, by: alice };
  const record = aRecord({ state: 'available', verdict: aVerdict('reject'), revocation });
  expect(buildConnectionView(aConnection({ state: 'available' }), record, context).decidedBy).toBe(by);
});

describe('the status of a connection', () => {
  test('has the deadline and the actions of an open request', () => {
    const record = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
    expect(buildConnectionView(aConnection(), record, context)).toMatchObject({
      status: 'awaiting-approval',
      deadline: '2026-11-28T12:00:00.000Z',
      actions: ['approve', 'deny'],
      nextStep: expect.stringContaining('until 2026-11-28T12:00:00.000Z'),
    });
  });

  test('follows the state in EC2, not the recorded one', () => {
    const record = aRecord({ state: 'pendingAcceptance', verdict: aVerdict('accept') });
    const available = aConnection({ state: 'available' });
    expect(buildConnectionView(available, record, context)).toMatchObject({
      status: 'connected',
      actions: ['revoke'],
    });
  });

  test('has no action if the service is not registered', () => {
    const record = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
    const view = buildConnectionView(aConnection(), record, { ...context, service: undefined });
    expect(view.actions).toEqual([]);
    expect(view.nextStep).toBe('Its service is not registered, so linkgate does not decide it.');
  });

  test('has the time of the next attempt after an EC2 error', async () => {
    const record = aRecord({ verdict: aVerdict('accept'), pendingEffect: { action: 'accept', attempts: 0 } });
    const env = createTestEnv({ services, connections: [aConnection()], records: [record] });
    const transition = markRefused(record, 'accept', 'UnauthorizedOperation', noon);
    await env.table.write(transitionWrites(record, transition, 'request-1'));
    expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
      connection: {
        nextStep: 'EC2 refused to accept it; linkgate tries again after 2026-11-21T12:01:00.000Z.',
      },
    });
  });
});
