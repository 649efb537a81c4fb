import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { type ConnectionRecord, recordItem, recordKey } from '../../lib/connections/connection-record.ts';
import { pendingEffectPartition } from '../../lib/connections/pending-effects.ts';
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
  anEntry,
  aRecord,
  aService,
  aSwitch,
  aVerdict,
  endpointId,
  hub,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const location = `${hub.accountId}/${hub.region}`;
const acceptAsked = { acceptRequestedAt: noon.toISOString() };

/** A place where the given endpoints wait for EC2, each by number, at one service or at several in turn. */
function aPlaceWithDue(
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
      aRecord({ ...connection, verdict: aVerdict(action), effect: { action, asked: 0 }, ...record }),
    ),
  });
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** How many ids each call had, and for which service. */
function sizes({ ec2 }: TestEnv): number[] {
  return ec2.calls.map(({ endpointIds }) => endpointIds.length);
}

describe('what is due', () => {
  test('is asked of EC2 and marked, and stays due until EC2 shows it', async () => {
    const world = aPlaceWithDue([1, 2]);
    const applied = await applyVerdicts(hub, world.deps);
    expect(applied).toEqual({ requested: 2, refused: 0, redecided: 0, changed: 0, timedOut: false });
    expect(world.ec2.calls).toEqual([
      { action: 'accept', serviceId: serviceId(1), endpointIds: [endpointId(1), endpointId(2)] },
    ]);
    expect(await world.record(endpointId(1))).toMatchObject({
      effect: { action: 'accept', asked: 1, lastAttemptAt: noon.toISOString() },
    });
    expect(await world.actions(endpointId(1))).toEqual(['applying']);
  });

  test('and was just asked is left alone for a minute', async () => {
    const effect = { action: 'accept', asked: 1, lastAttemptAt: noon.toISOString() } as const;
    const world = aPlaceWithDue([1], { record: { effect } });
    world.wait(59);
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls).toEqual([]);
    world.wait(1);
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls).toHaveLength(1);
  });

  test('and was asked often is left alone for longer, at most for an hour', async () => {
    const effect = { action: 'accept', asked: 20, lastAttemptAt: noon.toISOString() } as const;
    const world = aPlaceWithDue([1], { record: { effect } });
    world.wait(3_599);
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls).toEqual([]);
    world.wait(1);
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls).toHaveLength(1);
  });

  test('goes out in calls of 100 ids', async () => {
    const world = aPlaceWithDue(upTo(250));
    await applyVerdicts(hub, world.deps);
    expect(sizes(world)).toEqual([100, 100, 50]);
  });

  test('takes services in turn, so that a storm on one starves no other', async () => {
    const world = aPlaceWithDue(upTo(301), { serviceOf: (number) => (number === 301 ? 2 : 1) });
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls.map((call) => call.serviceId)).toEqual([1, 2, 1, 1].map(serviceId));
  });

  test('is asked in separate calls to accept and to reject', async () => {
    const world = aPlaceWithDue([1]);
    const rejected = aPlaceWithDue([2], { action: 'reject' });
    world.put(...(await allItems(rejected)));
    world.ec2.show(aConnection({ endpointId: endpointId(2) }));
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls.map(({ action }) => action).sort()).toEqual(['accept', 'reject']);
  });

  async function allItems({ table }: TestEnv) {
    const items = [];
    for (const pk of [`PENDING_EFFECT#${location}`, 'CONNECTION#2'])
      for await (const page of table.query(pk)) items.push(...page);
    return items;
  }
});

