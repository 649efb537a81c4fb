import { describe, expect, test } from '@jest/globals';
import { markRefused, transitionWrites } from '../../lib/connections/transition.ts';
import { buildConnectionView, explainConnection } from '../../lib/inspection/explain.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import type { ConnectionState } from '../../lib/privatelink/connection.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import type { Outcome } from '../../lib/verdicts/verdict.ts';
import {
  aConnection,
  aFinding,
  alice,
  anApproval,
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
      },
      verdict: { outcome: 'accept', findings: [{ rule: 'account-is-allowed' }] },
      history: [{ action: 'requested' }, { action: 'decided' }],
      next: 'linkgate asks EC2 to accept it, and records the new state once EC2 shows it.',
    });
  });

  test('exists before a verdict', async () => {
    const env = createTestEnv({ services, connections: [aConnection()] });
    expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
      connection: { verdict: null, decidedBy: null, reason: null },
      verdict: null,
      history: [],
      next: 'linkgate decides it within a minute.',
    });
  });

  test('exists after EC2 no longer lists the endpoint', async () => {
    const env = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
      connection: { state: 'available' },
      next: 'The endpoint is gone; nothing is left to do.',
    });
  });

  test('does not exist for an endpoint that neither EC2 nor linkgate knows', async () => {
    expect(await explainConnection(endpointId(9), createTestEnv({ services }).deps)).toBeUndefined();
  });
});

describe('a difference between EC2 and the verdict', () => {
  const computeDifference = (state: ConnectionState, outcome: Outcome, mode: Mode = 'enforce') =>
    buildConnectionView(aConnection({ state }), aRecord({ verdict: aVerdict(outcome) }), mode).differs;

  test.each([
    ['available', 'reject', 'linkgate would reject it, and EC2 shows it available'],
    ['pending', 'ask', 'linkgate would request approval, and EC2 shows it pending'],
    ['rejected', 'accept', 'linkgate would accept it, and EC2 shows it rejected'],
    ['rejected', 'ask', 'linkgate would request approval, and EC2 shows it rejected'],
  ] as const)('exists for the state %s and the verdict %s: “%s”', (state, outcome, differs) => {
    expect(computeDifference(state, outcome)).toBe(differs);
  });

  test.each([
    ['available', 'accept'],
    ['rejected', 'reject'],
    ['deleted', 'accept'],
    ['deleting', 'reject'],
    ['pendingAcceptance', 'ask'],
    ['pendingAcceptance', 'accept'],
  ] as const)('does not exist for the state %s and the verdict %s', (state, outcome) => {
    expect(computeDifference(state, outcome)).toBeNull();
  });

  test('exists for a pending request in the mode observe that linkgate would accept or reject', () => {
    expect(computeDifference('pendingAcceptance', 'accept', 'observe')).toBe(
      'linkgate would accept it, and EC2 still shows it pendingAcceptance',
    );
    expect(computeDifference('pendingAcceptance', 'ask', 'observe')).toBeNull();
  });

  test('does not exist while approval is requested beyond the disconnect quota', () => {
    expect(
      buildConnectionView(aConnection({ state: 'available' }), anOverQuotaDisconnect(), 'enforce').differs,
    ).toBeNull();
  });

  test('does not exist without a verdict', () => {
    expect(buildConnectionView(aConnection({ state: 'available' }), undefined, 'enforce').differs).toBeNull();
  });
});

test.each([
  ['the person who revoked the connection', 'person', alice],
  ['linkgate if the policy changed', 'policy', 'linkgate'],
] as const)('the decider of a disconnect is %s', (_, cause, by) => {
  const revocation = { since: noon.toISOString(), disconnectAt: noon.toISOString(), cause, by: alice };
  const record = aRecord({ state: 'available', verdict: aVerdict('reject'), revocation });
  expect(buildConnectionView(aConnection({ state: 'available' }), record, 'enforce').decidedBy).toBe(by);
});

