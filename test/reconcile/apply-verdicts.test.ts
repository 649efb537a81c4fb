import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { type ConnectionRecord, recordItem, recordKey } from '../../lib/connections/connection-record.ts';
import { pendingEffects } from '../../lib/connections/indexes.ts';
import { modeChangeItem } from '../../lib/mode/mode.ts';
import type { ConnectionState } from '../../lib/privatelink/connection.ts';
import { RefusedCallError, ThrottledError } from '../../lib/privatelink/connections.ts';
import { applyVerdicts } from '../../lib/reconcile/apply-verdicts.ts';
import { recordStates } from '../../lib/reconcile/record-states.ts';
import { serviceKey } from '../../lib/services/service.ts';
import { OptimisticLockError } from '../../lib/storage/optimistic-lock.ts';
import { trackIdentity } from '../../lib/storage/table-identity.ts';
import {
  aConnection,
  aModeChange,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  endpointId,
  hub,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const location = `${hub.accountId}/${hub.region}`;
const acceptRequested = { acceptRequestedAt: noon.toISOString() };

/** A location with pending effects for the given endpoints, at one service or at several. */
function createEnvWithPendingEffects(
  numbers: readonly number[],
  {
    action = 'accept' as 'accept' | 'reject',
    state = 'pendingAcceptance' as ConnectionState,
    serviceOf = (_number: number): number => 1,
    record = {} as Partial<ConnectionRecord>,
  } = {},
): TestEnv {
  const connections = numbers.map((number) =>
    aConnection({ endpointId: endpointId(number), serviceId: serviceId(serviceOf(number)) }),
  );
  const services = [...new Set(numbers.map(serviceOf))].map((number) =>
    aService({ serviceId: serviceId(number), name: `service-${number}` }),
  );
  return createTestEnv({
    services,
    connections: connections.map((connection) => ({ ...connection, state })),
    records: connections.map((connection) =>
      aRecord({
        ...connection,
        verdict: aVerdict(action),
        pendingEffect: { action, attempts: 0 },
        ...record,
      }),
    ),
  });
}

/** Records the identity of the table some milliseconds after the Accept call of `acceptRequested`. */
function replaceTable({ deps }: TestEnv, milliseconds: number) {
  return trackIdentity({ ...deps, now: () => new Date(noon.getTime() + milliseconds) });
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Returns the number of endpoint ids of each call. */
function sizes({ ec2 }: TestEnv): number[] {
  return ec2.calls.map(({ endpointIds }) => endpointIds.length);
}

describe('a pending effect', () => {
  test('is sent to EC2 and stays pending until EC2 shows it', async () => {
    const env = createEnvWithPendingEffects([1, 2]);
    const applied = await applyVerdicts(hub, env.deps);
    expect(applied).toEqual({ requested: 2, refused: 0, redecided: 0, changed: 0, timedOut: false });
    expect(env.ec2.calls).toEqual([
      { action: 'accept', serviceId: serviceId(1), endpointIds: [endpointId(1), endpointId(2)] },
    ]);
    expect(await env.record(endpointId(1))).toMatchObject({
      pendingEffect: { action: 'accept', attempts: 1, lastAttemptAt: noon.toISOString() },
    });
    expect(await env.actions(endpointId(1))).toEqual(['applying']);
  });

  test.each([
    { attempts: 1, seconds: 60 },
    { attempts: 20, seconds: 3_600 },
  ])(
    'is sent again $seconds seconds after $attempts calls, and not earlier',
    async ({ attempts, seconds }) => {
      const pendingEffect = { action: 'accept', attempts, lastAttemptAt: noon.toISOString() } as const;
      const env = createEnvWithPendingEffects([1], { record: { pendingEffect } });
      env.advanceSeconds(seconds - 1);
      await applyVerdicts(hub, env.deps);
      expect(env.ec2.calls).toEqual([]);
      env.advanceSeconds(1);
      await applyVerdicts(hub, env.deps);
      expect(env.ec2.calls).toHaveLength(1);
    },
  );

  test('is sent in calls of at most 100 endpoint ids', async () => {
    const env = createEnvWithPendingEffects(upTo(250));
    await applyVerdicts(hub, env.deps);
    expect(sizes(env)).toEqual([100, 100, 50]);
  });

  test('is not delayed by a burst at another service', async () => {
    const env = createEnvWithPendingEffects(upTo(301), { serviceOf: (number) => (number === 301 ? 2 : 1) });
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.calls.map((call) => call.serviceId)).toEqual([1, 2, 1, 1].map(serviceId));
  });

  test('is sent in a call for its action only: Accept and Reject are separate calls', async () => {
    const env = createEnvWithPendingEffects([1]);
    const rejected = createEnvWithPendingEffects([2], { action: 'reject' });
    env.put(...(await allItems(rejected)));
    env.ec2.show(aConnection({ endpointId: endpointId(2) }));
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.calls.map(({ action }) => action).sort()).toEqual(['accept', 'reject']);
  });

  async function allItems({ table }: TestEnv) {
    const items = [];
    for (const pk of [`PENDING_EFFECT#${location}`, 'CONNECTION#2'])
      for await (const page of table.query(pk)) items.push(...page);
    return items;
  }
});