describe('right before the call', () => {
  test('in mode observe nothing is called', async () => {
    const world = aPlaceWithDue([1]);
    world.mode = 'observe';
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls).toEqual([]);
    expect(await world.record(endpointId(1))).toMatchObject({ effect: { asked: 0 } });
  });

  test('a verdict whose policy changed is not applied but decided anew', async () => {
    const world = aPlaceWithDue([1, 2]);
    world.put(entryItem(anEntry({ effect: 'block' })));
    const applied = await applyVerdicts(hub, world.deps);
    expect(applied).toMatchObject({ requested: 0, redecided: 2 });
    expect(world.ec2.calls).toEqual([]);
    expect(world.published.map(({ type }) => type)).toEqual(['Connection Request', 'Connection Request']);
  });

  test('a verdict from before linkgate acted again is decided anew', async () => {
    const world = aPlaceWithDue([1]);
    world.put(modeChangeItem(aSwitch()));
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, redecided: 1 });
    expect(world.ec2.calls).toEqual([]);
  });

  test('a verdict that ran out is decided anew', async () => {
    const verdict = aVerdict('accept', { until: noon.toISOString() });
    const world = aPlaceWithDue([1], { record: { verdict } });
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, redecided: 1 });
  });

  test('a connection that is to be rejected since the run began is not accepted any more', async () => {
    const world = aPlaceWithDue([1]);
    world.ec2.answer = () => {
      const decidedAnew = aRecord({
        version: 2,
        verdict: aVerdict('reject'),
        effect: { action: 'reject', asked: 0 },
      });
      world.put({ ...decidedAnew, pk: 'CONNECTION#1', sk: endpointId(1), schemaVersion: '1.0' });
      world.ec2.answer = (_call, take) => take();
      throw new ThrottledError();
    };
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.state(endpointId(1))).toBe('pendingAcceptance');
    expect(world.ec2.calls).toHaveLength(1);
  });

  test.each([
    { pointer: 'accept', decided: 'reject', state: 'pendingAcceptance' },
    { pointer: 'reject', decided: 'accept', state: 'available' },
  ] as const)(
    'a connection that was to $pointer is left alone when $decided was decided since its pointer was read',
    async ({ pointer, decided, state }) => {
      const world = aPlaceWithDue([1], { action: pointer, state });
      const anew = { version: 2, verdict: aVerdict(decided), effect: { action: decided, asked: 0 } };
      world.ec2.beforePage = () => world.put(recordItem(aRecord(anew)));
      expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, redecided: 0, changed: 0 });
      expect(world.ec2.calls).toEqual([]);
      expect(world.published).toEqual([]);
    },
  );

  test.each([
    { when: 'its policy changed', entry: anEntry() },
    { when: 'its service is registered no longer', entry: undefined },
  ])('a live connection that is to be rejected is not cut but decided anew once $when', async ({ entry }) => {
    const world = aPlaceWithDue([1], { action: 'reject', state: 'available', record: acceptAsked });
    if (entry) world.put(entryItem(entry));
    else await world.table.write([{ remove: serviceKey(serviceId(1)) }]);
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, redecided: 1 });
    expect(world.ec2.calls).toEqual([]);
    expect(world.published).toMatchObject([
      { type: 'Connection Request', connection: { state: 'available' } },
    ]);
  });

  test.each(['available', 'rejected', 'deleted'] as const)(
    'a connection that EC2 shows %s is told of instead of accepted',
    async (state) => {
      const world = aPlaceWithDue([1], { state });
      expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, changed: 1 });
      expect(world.published).toMatchObject([
        { type: 'Connection Changed', connection: { state }, record: { endpointId: endpointId(1) } },
      ]);
    },
  );

  test('a connection that is to be rejected and lives is cut where EC2 was asked to accept it', async () => {
    const world = aPlaceWithDue([1], { action: 'reject', state: 'available', record: acceptAsked });
    await trackIdentity({ ...world.deps, now: () => new Date(acceptAsked.acceptRequestedAt) });
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.state(endpointId(1))).toBe('rejected');
  });

  test.each([
    ['and is known to be, is decided like all that lives', 'available', 'Connection Request'],
    ['is told of first', 'pendingAcceptance', 'Connection Changed'],
  ] as const)(
    'a connection that a restored table would take back, and that lives, %s',
    async (_, state, type) => {
      const record = { ...acceptAsked, state };
      const world = aPlaceWithDue([1], { action: 'reject', state: 'available', record });
      await trackIdentity({
        ...world.deps,
        now: () => new Date(Date.parse(acceptAsked.acceptRequestedAt) + 1),
      });
      await applyVerdicts(hub, world.deps);
      expect(world.ec2.calls).toEqual([]);
      expect(world.published).toMatchObject([{ type, connection: { state: 'available' } }]);
    },
  );

  test('what a restored table would take back at a paused service is left alone', async () => {
    const record = { ...acceptAsked, state: 'available', verdict: aVerdict('hold') } as const;
    const world = aPlaceWithDue([1], { action: 'reject', state: 'available', record });
    await trackIdentity({
      ...world.deps,
      now: () => new Date(Date.parse(acceptAsked.acceptRequestedAt) + 1),
    });
    await applyVerdicts(hub, world.deps);
    expect(world.published).toEqual([]);
  });

  test('nothing is taken back while it is not known which table this is', async () => {
    const world = aPlaceWithDue([1], { action: 'reject', state: 'available', record: acceptAsked });
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, redecided: 0, changed: 0 });
    expect(world.ec2.calls).toEqual([]);
  });

  test.each(['pending', 'available'] as const)(
    'a connection that is to be rejected and that others accepted is told of instead of cut: it is %s',
    async (state) => {
      const world = aPlaceWithDue([1], { action: 'reject', state });
      expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, changed: 1 });
      expect(world.ec2.calls).toEqual([]);
      await recordStates(world.published, world.deps);
      expect(await world.record(endpointId(1))).not.toHaveProperty('effect');
      expect(await world.actions(endpointId(1))).toEqual(['observed']);
    },
  );

  test('a connection that is to be cut is left alone while something stops its service', async () => {
    const world = aPlaceWithDue([1], {
      action: 'reject',
      state: 'available',
      record: { ...acceptAsked, verdict: aVerdict('hold') },
    });
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, redecided: 0, changed: 0 });
    expect(world.ec2.calls).toEqual([]);
    expect(await world.record(endpointId(1))).toMatchObject({ effect: { action: 'reject' } });
  });

  test('where only a newer version can read its record, it is left alone, and where its policy, it is decided anew; the others go on', async () => {
    const world = aPlaceWithDue([1, 2, 3], { serviceOf: (number) => (number === 3 ? 2 : 1) });
    for (const key of [recordKey(endpointId(1)), serviceKey(serviceId(2))]) {
      const [item] = await world.table.get([key]);
      await world.table.write(item ? [{ put: { ...item, schemaVersion: '2.0' } }] : []);
    }
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls.map(({ endpointIds }) => endpointIds)).toEqual([[endpointId(2)]]);
    expect(world.errors).toHaveLength(1);
    expect(world.published).toMatchObject([
      { type: 'Connection Request', connection: { endpointId: endpointId(3) } },
    ]);
  });

  test('a connection that EC2 does not list is left to the sweep', async () => {
    const world = aPlaceWithDue([1]);
    world.ec2.forget(endpointId(1));
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, changed: 0, timedOut: false });
    expect(world.published).toEqual([]);
  });
});