describe('the next step', () => {
  async function explainNext(state: ConnectionState, outcome?: Outcome, mode: Mode = 'enforce') {
    const finding = { rule: 'account-is-not-listed', reason: 'it is not listed' };
    const verdict = outcome && aVerdict(outcome, { findings: [{ ...finding, outcome }] });
    const records = verdict ? [aRecord({ state, verdict })] : [];
    const env = createTestEnv({ services, connections: [aConnection({ state })], records });
    env.mode = mode;
    return (await explainConnection(endpointId(1), env.deps))?.next;
  }

  test.each(['ask', 'hold'] as const)(
    'of a request with the verdict %s is a decision, and names the command',
    async (outcome) => {
      expect(await explainNext('pendingAcceptance', outcome)).toContain(`linkgate approve ${endpointId(1)}`);
    },
  );

  test.each([undefined, anApproval()])(
    'of a request that a failed rule holds is the next evaluation, whatever a person decided',
    async (personDecision) => {
      const findings = [
        aFinding({ rule: 'is-broken', outcome: 'hold', failed: true, reason: 'the rule failed' }),
      ];
      const record = aRecord({
        verdict: aVerdict('hold', { findings }),
        ...(personDecision && { personDecision }),
      });
      const env = createTestEnv({ services, connections: [aConnection()], records: [record] });
      expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
        next: 'It waits, whatever an approver decides, and linkgate tries again within two minutes: the rule failed.',
      });
    },
  );

  test('of a request to a paused service is to resume the service', async () => {
    const records = [aRecord({ verdict: aVerdict('hold') })];
    const paused = aService({ pausedAt: '2026-11-21T11:00:00.000Z' });
    const env = createTestEnv({ services: [paused], connections: [aConnection()], records });
    expect((await explainConnection(endpointId(1), env.deps))?.next).toContain('linkgate resume orders');
  });

  test('after an EC2 error is the time of the next attempt', async () => {
    const record = aRecord({ verdict: aVerdict('accept'), pendingEffect: { action: 'accept', attempts: 0 } });
    const env = createTestEnv({ services, connections: [aConnection()], records: [record] });
    const transition = markRefused(record, 'accept', 'UnauthorizedOperation', noon);
    await env.table.write(transitionWrites(record, transition, 'request-1'));
    expect((await explainConnection(endpointId(1), env.deps))?.next).toBe(
      'EC2 refused to accept it; linkgate tries again after 2026-11-21T12:01:00.000Z.',
    );
  });

  test('in the mode observe is the switch to enforce', async () => {
    expect(await explainNext('pendingAcceptance', 'accept', 'observe')).toBe(
      'linkgate would accept it. Its mode is observe, so it does not change EC2 until `linkgate mode enforce`.',
    );
    expect(await explainNext('pendingAcceptance', 'ask', 'observe')).toContain(
      'it does not change EC2 until',
    );
  });

  test('of a request to an unregistered service is no decision of linkgate', async () => {
    const env = createTestEnv({
      connections: [aConnection()],
      records: [aRecord({ verdict: aVerdict('ask') })],
    });
    expect(await explainConnection(endpointId(1), env.deps)).toMatchObject({
      next: 'Its service is not registered, so linkgate does not decide it.',
    });
  });

  test('of a rejected connection is a new endpoint of the consumer, who pays for the old one until its deletion', async () => {
    expect(await explainNext('rejected', 'reject')).toMatch(
      /stays rejected.*charges for it until then.*new endpoint/,
    );
  });

  test.each([
    ['available', 'It is connected. linkgate decides with the next sweep whether it stays.'],
    ['pending', 'EC2 is connecting it. linkgate decides with the next sweep whether it stays.'],
    ['deleting', 'The endpoint is gone; nothing is left to do.'],
    ['failed', 'EC2 shows it as failed: the consumer has to create a new endpoint.'],
    ['expired', 'EC2 shows it as expired: the consumer has to create a new endpoint.'],
  ] as const)('of a connection in the state %s is: %s', async (state, next) => {
    expect(await explainNext(state)).toBe(next);
  });
});