describe('before the call to EC2', () => {
  test('mode `observe` stops the run', async () => {
    const env = createEnvWithPendingEffects([1]);
    env.mode = 'observe';
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.calls).toEqual([]);
    expect(await env.record(endpointId(1))).toMatchObject({ pendingEffect: { attempts: 0 } });
  });

  test.each([
    ['has an older policy version', {}, [entryItem(anEntry({ effect: 'block' }))]],
    ['is older than the switch to mode `enforce`', {}, [modeChangeItem(aModeChange())]],
    ['has expired', { verdict: aVerdict('accept', { until: noon.toISOString() }) }, []],
  ])('requests are decided again, and not accepted, if their verdict %s', async (_why, record, items) => {
    const env = createEnvWithPendingEffects([1, 2], { record });
    env.put(...items);
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, redecided: 2 });
    expect(env.ec2.calls).toEqual([]);
    expect(env.published.map(({ type }) => type)).toEqual(['Connection Request', 'Connection Request']);
  });

  test.each([
    { pointer: 'accept', decided: 'reject', state: 'pendingAcceptance' },
    { pointer: 'reject', decided: 'accept', state: 'available' },
  ] as const)(
    'a pending $pointer is skipped if the verdict changed to $decided after it was read',
    async ({ pointer, decided, state }) => {
      const env = createEnvWithPendingEffects([1], { action: pointer, state });
      const redecidedRecord = {
        version: 2,
        verdict: aVerdict(decided),
        pendingEffect: { action: decided, attempts: 0 },
      };
      env.ec2.beforePage = () => env.put(recordItem(aRecord(redecidedRecord)));
      expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, redecided: 0, changed: 0 });
      expect(env.ec2.calls).toEqual([]);
      expect(env.published).toEqual([]);
    },
  );

  test.each([
    { when: 'its policy changed', entry: anEntry() },
    { when: 'its service is deregistered', entry: undefined },
  ])(
    'a connected endpoint with a pending reject is decided again, not disconnected, once $when',
    async ({ entry }) => {
      const env = createEnvWithPendingEffects([1], {
        action: 'reject',
        state: 'available',
        record: acceptRequested,
      });
      if (entry) env.put(entryItem(entry));
      else await env.table.write([{ remove: serviceKey(serviceId(1)) }]);
      expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, redecided: 1 });
      expect(env.ec2.calls).toEqual([]);
      expect(env.published).toMatchObject([
        { type: 'Connection Request', connection: { state: 'available' } },
      ]);
    },
  );

  test.each(['available', 'rejected', 'deleted'] as const)(
    'a connection that EC2 shows %s is published as changed and not accepted',
    async (state) => {
      const env = createEnvWithPendingEffects([1], { state });
      expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, changed: 1 });
      expect(env.published).toMatchObject([
        { type: 'Connection Changed', connection: { state }, record: { endpointId: endpointId(1) } },
      ]);
    },
  );

  test('a connected endpoint with a pending reject is disconnected if linkgate called Accept for it', async () => {
    const env = createEnvWithPendingEffects([1], {
      action: 'reject',
      state: 'available',
      record: acceptRequested,
    });
    await replaceTable(env, 0);
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.state(endpointId(1))).toBe('rejected');
  });

  test.each([
    ['is decided again', 'available', 'Connection Request'],
    [
      'is published as changed if it is recorded as pending acceptance',
      'pendingAcceptance',
      'Connection Changed',
    ],
  ] as const)(
    'a connected endpoint with a pending reject from before the restore of the table %s',
    async (_, state, type) => {
      const record = { ...acceptRequested, state };
      const env = createEnvWithPendingEffects([1], { action: 'reject', state: 'available', record });
      await replaceTable(env, 1);
      await applyVerdicts(hub, env.deps);
      expect(env.ec2.calls).toEqual([]);
      expect(env.published).toMatchObject([{ type, connection: { state: 'available' } }]);
    },
  );

  test('a pending reject from before the restore of the table waits while the service is paused', async () => {
    const record = { ...acceptRequested, state: 'available', verdict: aVerdict('hold') } as const;
    const env = createEnvWithPendingEffects([1], { action: 'reject', state: 'available', record });
    await replaceTable(env, 1);
    await applyVerdicts(hub, env.deps);
    expect(env.published).toEqual([]);
  });

  test('nothing is disconnected while the identity of the table is unknown', async () => {
    const env = createEnvWithPendingEffects([1], {
      action: 'reject',
      state: 'available',
      record: acceptRequested,
    });
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, redecided: 0, changed: 0 });
    expect(env.ec2.calls).toEqual([]);
  });

  test('a request whose call took effect is left to its connection notification, and then published as changed', async () => {
    const pendingEffect = { action: 'accept', attempts: 1, lastAttemptAt: noon.toISOString() } as const;
    const env = createEnvWithPendingEffects([1], { state: 'available', record: { pendingEffect } });
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ changed: 0 });
    env.advanceSeconds(15);
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ changed: 1 });
  });

  test.each(['pending', 'available'] as const)(
    'a connection with a pending reject is not disconnected if EC2 shows it %s because somebody accepted it outside linkgate',
    async (state) => {
      const env = createEnvWithPendingEffects([1], { action: 'reject', state });
      expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, changed: 1 });
      expect(env.ec2.calls).toEqual([]);
      await recordStates(env.published, env.deps);
      expect(await env.record(endpointId(1))).not.toHaveProperty('pendingEffect');
      expect(await env.actions(endpointId(1))).toEqual(['observed']);
    },
  );

  test('a scheduled disconnect waits while the service is paused', async () => {
    const env = createEnvWithPendingEffects([1], {
      action: 'reject',
      state: 'available',
      record: { ...acceptRequested, verdict: aVerdict('hold') },
    });
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, redecided: 0, changed: 0 });
    expect(env.ec2.calls).toEqual([]);
    expect(await env.record(endpointId(1))).toMatchObject({ pendingEffect: { action: 'reject' } });
  });

  test('a record of a newer schema version is skipped, a request at a service of a newer schema version is decided again, and the others are applied', async () => {
    const env = createEnvWithPendingEffects([1, 2, 3], { serviceOf: (number) => (number === 3 ? 2 : 1) });
    for (const key of [recordKey(endpointId(1)), serviceKey(serviceId(2))]) {
      const [item] = await env.table.get([key]);
      await env.table.write(item ? [{ put: { ...item, schemaVersion: '2.0' } }] : []);
    }
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.calls.map(({ endpointIds }) => endpointIds)).toEqual([[endpointId(2)]]);
    expect(env.errors).toHaveLength(1);
    expect(env.published).toMatchObject([
      { type: 'Connection Request', connection: { endpointId: endpointId(3) } },
    ]);
  });

  test('a connection that EC2 does not list gets no call and no event', async () => {
    const env = createEnvWithPendingEffects([1]);
    env.ec2.removeConnection(endpointId(1));
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, changed: 0, timedOut: false });
    expect(env.published).toEqual([]);
  });
});