describe('where EC2 answers', () => {
  test('for some endpoints that it would not, each is marked on its own', async () => {
    const world = aPlaceWithDue([1, 2]);
    world.ec2.answer = ({ endpointIds }) =>
      endpointIds.map((id) =>
        id === endpointId(2)
          ? { endpointId: id, taken: false, reason: 'InvalidState: no' }
          : { endpointId: id, taken: true },
      );
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 1, refused: 1 });
    expect(await world.actions(endpointId(1))).toEqual(['applying']);
    expect(await world.actions(endpointId(2))).toEqual(['refused']);
  });

  test('that it would not, for what it shows done already, that counts as done and is told at once', async () => {
    const world = aPlaceWithDue([1]);
    world.ec2.answer = (_call, take) =>
      take().map(({ endpointId: id }) => ({ endpointId: id, taken: false, reason: 'InvalidState: again' }));
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 1, refused: 0 });
    expect(world.published).toMatchObject([{ type: 'Connection Changed', connection: { state: 'pending' } }]);
    expect(await world.actions(endpointId(1))).toEqual(['applying']);
  });

  test('nothing that tells, it is looked at once what happened', async () => {
    const world = aPlaceWithDue([1, 2]);
    world.ec2.answer = (_call, take) => {
      take();
      throw new Error('socket hang up');
    };
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.looks.at(-1)).toEqual({
      serviceIds: [serviceId(1)],
      endpointIds: [endpointId(1), endpointId(2)],
    });
    expect(world.published.map(({ connection }) => connection.state)).toEqual(['pending', 'pending']);
    expect(await world.actions(endpointId(1))).toEqual(['applying']);
    expect(world.ec2.calls).toHaveLength(1);
  });

  test('that it wants fewer calls, the call is made again a second later', async () => {
    const world = aPlaceWithDue([1]);
    let refusals = 3;
    world.ec2.answer = (_call, take) => {
      if (refusals-- > 0) throw new ThrottledError();
      return take();
    };
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 1, timedOut: false });
    expect(world.slept).toBe(3_000);
    expect(await world.actions(endpointId(1))).toEqual(['applying']);
  });

  test('so until the time of the run is used up, it rings anew and ends well', async () => {
    const world = aPlaceWithDue([1]);
    world.ec2.answer = () => {
      throw new ThrottledError();
    };
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, timedOut: true });
    expect(world.left).toBeGreaterThan(0);
    expect(world.rings).toEqual([location]);
    expect(await world.record(endpointId(1))).toMatchObject({ effect: { asked: 0 } });
  });

  test('that there are too many ids, it is asked for half of them, also afterwards', async () => {
    const world = aPlaceWithDue(upTo(200));
    world.ec2.answer = ({ endpointIds }, take) => {
      if (endpointIds.length > 25) throw new RefusedCallError('size', 'InvalidParameterValue', 'too many');
      return take();
    };
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 200, refused: 0 });
    expect(sizes(world)).toEqual([100, 50, ...Array.from({ length: 8 }, () => 25)]);
  });

  test('that one endpoint is bad, the bad one is found and the others go through', async () => {
    const world = aPlaceWithDue(upTo(8));
    const code = 'InvalidVpcEndpointId.NotFound';
    world.ec2.answer = ({ endpointIds }, take) => {
      if (endpointIds.includes(endpointId(6)))
        throw new RefusedCallError('endpoint', code, 'no such endpoint');
      return take();
    };
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 7, refused: 1 });
    expect(sizes(world)).toEqual([8, 4, 4, 2, 1, 1, 2]);
    expect(await world.actions(endpointId(6))).toEqual(['refused']);
  });

  test('that it will not for this service or caller, all is refused after one call', async () => {
    const world = aPlaceWithDue([1, 2]);
    world.ec2.answer = () => {
      throw new RefusedCallError('service', 'UnauthorizedOperation', 'you are not authorized');
    };
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, refused: 2 });
    expect(world.ec2.calls).toHaveLength(1);
  });
});

