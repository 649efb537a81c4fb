import { describe, expect, test } from '@jest/globals';
import { modeKey, readSwitched, switchedItem } from '../../lib/mode/mode.ts';
import { StoppedMeanwhileError, showMode, switchMode } from '../../lib/mode/switch-mode.ts';
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
import { aWorld, type World } from '../doubles/world.ts';

const why = { by: alice, reason: 'an incident' };
const observed = { mode: 'observe', since: noon.toISOString(), ...why };
const changedAt = '2026-11-01T00:00:00.000Z';

async function revision({ table }: World): Promise<number | undefined> {
  const [item] = await table.get([modeKey]);
  return item && readSwitched(item).revision;
}

/** What happens in which order. */
function inOrder(world: World): string[] {
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
    const world = aWorld();
    const steps = inOrder(world);
    const why = { by: alice, reason: 'half \ud83d' };
    await expect(switchMode('observe', why, world.deps)).rejects.toThrow('half a character');
    await expect(switchMode('observe', { by: alice, reason: 'half' }, world.deps)).resolves.toBeDefined();
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('that is no mode counts as observe, and is named; a switch to observe mends it', async () => {
    const world = aWorld();
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
    expect(await showMode(aWorld().deps)).toEqual({
      mode: 'act',
      since: changedAt,
      by: "linkgate's setup",
    });
  });

  test('says who switched it, when and why', async () => {
    const world = aWorld();
    expect(await switchMode('observe', why, world.deps)).toEqual({ view: observed, warnings: [] });
    expect(await showMode(world.deps)).toEqual(observed);
  });

  test.each([undefined, aSwitch()])(
    'is what its parameter says where that was changed by hand, and says so',
    async (switched) => {
      const world = aWorld();
      if (switched) world.put(switchedItem(switched));
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
    const world = aWorld();
    world.mode = 'observe';
    const { modeParameter } = world.deps;
    const away = new Error('SSM is away');
    world.deps.modeParameter = { ...modeParameter, write: () => Promise.reject(away) };
    await expect(switchMode('act', why, world.deps)).rejects.toThrow(away);
    expect(await showMode(world.deps)).toEqual({
      mode: 'observe',
      since: changedAt,
      by: 'linkgate',
      reason: expect.stringContaining(`${alice} began to switch to act`),
    });
  });

  test('that cannot be read is observe, and says why', async () => {
    const world = aWorld();
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
    const world = aWorld({ services: [aService()] });
    const steps = inOrder(world);
    await switchMode('observe', why, world.deps);
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('makes no verdict out of date', async () => {
    const world = aWorld();
    world.put(switchedItem(aSwitch({ revision: 3 })));
    await switchMode('observe', why, world.deps);
    expect(await revision(world)).toBe(3);
  });

  test('again keeps who switched first', async () => {
    const world = aWorld();
    await switchMode('observe', why, world.deps);
    world.time = secondsAfterNoon(60);
    expect(await switchMode('observe', { by: 'bob' }, world.deps)).toMatchObject({ view: observed });
  });
});

describe('to act', () => {
  test('every verdict is out of date before the parameter is written, and every place is swept', async () => {
    const world = aWorld({ services: [aService()] });
    world.mode = 'observe';
    const steps = inOrder(world);
    await switchMode('act', why, world.deps);
    expect(steps).toEqual(['item', 'parameter', 'sweep']);
    expect(await revision(world)).toBe(1);
    expect(world.requestedSweeps).toEqual([{ place: hub, pass: 'full', waitsForTurn: true }]);
  });

  test.each([
    { meanwhile: 'right before', steps: ['stop', 'write'] },
    { meanwhile: 'right after', steps: ['write', 'stop'] },
  ] as const)('whoever stops linkgate $meanwhile the parameter is written is stronger', async ({ steps }) => {
    const world = aWorld();
    world.mode = 'observe';
    const { modeParameter } = world.deps;
    const does = {
      write: () => modeParameter.write('act'),
      stop: () => switchMode('observe', { by: 'bob' }, { ...world.deps, modeParameter }),
    };
    world.deps.modeParameter = {
      ...modeParameter,
      async write(mode) {
        if (mode === 'observe') return modeParameter.write(mode);
        for (const step of steps) await does[step]();
      },
    };
    await expect(switchMode('act', why, world.deps)).rejects.toThrow(StoppedMeanwhileError);
    expect(await showMode(world.deps)).toMatchObject({ mode: 'observe', by: 'bob' });
  });

  test('somebody who stopped linkgate just before, and had not written that down yet, is stronger', async () => {
    const world = aWorld();
    const { table } = world;
    let isFirst = true;
    const deps = {
      ...world.deps,
      table: {
        ...table,
        async write(writes: Parameters<typeof table.write>[0]) {
          if (isFirst) {
            isFirst = false;
            await switchMode('act', why, world.deps);
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
    const world = aWorld({ services: [aService({ drift: [...drift] })] });
    world.mode = 'observe';
    world.services.show(aConfiguration({ isTagged: false }));
    const { warnings } = await switchMode('act', why, world.deps);
    expect(world.services.calls).toEqual([`tag ${serviceId(1)}`]);
    expect(warnings).toEqual([]);
  });

  test('again makes nothing out of date, and sweeps all the same', async () => {
    const world = aWorld({ services: [aService()] });
    await switchMode('act', why, world.deps);
    expect(await revision(world)).toBeUndefined();
    expect(world.requestedSweeps).toHaveLength(1);
  });

  test('after the parameter was changed by hand decides all anew', async () => {
    const world = aWorld();
    world.put(switchedItem(aSwitch({ mode: 'observe', revision: 1 })));
    await switchMode('act', why, world.deps);
    expect(await revision(world)).toBe(2);
    expect(await showMode(world.deps)).toMatchObject({ mode: 'act', by: alice });
  });

  test('stands where no pass can be asked for, which is reported', async () => {
    const world = aWorld({ services: [aService()] });
    world.mode = 'observe';
    world.deps.sweeps = { request: () => Promise.reject(new Error('the queue is away')) };
    expect(await switchMode('act', why, world.deps)).toMatchObject({ view: { mode: 'act' } });
    expect(world.errors).toHaveLength(1);
  });
});
