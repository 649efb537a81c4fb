import { describe, expect, test } from '@jest/globals';
import { type AllowlistEntry, entryItem, entryKey } from '../../lib/allowlist/entry.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { modeChangeItem } from '../../lib/mode/mode.ts';
import { predictImpact } from '../../lib/policy-as-code/predict-impact.ts';
import { formatKey } from '../../lib/storage/entity.ts';
import type { Item } from '../../lib/storage/table.ts';
import {
  aConnection,
  alice,
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
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const accepted = { acceptRequestedAt: '2026-11-20T12:00:00.000Z', verdict: aVerdict('accept') };
const connected = aConnection({ state: 'available' });
const request = aConnection({ endpointId: endpointId(2) });

function createEnvWith(entries: readonly AllowlistEntry[]): TestEnv {
  const records = [aRecord({ ...connected, ...accepted }), aRecord({ ...request, verdict: aVerdict('ask') })];
  return createTestEnv({ services: [aService()], entries, connections: [connected, request], records });
}

/** Replaces the entry of the account; undefined removes it. */
async function predictEntry(env: TestEnv, entry: AllowlistEntry | undefined, ...connections: object[]) {
  const key = formatKey(entryKey(serviceId(1), consumer));
  const overlay = new Map([[key, () => entry && entryItem(entry)]]);
  const described = connections.length > 0 ? connections : [connected, request];
  const options = { isComparison: true };
  const { impacts } = await predictImpact(described.map(aConnection), overlay, env.deps, options);
  return impacts.map(({ before, after }) => [before?.effect, after.effect, ...(after.at ? [after.at] : [])]);
}

const graceEnds = secondsAfterNoon(72 * 3600).toISOString();

describe('a prediction of the impact of changes', () => {
  test('names each outcome before and after, and writes no item', async () => {
    const env = createEnvWith([]);
    const writes: unknown[] = [];
    const table = { ...env.table, write: async (written: unknown) => writes.push(written) > 0 };
    Object.assign(env.deps, { table });
    expect(await predictEntry(env, anEntry())).toEqual([
      ['disconnect-later', 'stays'],
      ['ask', 'accept'],
    ]);
    expect(await predictEntry(env, anEntry({ effect: 'block' }))).toEqual([
      ['disconnect-later', 'disconnect'],
      ['ask', 'reject'],
    ]);
    expect([writes, env.applyRequests, env.errors]).toEqual([[], [], []]);
  });

  test('is about the mode enforce, with a grace period from now, while the mode is observe', async () => {
    const env = createEnvWith([anEntry()]);
    env.put(
      modeChangeItem({
        mode: 'observe',
        since: noon.toISOString(),
        by: alice,
        policyRevision: 1,
        version: 1,
      }),
    );
    expect(await predictEntry(env, undefined)).toEqual([
      ['stays', 'disconnect-later', graceEnds],
      ['accept', 'ask'],
    ]);
  });

  test('takes the state that EC2 shows for a connection whose record is older', async () => {
    const env = createEnvWith([anEntry()]);
    const acceptedByHand = { ...request, state: 'available' };
    expect(await predictEntry(env, undefined, acceptedByHand)).toEqual([['stays', 'ask']]);
  });

  test('leaves out a connection with an unreadable record', async () => {
    const env = createEnvWith([]);
    const broken: Item = { ...recordItem(aRecord({ ...connected, ...accepted })), state: 7 };
    env.put(broken);
    expect(await predictEntry(env, anEntry())).toEqual([['ask', 'accept']]);
    expect(env.errors).not.toEqual([]);
  });

  test('leaves out a connection of another account, and an ended one', async () => {
    const others = [
      { ...connected, ownerAccountId: '033333333333' },
      { ...request, state: 'rejected' },
    ];
    expect(await predictEntry(createEnvWith([]), anEntry(), ...others)).toEqual([]);
  });

  test('stops before the time is up, and counts the connections that it looked at', async () => {
    const env = createEnvWith([]);
    env.remainingMs = 1_000;
    const unchanged = new Map([
      [formatKey(entryKey(serviceId(1), consumer)), (stored: Item | undefined) => stored],
    ]);
    expect(await predictImpact([connected, request], unchanged, env.deps)).toMatchObject({
      impacts: [{ connection: connected }],
      looked: 1,
    });
  });
});
