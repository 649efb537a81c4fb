import { describe, expect, test } from '@jest/globals';
import { modeKey, readSwitched, switchedItem } from '../../lib/mode/mode.ts';
import { showMode, switchMode } from '../../lib/mode/switch-mode.ts';
import { aConfiguration, alice, aService, aSwitch, noon, secondsAfterNoon, serviceId } from '../builders.ts';
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
  const { table, modeParameter, bell } = world.deps;
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
  world.deps.bell = {
    ring(place) {
      steps.push('ring');
      return bell.ring(place);
    },
  };
  return steps;
}

describe('the mode', () => {
  test('is act since the deployment, as long as nobody switched it', async () => {
    expect(await showMode(aWorld().deps)).toEqual({
      mode: 'act',
      since: changedAt,
      by: "linkgate's deployment",
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
      world.mode = 'observe';
      expect(await showMode(world.deps)).toEqual({
        mode: 'observe',
        since: changedAt,
        by: expect.stringContaining('without linkgate'),
      });
    },
  );

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
    expect(steps).toEqual(['parameter', 'item']);
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
  test('every verdict is out of date before the parameter is written, and every place is rung', async () => {
    const world = aWorld({ services: [aService()] });
    world.mode = 'observe';
    const steps = inOrder(world);
    await switchMode('act', why, world.deps);
    expect(steps).toEqual(['item', 'parameter', 'ring']);
    expect(await revision(world)).toBe(1);
    expect(world.rings).toEqual(['111111111111/us-east-1']);
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

  test('again decides nothing anew, and rings all the same', async () => {
    const world = aWorld({ services: [aService()] });
    await switchMode('act', why, world.deps);
    expect(await revision(world)).toBeUndefined();
    expect(world.rings).toHaveLength(1);
  });

  test('after the parameter was changed by hand decides all anew', async () => {
    const world = aWorld();
    world.put(switchedItem(aSwitch({ mode: 'observe', revision: 1 })));
    await switchMode('act', why, world.deps);
    expect(await revision(world)).toBe(2);
    expect(await showMode(world.deps)).toMatchObject({ mode: 'act', by: alice });
  });

  test('stands where the ring fails, which is reported', async () => {
    const world = aWorld({ services: [aService()] });
    world.mode = 'observe';
    world.deps.bell = { ring: () => Promise.reject(new Error('the queue is away')) };
    expect(await switchMode('act', why, world.deps)).toMatchObject({ view: { mode: 'act' } });
    expect(world.errors).toHaveLength(1);
  });
});
