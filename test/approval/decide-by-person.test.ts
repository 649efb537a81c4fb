import { describe, expect, test } from '@jest/globals';
import { decideByPerson } from '../../lib/approval/decide-by-person.ts';
import {
  aConnection,
  alice,
  anApproval,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  endpointId,
  noon,
} from '../builders.ts';
import { aWorld } from '../doubles/world.ts';

const services = [aService()];
const connections = [aConnection()];
const approves = { decision: 'approve', by: alice, reason: 'known to us' } as const;
const denies = { decision: 'deny', by: alice, reason: 'unknown' } as const;

describe('an open request', () => {
  test('that a person approves is accepted: in one transaction with the word, and rung for', async () => {
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const world = aWorld({ services, connections, records });
    const decision = await decideByPerson(endpointId(1), approves, world.deps);
    expect(decision).toMatchObject({
      status: 'decided',
      approval: { ...approves, at: noon.toISOString() },
      record: { verdict: { outcome: 'accept', decidedBy: alice }, effect: { action: 'accept' } },
    });
    expect(world.rings).toHaveLength(1);
    expect(await world.actions(endpointId(1))).toEqual(['approved']);
  });

  test('that a person denies is rejected', async () => {
    const world = aWorld({ services, connections });
    const decision = await decideByPerson(endpointId(1), denies, world.deps);
    expect(decision).toMatchObject({ record: { effect: { action: 'reject' } } });
    expect(await world.actions(endpointId(1))).toEqual(['requested', 'denied']);
  });

  test('of a blocked account is rejected although a person approves it', async () => {
    const world = aWorld({ services, connections, entries: [anEntry({ effect: 'block' })] });
    const decision = await decideByPerson(endpointId(1), approves, world.deps);
    expect(decision).toMatchObject({ status: 'decided', record: { effect: { action: 'reject' } } });
  });

  test('at a paused service keeps the word and waits', async () => {
    const paused = aService({ pausedAt: '2026-11-21T11:00:00.000Z' });
    const world = aWorld({ services: [paused], connections });
    const decision = await decideByPerson(endpointId(1), approves, world.deps);
    expect(decision).toMatchObject({ status: 'decided', record: { verdict: { outcome: 'wait' } } });
    expect(world.rings).toEqual([]);
  });
});

describe('a person’s word comes too late', () => {
  test('when somebody else decided, and says who', async () => {
    const records = [aRecord({ verdict: aVerdict('accept'), approval: anApproval() })];
    const world = aWorld({ services, connections, records });
    expect(await decideByPerson(endpointId(1), denies, world.deps)).toMatchObject({
      status: 'not-open',
      record: { approval: { by: alice, decision: 'approve' } },
    });
    expect(await world.actions(endpointId(1))).toEqual([]);
  });

  test('when EC2 has moved on', async () => {
    const world = aWorld({ services, connections: [aConnection({ state: 'available' })] });
    expect(await decideByPerson(endpointId(1), approves, world.deps)).toMatchObject({
      status: 'not-open',
      connection: { state: 'available' },
    });
  });

  test('when the endpoint is gone', async () => {
    const world = aWorld({ services, records: [aRecord({ verdict: aVerdict('ask') })] });
    expect(await decideByPerson(endpointId(1), approves, world.deps)).toMatchObject({ status: 'not-open' });
  });

  test('when policy decided already', async () => {
    const records = [aRecord({ verdict: aVerdict('reject') })];
    const world = aWorld({ services, connections, records });
    expect(await decideByPerson(endpointId(1), approves, world.deps)).toMatchObject({ status: 'not-open' });
  });
});

describe('an endpoint is unknown', () => {
  test('when neither EC2 nor linkgate has it', async () => {
    const world = aWorld({ services });
    expect(await decideByPerson(endpointId(9), approves, world.deps)).toEqual({ status: 'unknown' });
  });

  test('when its service is not registered', async () => {
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const world = aWorld({ connections, records });
    expect(await decideByPerson(endpointId(1), approves, world.deps)).toEqual({ status: 'unknown' });
  });
});
