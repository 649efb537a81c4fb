import { describe, expect, test } from '@jest/globals';
import { modeChangeItem, modeKey, readModeChange } from '../../lib/mode/mode.ts';
import { ConcurrentModeChangeError, showMode, switchMode } from '../../lib/operations/switch-mode.ts';
import {
  aConfiguration,
  alice,
  aService,
  aSwitch,
  hub,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { awsError } from '../doubles/sdk-client.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const why = { by: alice, reason: 'an incident' };
const observed = { mode: 'observe', since: noon.toISOString(), ...why };
const changedAt = '2026-11-01T00:00:00.000Z';

async function policyRevision({ table }: TestEnv): Promise<number | undefined> {
  const [item] = await table.get([modeKey]);
  return item && readModeChange(item).policyRevision;
}

/** What happens in which order. */
function inOrder(world: TestEnv): string[] {
  const steps: string[] = [];
  const { table, modeParameter, sweeps } = world.deps;
  world.deps.table = {
    ...table,
    write(writes) {
      steps.push('item');
      return table.write(writes);
    },
  };
  world.deps.modeParameter = {
    ...modeParameter,
    write(mode) {
      steps.push('parameter');
      return modeParameter.write(mode);
    },
  };
  world.deps.sweeps = {
    request(sweep) {
      steps.push('sweep');
      return sweeps.request(sweep);
    },
  };
  return steps;
}

describe('the mode', () => {
  test('is not switched where who did it cannot be written down', async () => {
    const world = createTestEnv();
    const steps = inOrder(world);
    const why = { by: alice, reason: 'half \ud83d' };
    await expect(switchMode('observe', why, world.deps)).rejects.toThrow('half a character');
    await expect(switchMode('observe', { by: alice, reason: 'half' }, world.deps)).resolves.toBeDefined();
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('that is no mode counts as observe, and is named; a switch to observe mends it', async () => {
    const world = createTestEnv();
    world.mode = 'observe';
    const { modeParameter } = world.deps;
    world.deps.modeParameter = {
      ...modeParameter,
      read: async () => ({ mode: 'observe', changedAt, otherwise: 'banana' }),
    };
    expect(await showMode(world.deps)).toEqual({
      mode: 'observe',
      since: changedAt,
      by: 'somebody who changed the parameter without linkgate',
      reason: '`banana` is no mode, so that it counts as observe',
    });
    await switchMode('observe', why, world.deps);
    const steps = inOrder(world);
    await switchMode('observe', why, world.deps);
    expect(steps).toContain('parameter');
  });

  test('is act since setup, as long as nobody switched it', async () => {
    expect(await showMode(createTestEnv().deps)).toEqual({
      mode: 'enforce',
      since: changedAt,
      by: "linkgate's setup",
    });
  });

  test('says who switched it, when and why', async () => {
    const world = createTestEnv();
    expect(await switchMode('observe', why, world.deps)).toEqual({ view: observed, warnings: [] });
    expect(await showMode(world.deps)).toEqual(observed);
  });

  test.each([undefined, aSwitch()])(
    'is what its parameter says where that was changed by hand, and says so',
    async (switched) => {
      const world = createTestEnv();
      if (switched) world.put(modeChangeItem(switched));
      const since = secondsAfterNoon(60).toISOString();
      world.deps.modeParameter = {
        ...world.deps.modeParameter,
        read: async () => ({ mode: 'observe', changedAt: since }),
      };
      expect(await showMode(world.deps)).toEqual({
        mode: 'observe',
        since,
        by: expect.stringContaining('without linkgate'),
      });
    },
  );

  test('that was to be act, and whose parameter could not be written, says so', async () => {
    const world = createTestEnv();
    world.mode = 'observe';
    const { modeParameter } = world.deps;
    const away = new Error('SSM is away');
    world.deps.modeParameter = { ...modeParameter, write: () => Promise.reject(away) };
    await expect(switchMode('enforce', why, world.deps)).rejects.toThrow(away);
    expect(await showMode(world.deps)).toEqual({
      mode: 'observe',
      since: changedAt,
      by: 'linkgate',
      reason: expect.stringContaining(`${alice} began to switch to act`),
    });
  });

  test('that cannot be read is observe, and says why', async () => {
    const world = createTestEnv();
    const error = awsError('ParameterNotFound');
    world.deps.modeParameter = { ...world.deps.modeParameter, read: () => Promise.reject(error) };
    expect(await showMode(world.deps)).toMatchObject({
      mode: 'observe',
      since: null,
      reason: expect.stringContaining('ParameterNotFound'),
    });
    expect(world.errors).toEqual([error]);
  });
});

describe('to observe', () => {
  test('the parameter is written first, so that linkgate stops at once', async () => {
    const world = createTestEnv({ services: [aService()] });
    const steps = inOrder(world);
    await switchMode('observe', why, world.deps);
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('makes no verdict out of date', async () => {
    const world = createTestEnv();
    world.put(modeChangeItem(aSwitch({ policyRevision: 3 })));
    await switchMode('observe', why, world.deps);
    expect(await policyRevision(world)).toBe(3);
  });

  test('again keeps who switched first', async () => {
    const world = createTestEnv();
    await switchMode('observe', why, world.deps);
    world.time = secondsAfterNoon(60);
    expect(await switchMode('observe', { by: 'bob' }, world.deps)).toMatchObject({ view: observed });
  });
});

describe('to act', () => {
  test('every verdict is out of date before the parameter is written, and every place is swept', async () => {
    const world = createTestEnv({ services: [aService()] });
    world.mode = 'observe';
    const steps = inOrder(world);
    await switchMode('enforce', why, world.deps);
    expect(steps).toEqual(['item', 'parameter', 'sweep']);
    expect(await policyRevision(world)).toBe(1);
    expect(world.requestedSweeps).toEqual([{ location: hub, pass: 'full', queueIfRunning: true }]);
  });

  test.each([
    { meanwhile: 'right before', steps: ['stop', 'write'] },
    { meanwhile: 'right after', steps: ['write', 'stop'] },
  ] as const)('whoever stops linkgate $meanwhile the parameter is written is stronger', async ({ steps }) => {
    const world = createTestEnv();
    world.mode = 'observe';
    const { modeParameter } = world.deps;
    const does = {
      write: () => modeParameter.write('enforce'),
      stop: () => switchMode('observe', { by: 'bob' }, { ...world.deps, modeParameter }),
    };
    world.deps.modeParameter = {
      ...modeParameter,
      async write(mode) {
        if (mode === 'observe') return modeParameter.write(mode);
        for (const step of steps) await does[step]();
      },
    };
    await expect(switchMode('enforce', why, world.deps)).rejects.toThrow(ConcurrentModeChangeError);
    expect(await showMode(world.deps)).toMatchObject({ mode: 'observe', by: 'bob' });
  });

  test('somebody who stopped linkgate just before, and had not written that down yet, is stronger', async () => {
    const world = createTestEnv();
    const { table } = world;
    let isFirst = true;
    const deps = {
      ...world.deps,
      table: {
        ...table,
        async write(writes: Parameters<typeof table.write>[0]) {
          if (isFirst) {
            isFirst = false;
            await switchMode('enforce', why, world.deps);
          }
          return table.write(writes);
        },
      },
    };
    await switchMode('observe', { by: 'bob' }, deps);
    expect(world.mode).toBe('observe');
    expect(await showMode(world.deps)).toMatchObject({ mode: 'observe', by: 'bob' });
  });

  test('services that were registered meanwhile get what linkgate needs of them', async () => {
    const drift = [{ check: 'tag-is-missing', detail: 'without the tag' }] as const;
    const world = createTestEnv({ services: [aService({ drift: [...drift] })] });
    world.mode = 'observe';
    world.services.show(aConfiguration({ isTagged: false }));
    const { warnings } = await switchMode('enforce', why, world.deps);
    expect(world.services.calls).toEqual([`tag ${serviceId(1)}`]);
    expect(warnings).toEqual([]);
  });

  test('again makes nothing out of date, and sweeps all the same', async () => {
    const world = createTestEnv({ services: [aService()] });
    await switchMode('enforce', why, world.deps);
    expect(await policyRevision(world)).toBeUndefined();
    expect(world.requestedSweeps).toHaveLength(1);
  });

  test('after the parameter was changed by hand decides all anew', async () => {
    const world = createTestEnv();
    world.put(modeChangeItem(aSwitch({ mode: 'observe', policyRevision: 1 })));
    await switchMode('enforce', why, world.deps);
    expect(await policyRevision(world)).toBe(2);
    expect(await showMode(world.deps)).toMatchObject({ mode: 'enforce', by: alice });
  });

  test('stands where no pass can be asked for, which is reported', async () => {
    const world = createTestEnv({ services: [aService()] });
    world.mode = 'observe';
    world.deps.sweeps = { request: () => Promise.reject(new Error('the queue is away')) };
    expect(await switchMode('enforce', why, world.deps)).toMatchObject({ view: { mode: 'enforce' } });
    expect(world.errors).toHaveLength(1);
  });
});
