import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../../lib/allowlist/entry.ts';
import { decideConnectedByPerson } from '../../../lib/approvals/decide-connected-by-person.ts';
import { submitDecision, submitStoredDecision } from '../../../lib/approvals/submit-decision.ts';
import { groupItem } from '../../../lib/approvers/approver-group.ts';
import { isAwaitingApproval, recordItem } from '../../../lib/connections/connection-record.ts';
import type { ReadMode } from '../../../lib/mode/mode.ts';
import { quotaKey } from '../../../lib/reconcile/disconnect-quota.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { UnsupportedSchemaVersionError } from '../../../lib/storage/entity.ts';
import type { Item } from '../../../lib/storage/table.ts';
import {
  aConnection,
  aGroup,
  alice,
  anEntry,
  aService,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../../builders.ts';
import { createMemoryItems, memoryTable } from '../../doubles/memory-table.ts';
import type { TestEnv } from '../../doubles/test-env.ts';
import {
  advanceAndSweep,
  createConnections,
  createRevocationTestEnv,
  day,
  decide,
  decideConnected,
  hour,
  processQueues,
  putEntry,
  putService,
  removeConsumerEntry,
  removeService,
  runFullSweep,
  type Step,
  showConnection,
  sweep,
  switchMode,
  wait,
} from './fixtures.ts';

const afterNoon = (seconds: number) => secondsAfterNoon(seconds).toISOString();
const revoking = { action: 'revoke', by: alice, reason: 'contract ended' } as const;
const extending = { action: 'keep', by: alice, reason: 'they are moving' } as const;
const inAMonth = { ...extending, until: afterNoon(30 * day) };
const inAYear = { ...extending, until: afterNoon(300 * day) };
const older = { state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' } as const;
const paused = (policyRevision: number) =>
  putService(policyRevision, ({ time }) => ({ pausedAt: time.toISOString() }));
const registeredAgain = putService(3, ({ time }) => ({ registeredAt: time.toISOString() }));
const block = putEntry({ effect: 'block' });
const acceptedOutside: Step[] = [showConnection({ state: 'available' }), runFullSweep, wait(60)];
const restoreTable: Step = (env) => {
  env.deps.table = { ...env.table, identity: async () => 'another table' };
};
/** The grace period is over, before the next sweep. */
const overdue: Step[] = [removeConsumerEntry, (env) => env.advanceSeconds(80 * hour)];

const readStates = ({ ec2 }: TestEnv, count: number) =>
  createConnections(count).map((connection) => ec2.state(connection.endpointId));
const listDisconnected = ({ ec2 }: TestEnv) =>
  ec2.calls.filter(({ action }) => action === 'reject').flatMap(({ endpointIds }) => endpointIds);
const expectNoDisconnect: Step = (env) => expect(listDisconnected(env)).toEqual([]);

interface Expected {
  /** The states in EC2 of the endpoints, by their number. */
  readonly states?: readonly string[];
  /** A part of the record of the first endpoint. */
  readonly record?: object;
  readonly hasNoRevocation?: boolean;
  /** The end of its history. */
  readonly history?: readonly string[];
}

type Contents = Parameters<typeof createRevocationTestEnv>[0];
type Scenario = readonly [title: string, steps: readonly Step[], expected: Expected, contents?: Contents];

async function play(steps: readonly Step[], contents?: Contents): Promise<TestEnv> {
  const env = await createRevocationTestEnv(contents);
  for (const step of steps) await step(env);
  return env;
}

function testScenarios(scenarios: readonly Scenario[]) {
  for (const [title, steps, expected, contents] of scenarios)
    test(title, async () => {
      const { states = [], record, hasNoRevocation = false, history = [] } = expected;
      const env = await play(steps, contents);
      expect(readStates(env, states.length)).toEqual(states);
      if (record) expect(await env.record(endpointId(1))).toMatchObject(record);
      if (hasNoRevocation) expect(await env.record(endpointId(1))).not.toHaveProperty('revocation');
      const actions = await env.actions(endpointId(1));
      expect(actions.slice(actions.length - history.length)).toEqual(history);
    });
}

const [connected, disconnected] = [{ states: ['pending'] }, { states: ['rejected'] }];
const isAskedAbout = { states: ['available'], record: { verdict: { outcome: 'ask' } } };

describe('a connection whose entry is removed', () => {
  testScenarios([
    [
      'has a disconnect scheduled in 72 hours, and awaits approval until then',
      [removeConsumerEntry],
      {
        ...connected,
        record: {
          verdict: { outcome: 'reject', until: afterNoon(73 * hour) },
          revocation: {
            cause: 'policy',
            by: 'linkgate',
            since: afterNoon(hour),
            disconnectAt: afterNoon(73 * hour),
          },
          approvalRequest: { group: 'default', deadline: afterNoon(73 * hour) },
        },
        history: [
          'requested',
          'decided',
          'applying',
          'applied',
          'disconnect-scheduled',
          'approval-requested',
        ],
      },
    ],
    ['stays connected during the grace period', [removeConsumerEntry, wait(72 * hour - 1)], connected],
    [
      'is disconnected after it',
      [removeConsumerEntry, wait(72 * hour)],
      { ...disconnected, history: ['approval-requested', 'applying', 'disconnected'] },
    ],
    [
      'stays connected if the account is allowed again in time, which its history records',
      [removeConsumerEntry, putEntry({}), wait(30 * day), runFullSweep],
      { ...connected, hasNoRevocation: true, history: ['extended'] },
    ],
    [
      'stays connected if somebody approves it, whatever the policy says later',
      [removeConsumerEntry, decide('approve'), wait(30 * day), runFullSweep],
      { ...connected, record: { verdict: { outcome: 'accept', decidedBy: alice } } },
    ],
    [
      'is disconnected at once if somebody denies it',
      [removeConsumerEntry, decide('deny')],
      { ...disconnected, history: ['denied', 'applying', 'disconnected'] },
    ],
    [
      'awaits approval by the current group of its service',
      [
        removeConsumerEntry,
        ({ put }) => put(groupItem(aGroup({ name: 'leads' }))),
        putService(2, () => ({ approvers: 'leads' })),
      ],
      { record: { approvalRequest: { group: 'leads' }, revocation: { cause: 'policy' } } },
    ],
    [
      'stays connected when its service is deregistered, and also when the service is registered again',
      [
        removeConsumerEntry,
        removeService,
        async (env) => {
          const request = { type: 'Connection Request', observedAt: '' } as const;
          await env.deps.bus.publish([{ ...request, connection: aConnection({ state: 'pending' }) }]);
          await processQueues(env);
          expect(await env.record(endpointId(1))).not.toHaveProperty('revocation');
        },
        registeredAgain,
        wait(30 * day),
      ],
      { ...connected, record: { grandfathered: { by: 'linkgate' } } },
    ],
    [
      'stays connected if its service was not registered then, and is registered again later',
      [removeService, removeConsumerEntry, wait(day), registeredAgain, wait(100 * hour), runFullSweep],
      connected,
    ],
  ]);

  test('is scheduled once, however often it is decided', async () => {
    const env = await play([removeConsumerEntry]);
    const before = await env.record(endpointId(1));
    for (const kind of ['pending', 'full'] as const) await sweep(env, kind);
    expect(await env.record(endpointId(1))).toEqual(before);
  });
});

describe('the disconnect of a connection is scheduled', () => {
  const connections = createConnections(3).map((connection, index) => ({
    ...connection,
    requestedAt: afterNoon(-60 + index),
  }));
  const newestAreDisconnected = { states: ['pending', 'rejected', 'rejected'] };
  testScenarios([
    [
      'when the endpoint limit of the entry is lowered, for the newest endpoints first',
      [putEntry({ maxEndpoints: 1 }), runFullSweep, expectNoDisconnect, wait(72 * hour)],
      newestAreDisconnected,
      { connections },
    ],
    [
      'when the endpoint limit of an entry for `*` is lowered, for the newest endpoints first',
      [putEntry({ serviceId: '*', maxEndpoints: 1 }), wait(72 * hour)],
      newestAreDisconnected,
      { connections, entries: [anEntry({ serviceId: '*', maxEndpoints: 3 })] },
    ],
    [
      'not for an endpoint that the entry names, beside an earlier one that it does not name',
      [putEntry({ maxEndpoints: 1, endpointIds: [endpointId(2)] }), runFullSweep, wait(72 * hour)],
      { states: ['rejected', 'pending'] },
      { connections: createConnections(2) },
    ],
    [
      'for the time at which the entry expires',
      [wait(20 * day - hour)],
      { ...connected, record: { revocation: { since: afterNoon(20 * day) } } },
      { entries: [anEntry({ expiresAt: afterNoon(20 * day) })] },
    ],
  ]);
});

describe('before an entry expires', () => {
  const readWarning = async (env: TestEnv) => (await env.record(endpointId(1)))?.expiryWarning?.daysBefore;

  test('approvers are warned 14, 7 and 1 days before, once each', async () => {
    const env = await play([], { entries: [anEntry({ expiresAt: afterNoon(20 * day) })] });
    const warnings: unknown[] = [];
    for (let days = 0; days < 19; days++) {
      await advanceAndSweep(day, env);
      warnings.push(await readWarning(env));
    }
    expect([14, 7, 1].map((daysBefore) => warnings.indexOf(daysBefore))).toEqual([5, 12, 18]);
    expect((await env.actions(endpointId(1))).filter((action) => action === 'expiry-warned')).toHaveLength(3);
  });

  test('approvers are not warned 14 or 7 days before if the entry was shorter from the start', async () => {
    const env = await play([wait(day)], { entries: [anEntry({ expiresAt: afterNoon(3 * day) })] });
    expect(await readWarning(env)).toBeUndefined();
  });
});

describe('a block', () => {
  testScenarios([
    [
      'disconnects at once',
      [block],
      { ...disconnected, history: ['disconnect-scheduled', 'applying', 'disconnected'] },
    ],
    [
      'disconnects connections that linkgate has not described yet',
      [showConnection(older), block],
      disconnected,
      { entries: [], connections: [] },
    ],
    [
      'disconnects more than the disconnect quota',
      [block],
      { states: Array.from({ length: 30 }, () => 'rejected') },
      { connections: createConnections(30) },
    ],
  ]);

  test('cannot be delayed by an extension', async () => {
    const env = await play([paused(2), block]);
    expect(await decideConnected(inAMonth)(env)).toMatchObject({ status: 'no-scheduled-disconnect' });
  });

  test('leads to a disconnect that awaits no approval, even if the block is older than the restore of the table', async () => {
    const entries = [anEntry({ effect: 'block', changedAt: '2026-10-01T00:00:00.000Z' })];
    const env = await play([runFullSweep], { entries, connections: [aConnection(older)] });
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({ revocation: { cause: 'policy' } });
    expect(record && isAwaitingApproval(record)).toBe(false);
    const decision = { by: alice, decision: 'approve' } as const;
    expect(await submitDecision(endpointId(1), decision, env.deps)).toMatchObject({ status: 'not-open' });
  });
});

describe('a revocation by a person', () => {
  testScenarios([
    [
      'disconnects after the grace period, although the account is allowed',
      [decideConnected(revoking), runFullSweep, wait(72 * hour - 1), expectNoDisconnect, wait(1)],
      { ...disconnected, record: { revokeOrder: { by: alice } } },
    ],
    [
      'with `now` takes effect after a pause of the service',
      [
        showConnection({ state: 'available' }),
        decideConnected({ ...revoking, now: true }),
        expectNoDisconnect,
        putService(2),
      ],
      disconnected,
      { services: [aService({ pausedAt: noon.toISOString() })], connections: [] },
    ],
    [
      'disconnects nothing if a person approves the connection during the grace period',
      [decideConnected(revoking), decide('approve'), wait(30 * day), runFullSweep],
      connected,
    ],
    [
      'fails at a service that is not registered, also when the service is registered again',
      [
        removeService,
        async (env) =>
          expect(await decideConnected({ ...revoking, now: true })(env)).toEqual({ status: 'unknown' }),
        registeredAgain,
      ],
      connected,
    ],
  ]);

  test('with `now` takes effect even if the process crashes before the decision', async () => {
    const env = await createRevocationTestEnv();
    const { write } = env.deps.table;
    let writes = 0;
    env.deps.table = {
      ...env.deps.table,
      write: (items) => (++writes > 1 ? Promise.reject(new Error('killed')) : write(items)),
    };
    const revocation = decideConnectedByPerson(endpointId(1), { ...revoking, now: true }, env.deps);
    await expect(revocation).rejects.toThrow('killed');
    env.deps.table = env.table;
    await advanceAndSweep(60, env);
    expect(readStates(env, 1)).toEqual(['rejected']);
  });
});

describe('an extension by a person', () => {
  testScenarios([
    [
      'postpones the disconnect',
      [
        removeConsumerEntry,
        decideConnected(inAMonth),
        wait(29 * day),
        runFullSweep,
        expectNoDisconnect,
        wait(day),
      ],
      disconnected,
    ],
    [
      'of a disconnect that was cancelled does not extend the next one',
      [
        removeConsumerEntry,
        decideConnected(inAYear),
        putEntry({}),
        (env) => env.advanceSeconds(30 * day),
        removeConsumerEntry,
        wait(72 * hour),
      ],
      disconnected,
    ],
  ]);

  test('makes the new date the deadline, and reminders are sent again', async () => {
    const env = await play([removeConsumerEntry]);
    const record = await env.record(endpointId(1));
    if (!record?.approvalRequest) throw new Error('nobody was asked');
    env.put(recordItem({ ...record, approvalRequest: { ...record.approvalRequest, stage: 'escalated' } }));
    await decideConnected(inAYear)(env);
    const { version } = record.approvalRequest;
    expect(await env.record(endpointId(1))).toMatchObject({
      approvalRequest: { stage: 'approval-requested', deadline: inAYear.until, version },
    });
    expect(await env.actions(endpointId(1))).toContain('extended');
  });
});

describe('a connection that was accepted outside linkgate', () => {
  testScenarios([
    [
      'awaits approval, and stays connected until somebody decides',
      [...acceptedOutside, wait(30 * day), runFullSweep, expectNoDisconnect],
      {
        states: ['available'],
        record: {
          verdict: { outcome: 'ask', findings: [{ rule: 'accepted-outside-linkgate' }, {}] },
          approvalRequest: { group: 'default' },
        },
      },
      { entries: [] },
    ],
    [
      'is disconnected if somebody denies it',
      [...acceptedOutside, decide('deny')],
      disconnected,
      { entries: [] },
    ],
    [
      'is adopted with `onExternalAccept` adopt, which its history records',
      [...acceptedOutside, wait(30 * day)],
      { states: ['available'], history: ['grandfathered'] },
      { services: [aService({ onExternalAccept: 'adopt' })], entries: [] },
    ],
    [
      'after linkgate disconnected it awaits approval, without the former schedule',
      [removeConsumerEntry, wait(72 * hour), ...acceptedOutside],
      { ...isAskedAbout, hasNoRevocation: true },
    ],
    [
      'after its request was denied awaits approval, and is not disconnected for that denial',
      [decide('deny'), ...acceptedOutside, wait(100 * hour)],
      isAskedAbout,
      { entries: [] },
    ],
  ]);
});

describe('a pause', () => {
  const isPaused: Step[] = [removeConsumerEntry, paused(2), wait(80 * hour), runFullSweep];
  testScenarios([
    [
      'delays scheduled disconnects',
      isPaused,
      { ...connected, record: { verdict: { outcome: 'hold' }, revocation: { cause: 'policy' } } },
    ],
    ['delays them until it ends', [...isPaused, putService(3)], disconnected],
  ]);
});

describe('in mode `observe`', () => {
  const [observe, enforce] = [switchMode('observe', 0), switchMode('enforce', 1)];
  testScenarios([
    [
      'no disconnect is scheduled',
      [observe, removeConsumerEntry],
      { ...connected, record: { verdict: { outcome: 'reject' } }, hasNoRevocation: true },
    ],
    [
      'no disconnect is scheduled, and after the switch to mode `enforce` each has its whole grace period',
      [observe, removeConsumerEntry, wait(80 * hour), runFullSweep, enforce, runFullSweep],
      {
        ...connected,
        record: { revocation: { cause: 'policy', disconnectAt: afterNoon((1 + 80 + 72) * hour) } },
      },
    ],
    [
      'earlier schedules do not apply, and each disconnect is scheduled again after the switch to mode `enforce`',
      [
        removeConsumerEntry,
        observe,
        wait(72 * hour),
        runFullSweep,
        enforce,
        runFullSweep,
        expectNoDisconnect,
        wait(72 * hour),
      ],
      disconnected,
    ],
    [
      'a block disconnects nothing until the switch to mode `enforce`',
      [observe, block, expectNoDisconnect, enforce, runFullSweep],
      disconnected,
    ],
    [
      'a revocation disconnects nothing until the switch to mode `enforce`',
      [observe, decideConnected({ ...revoking, now: true }), expectNoDisconnect, enforce, runFullSweep],
      disconnected,
    ],
    [
      'an entry is removed, and its connection is not adopted with `onExternalAccept` adopt later',
      [
        showConnection({ state: 'available' }),
        runFullSweep,
        observe,
        removeConsumerEntry,
        enforce,
        runFullSweep,
      ],
      { record: { revocation: { cause: 'policy' } } },
      { services: [aService({ onExternalAccept: 'adopt' })], connections: [] },
    ],
  ]);
});

describe('the disconnect quota', () => {
  const removeFrom = (count: number) =>
    play([removeConsumerEntry, wait(72 * hour)], { connections: createConnections(count) });
  const listBeyond = (env: TestEnv) =>
    createConnections(8)
      .map(({ endpointId: id }) => id)
      .filter((id) => env.ec2.state(id) === 'pending');

  test('is five connections of a service in 24 hours, and the others await approval', async () => {
    const env = await removeFrom(8);
    expect(listBeyond(env)).toHaveLength(3);
    for (const id of listBeyond(env))
      expect(await env.record(id)).toMatchObject({
        verdict: { outcome: 'ask', findings: [{ rule: 'disconnect-quota-exceeded' }, {}] },
        revocation: { overQuota: true },
      });
    await advanceAndSweep(10 * day, env);
    expect(listDisconnected(env)).toHaveLength(5);
  });

  test('is a tenth of the connections of a service if that is more than five, and twenty for all services', async () => {
    expect(listDisconnected(await removeFrom(250))).toHaveLength(20);
  });

  test('does not apply to a denial by a person', async () => {
    const env = await removeFrom(8);
    for (const id of listBeyond(env))
      await submitStoredDecision(id, { by: alice, decision: 'deny' }, env.deps);
    await processQueues(env);
    expect(listBeyond(env)).toEqual([]);
  });

  test('applies again at the end of an extension of a connection over quota', async () => {
    const env = await removeFrom(8);
    const [id = ''] = listBeyond(env);
    await decideConnectedByPerson(id, inAMonth, env.deps);
    await advanceAndSweep(30 * day, env);
    expect(env.ec2.state(id)).toBe('rejected');
  });
});

describe('nothing is disconnected', () => {
  const scheduledAgain = { record: { revocation: { disconnectAt: afterNoon((1 + 80 + 72) * hour) } } };
  const loseTable =
    (...kept: readonly Item[]): Step =>
    ({ deps }) => {
      const items = createMemoryItems();
      for (const put of kept) items.commit([{ put }]);
      deps.table = memoryTable(items);
    };
  testScenarios([
    [
      'right after the table was restored: each disconnect is scheduled again',
      [...overdue, restoreTable, wait(0), runFullSweep],
      { ...connected, ...scheduledAgain },
    ],
    [
      'after somebody switched the mode in SSM: each disconnect is scheduled again',
      [
        ...overdue,
        ({ deps, time }) => {
          const switchedAt = new Date(time.getTime() - 60_000);
          const mode: ReadMode = async (since) => (since && since < switchedAt ? 'observe' : 'enforce');
          Object.assign(deps, { mode });
        },
        runFullSweep,
      ],
      { ...connected, ...scheduledAgain },
    ],
    [
      'without a grace period by a block from before the table was restored',
      [
        ({ put }) => put(entryItem(anEntry({ effect: 'block', version: 2, changedAt: afterNoon(0) }))),
        restoreTable,
        runFullSweep,
      ],
      { ...connected, record: { revocation: { cause: 'policy' } } },
    ],
    ['with an empty table', [loseTable(), runFullSweep], connected],
    [
      'with a table that lost everything but its services',
      [loseTable(serviceItem(aService())), runFullSweep, wait(30 * day)],
      connected,
    ],
    [
      'because one describe call lacked a connection',
      [
        ({ ec2 }) => ec2.removeConnection(endpointId(1)),
        runFullSweep,
        showConnection({ state: 'available' }),
        runFullSweep,
      ],
      { states: ['available'], record: { verdict: { outcome: 'accept' } } },
    ],
  ]);

  test('while the identity of the table is unknown', async () => {
    const env = await play(overdue);
    env.deps.table = { ...env.table, identity: () => Promise.reject(new Error('throttled')) };
    await sweep(env, 'pending');
    expect(listDisconnected(env)).toEqual([]);
    expect(env.errors).toContainEqual(new Error('throttled'));
    env.deps.table = env.table;
    await advanceAndSweep(60, env);
    expect(readStates(env, 1)).toEqual(['rejected']);
  });

  test.each([
    ['the disconnect quota', { ...quotaKey, version: 1 }],
    ['the entry', entryItem(anEntry())],
    ['the service', serviceItem(aService())],
  ])('while %s cannot be read', async (_what, item) => {
    const env = await play(overdue);
    env.put({ ...item, schemaVersion: '2.0' });
    await sweep(env, 'pending').catch(() => {});
    await sweep(env, 'full').catch(() => {});
    expect(listDisconnected(env)).toEqual([]);
  });

  test('by a denial while the approver group has a newer schema version', async () => {
    const env = await play([removeConsumerEntry]);
    env.put({ ...groupItem(aGroup()), schemaVersion: '2.0' });
    await expect(decide('deny')(env)).rejects.toThrow(UnsupportedSchemaVersionError);
    expect(listDisconnected(env)).toEqual([]);
  });
});