describe('where EC2 wants fewer calls', () => {
  test('already when it is looked at, the look is made again a second later', async () => {
    const world = aPlaceWithDue([1]);
    let refusals = 2;
    world.ec2.beforePage = () => {
      if (refusals-- > 0) throw new ThrottledError();
    };
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 1, timedOut: false });
    expect(world.slept).toBe(2_000);
    expect(world.ec2.calls).toHaveLength(1);
  });

  test('and had carried out the call all the same, that is written down and told', async () => {
    const world = aPlaceWithDue([1]);
    world.ec2.answer = (_call, take) => {
      take();
      throw new ThrottledError();
    };
    await applyVerdicts(hub, world.deps);
    expect(world.ec2.calls).toHaveLength(1);
    expect(await world.actions(endpointId(1))).toEqual(['applying']);
    expect(await world.record(endpointId(1))).toMatchObject({
      effect: { action: 'accept', asked: 1 },
      acceptRequestedAt: noon.toISOString(),
    });
    expect(world.published).toMatchObject([{ type: 'Connection Changed', connection: { state: 'pending' } }]);
  });
});

describe('what cannot be', () => {
  test('looked at after the call is written down all the same, and reported', async () => {
    const world = aPlaceWithDue([1]);
    const error = new Error('EC2 is away');
    world.ec2.answer = () => {
      world.ec2.beforePage = () => {
        throw error;
      };
      throw new Error('socket hang up');
    };
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 1 });
    expect(world.errors).toEqual([error]);
    expect(await world.actions(endpointId(1))).toEqual(['applying']);
  });

  test.each([
    ['a record', recordItem(aRecord({ verdict: aVerdict('accept') }))],
    ['a pointer', { pk: pendingEffectPartition(hub), sk: endpointId(1), version: 1 }],
  ])('read, %s, is reported, and keeps no other waiting', async (_what, item) => {
    const world = aPlaceWithDue([1, 2]);
    world.put({ ...item, schemaVersion: '9.0' });
    expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 1 });
    expect(world.ec2.calls).toMatchObject([{ endpointIds: [endpointId(2)] }]);
    expect(world.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
  });
});

describe('while others write the same records', () => {
  test('the marks go on what they wrote', async () => {
    const world = aPlaceWithDue([1]);
    world.ec2.answer = (_call, take) => {
      const approved = aRecord({
        version: 9,
        verdict: aVerdict('reject'),
        effect: { action: 'reject', asked: 0 },
      });
      world.put({ ...approved, pk: 'CONNECTION#1', sk: endpointId(1), schemaVersion: '1.0' });
      return take();
    };
    await applyVerdicts(hub, world.deps);
    expect(await world.record(endpointId(1))).toMatchObject({
      version: 10,
      effect: { action: 'reject', asked: 0 },
      acceptRequestedAt: noon.toISOString(),
    });
  });

  test('a record that never holds still is given back', async () => {
    const world = aPlaceWithDue([1]);
    const table = { ...world.table, write: async () => false };
    await expect(applyVerdicts(hub, { ...world.deps, table })).rejects.toThrow(OptimisticLockError);
  });
});

test('a run that has no time left does nothing but ring', async () => {
  const world = aPlaceWithDue([1]);
  world.left = 9_000;
  expect(await applyVerdicts(hub, world.deps)).toMatchObject({ requested: 0, timedOut: true });
  expect(world.rings).toEqual([location]);
  expect(world.time).toEqual(secondsAfterNoon(0));
});