describe('the response of EC2', () => {
  test('marks only the endpoints in `Unsuccessful` as refused', async () => {
    const env = createEnvWithPendingEffects([1, 2]);
    env.ec2.respond = ({ endpointIds }) =>
      endpointIds.map((id) =>
        id === endpointId(2)
          ? { endpointId: id, successful: false, reason: 'InvalidState: no' }
          : { endpointId: id, successful: true },
      );
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 1, refused: 1 });
    expect(await env.actions(endpointId(1))).toEqual(['applying']);
    expect(await env.actions(endpointId(2))).toEqual(['refused']);
  });

  test('counts an endpoint in `Unsuccessful` as applied when EC2 already shows the wanted state, and publishes the change', async () => {
    const env = createEnvWithPendingEffects([1]);
    env.ec2.respond = (_call, take) =>
      take().map(({ endpointId: id }) => ({
        endpointId: id,
        successful: false,
        reason: 'InvalidState: again',
      }));
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 1, refused: 0 });
    expect(env.published).toMatchObject([{ type: 'Connection Changed', connection: { state: 'pending' } }]);
    expect(await env.actions(endpointId(1))).toEqual(['applying']);
  });

  test('leads to a describe call, and to no second call, when it is unknown', async () => {
    const env = createEnvWithPendingEffects([1, 2]);
    env.ec2.respond = (_call, take) => {
      take();
      throw new Error('socket hang up');
    };
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.describeCalls.at(-1)).toEqual({
      serviceIds: [serviceId(1)],
      endpointIds: [endpointId(1), endpointId(2)],
    });
    expect(env.published.map(({ connection }) => connection.state)).toEqual(['pending', 'pending']);
    expect(await env.actions(endpointId(1))).toEqual(['applying']);
    expect(env.ec2.calls).toHaveLength(1);
  });

  test('leads to another call each second while EC2 throttles', async () => {
    const env = createEnvWithPendingEffects([1]);
    let refusals = 3;
    env.ec2.respond = (_call, take) => {
      if (refusals-- > 0) throw new ThrottledError();
      return take();
    };
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 1, timedOut: false });
    expect(env.sleptMs).toBe(3_000);
    expect(await env.actions(endpointId(1))).toEqual(['applying']);
  });

  test('makes the run enqueue its location again when EC2 throttles until the time is used up', async () => {
    const env = createEnvWithPendingEffects([1]);
    env.ec2.respond = () => {
      throw new ThrottledError();
    };
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, timedOut: true });
    expect(env.remainingMs).toBeGreaterThan(0);
    expect(env.applyRequests).toEqual([location]);
    expect(await env.record(endpointId(1))).toMatchObject({ pendingEffect: { attempts: 0 } });
  });

  test('halves the number of ids for this and later calls when EC2 refuses the size', async () => {
    const env = createEnvWithPendingEffects(upTo(200));
    env.ec2.respond = ({ endpointIds }, take) => {
      if (endpointIds.length > 25) throw new RefusedCallError('size', 'InvalidParameterValue', 'too many');
      return take();
    };
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 200, refused: 0 });
    expect(sizes(env)).toEqual([100, 50, ...Array.from({ length: 8 }, () => 25)]);
  });

  test('leads to smaller calls until the one invalid id is found, and the other endpoints are applied', async () => {
    const env = createEnvWithPendingEffects(upTo(8));
    const code = 'InvalidVpcEndpointId.NotFound';
    env.ec2.respond = ({ endpointIds }, take) => {
      if (endpointIds.includes(endpointId(6)))
        throw new RefusedCallError('endpoint', code, 'no such endpoint');
      return take();
    };
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 7, refused: 1 });
    expect(sizes(env)).toEqual([8, 4, 4, 2, 1, 1, 2]);
    expect(await env.actions(endpointId(6))).toEqual(['refused']);
  });

  test('marks all endpoints as refused after one call when EC2 refuses the service or the caller', async () => {
    const env = createEnvWithPendingEffects([1, 2]);
    env.ec2.respond = () => {
      throw new RefusedCallError('service', 'UnauthorizedOperation', 'you are not authorized');
    };
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, refused: 2 });
    expect(env.ec2.calls).toHaveLength(1);
  });
});

