import { describe, expect, test } from '@jest/globals';
import type { ConnectionState } from '../../lib/connection/connection.ts';
import { decideConnection } from '../../lib/connection/decide-connections.ts';
import { explain } from '../../lib/connection/explain.ts';
import {
  aConnection,
  aFinding,
  anApproval,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  endpointId,
} from '../builders.ts';
import { aWorld } from '../doubles/world.ts';

const services = [aService()];

describe('a connection is explained', () => {
  test('by what EC2 shows, what was decided and why, and each step since', async () => {
    const world = aWorld({ services, entries: [anEntry()], connections: [aConnection()] });
    await decideConnection(aConnection(), world.deps);
    expect(await explain(endpointId(1), world.deps)).toMatchObject({
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
      next: "EC2 is asked to accept it, unless linkgate's mode is observe; what EC2 shows is recorded as soon as it shows it.",
    });
  });

  test('also before anything was decided', async () => {
    const world = aWorld({ services, connections: [aConnection()] });
    expect(await explain(endpointId(1), world.deps)).toMatchObject({
      connection: { verdict: null, decidedBy: null, reason: null },
      verdict: null,
      history: [],
      next: 'It is decided within a minute.',
    });
  });

  test('also when EC2 lists it no longer', async () => {
    const world = aWorld({ services, records: [aRecord({ state: 'available' })] });
    expect(await explain(endpointId(1), world.deps)).toMatchObject({
      connection: { state: 'available' },
      next: 'The endpoint is gone; nothing is left to do.',
    });
  });

  test('not when neither EC2 nor linkgate knows it', async () => {
    expect(await explain(endpointId(9), aWorld({ services }).deps)).toBeUndefined();
  });
});

describe('what comes next', () => {
  async function nextFor(state: ConnectionState, outcome?: 'ask' | 'wait' | 'reject') {
    const records = outcome ? [aRecord({ state, verdict: aVerdict(outcome) })] : [];
    const world = aWorld({ services, connections: [aConnection({ state })], records });
    return (await explain(endpointId(1), world.deps))?.next;
  }

  test.each(['ask', 'wait'] as const)(
    'of a request with %s is up to a person, who is told how',
    async (outcome) => {
      expect(await nextFor('pendingAcceptance', outcome)).toContain(`linkgate approve ${endpointId(1)}`);
    },
  );

  test('of a request that was approved and waits all the same is up to what stops it', async () => {
    const findings = [aFinding({ outcome: 'wait', reason: 'orders is paused' })];
    const record = aRecord({ verdict: aVerdict('wait', { findings }), approval: anApproval() });
    const world = aWorld({ services, connections: [aConnection()], records: [record] });
    expect(await explain(endpointId(1), world.deps)).toMatchObject({
      next: 'A person has decided it, and it waits all the same: orders is paused.',
    });
  });

  test('of a request to a service that is not registered is not up to linkgate', async () => {
    const world = aWorld({ connections: [aConnection()], records: [aRecord({ verdict: aVerdict('ask') })] });
    expect(await explain(endpointId(1), world.deps)).toMatchObject({
      next: 'Its service is not registered, so linkgate does not decide it.',
    });
  });

  test('of a rejected connection is up to its consumer, who pays until the endpoint is deleted', async () => {
    expect(await nextFor('rejected', 'reject')).toMatch(/stays rejected.*costs until then.*new endpoint/);
  });

  test.each([
    ['available', 'It is connected.'],
    ['pending', 'EC2 is connecting it.'],
    ['deleting', 'The endpoint is gone; nothing is left to do.'],
    ['failed', 'EC2 shows it as failed: the consumer has to create a new endpoint.'],
    ['expired', 'EC2 shows it as expired: the consumer has to create a new endpoint.'],
  ] as const)('of one that is %s: %s', async (state, next) => {
    expect(await nextFor(state)).toBe(next);
  });
});