describe('throttling by EC2', () => {
  test('of the describe call leads to another describe call a second later', async () => {
    const env = createEnvWithPendingEffects([1]);
    let refusals = 2;
    env.ec2.beforePage = () => {
      if (refusals-- > 0) throw new ThrottledError();
    };
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 1, timedOut: false });
    expect(env.sleptMs).toBe(2_000);
    expect(env.ec2.calls).toHaveLength(1);
  });

  test('of an Accept call that took effect all the same leads to no second call, and the change is published', async () => {
    const env = createEnvWithPendingEffects([1]);
    env.ec2.respond = (_call, take) => {
      take();
      throw new ThrottledError();
    };
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.calls).toHaveLength(1);
    expect(await env.actions(endpointId(1))).toEqual(['applying']);
    expect(await env.record(endpointId(1))).toMatchObject({
      pendingEffect: { action: 'accept', attempts: 1 },
      acceptRequestedAt: noon.toISOString(),
    });
    expect(env.published).toMatchObject([{ type: 'Connection Changed', connection: { state: 'pending' } }]);
  });
});

describe('a failure', () => {
  test('of the describe call after an Accept call is reported, and the Accept call is recorded', async () => {
    const env = createEnvWithPendingEffects([1]);
    const error = new Error('EC2 is away');
    env.ec2.respond = () => {
      env.ec2.beforePage = () => {
        throw error;
      };
      throw new Error('socket hang up');
    };
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 1 });
    expect(env.errors).toEqual([error]);
    expect(await env.actions(endpointId(1))).toEqual(['applying']);
  });

  test('to read a pending effect is reported, and the other effects are applied', async () => {
    const env = createEnvWithPendingEffects([1, 2]);
    env.put({ pk: pendingEffects.partition(hub), sk: endpointId(1), version: 1, schemaVersion: '9.0' });
    expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 1 });
    expect(env.ec2.calls).toMatchObject([{ endpointIds: [endpointId(2)] }]);
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
  });
});

describe('a concurrent write to the same record', () => {
  test('makes the run record its call in the newer record', async () => {
    const env = createEnvWithPendingEffects([1]);
    env.ec2.respond = (_call, take) => {
      const approved = aRecord({
        version: 9,
        verdict: aVerdict('reject'),
        pendingEffect: { action: 'reject', attempts: 0 },
      });
      env.put({ ...approved, pk: 'CONNECTION#1', sk: endpointId(1), schemaVersion: '1.0' });
      return take();
    };
    await applyVerdicts(hub, env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      version: 10,
      pendingEffect: { action: 'reject', attempts: 0 },
      acceptRequestedAt: noon.toISOString(),
    });
  });

  test('on every retry ends the run with an error', async () => {
    const env = createEnvWithPendingEffects([1]);
    const table = { ...env.table, write: async () => false };
    await expect(applyVerdicts(hub, { ...env.deps, table })).rejects.toThrow(OptimisticLockError);
  });
});

test('a run without remaining time only enqueues its location again', async () => {
  const env = createEnvWithPendingEffects([1]);
  env.remainingMs = 9_000;
  expect(await applyVerdicts(hub, env.deps)).toMatchObject({ requested: 0, timedOut: true });
  expect(env.applyRequests).toEqual([location]);
  expect(env.time).toEqual(secondsAfterNoon(0));
});
