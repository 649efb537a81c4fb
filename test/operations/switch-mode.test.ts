import { describe, expect, test } from '@jest/globals';
import { modeChangeItem, modeKey, readModeChange } from '../../lib/mode/mode.ts';
import { ConcurrentModeChangeError, showMode, switchMode } from '../../lib/operations/switch-mode.ts';
import {
  aConfiguration,
  alice,
  aModeChange,
  aService,
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
function inOrder(env: TestEnv): string[] {
  const steps: string[] = [];
  const { table, modeParameter, sweepQueue } = env.deps;
  env.deps.table = {
    ...table,
    write(writes) {
      steps.push('item');
      return table.write(writes);
    },
  };
  env.deps.modeParameter = {
    ...modeParameter,
    write(mode) {
      steps.push('parameter');
      return modeParameter.write(mode);
    },
  };
  env.deps.sweepQueue = {
    enqueue(sweep) {
      steps.push('sweep');
      return sweepQueue.enqueue(sweep);
    },
  };
  return steps;
}

describe('the mode', () => {
  test('is not switched where who did it cannot be written down', async () => {
    const env = createTestEnv();
    const steps = inOrder(env);
    const why = { by: alice, reason: 'half \ud83d' };
    await expect(switchMode('observe', why, env.deps)).rejects.toThrow('half a character');
    await expect(switchMode('observe', { by: alice, reason: 'half' }, env.deps)).resolves.toBeDefined();
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('that is no mode counts as observe, and is named; a switch to observe mends it', async () => {
    const env = createTestEnv();
    env.mode = 'observe';
    const { modeParameter } = env.deps;
    env.deps.modeParameter = {
      ...modeParameter,
      read: async () => ({ mode: 'observe', changedAt, unknownValue: 'banana' }),
    };
    expect(await showMode(env.deps)).toEqual({
      mode: 'observe',
      since: changedAt,
      by: 'somebody who changed the parameter without linkgate',
      reason: '`banana` is no mode, so that it counts as observe',
    });
    await switchMode('observe', why, env.deps);
    const steps = inOrder(env);
    await switchMode('observe', why, env.deps);
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
    const env = createTestEnv();
    expect(await switchMode('observe', why, env.deps)).toEqual({ view: observed, warnings: [] });
    expect(await showMode(env.deps)).toEqual(observed);
  });

  test.each([undefined, aModeChange()])(
    'is what its parameter says where that was changed by hand, and says so',
    async (switched) => {
      const env = createTestEnv();
      if (switched) env.put(modeChangeItem(switched));
      const since = secondsAfterNoon(60).toISOString();
      env.deps.modeParameter = {
        ...env.deps.modeParameter,
        read: async () => ({ mode: 'observe', changedAt: since }),
      };
      expect(await showMode(env.deps)).toEqual({
        mode: 'observe',
        since,
        by: expect.stringContaining('without linkgate'),
      });
    },
  );

  test('that was to be act, and whose parameter could not be written, says so', async () => {
    const env = createTestEnv();
    env.mode = 'observe';
    const { modeParameter } = env.deps;
    const away = new Error('SSM is away');
    env.deps.modeParameter = { ...modeParameter, write: () => Promise.reject(away) };
    await expect(switchMode('enforce', why, env.deps)).rejects.toThrow(away);
    expect(await showMode(env.deps)).toEqual({
      mode: 'observe',
      since: changedAt,
      by: 'linkgate',
      reason: expect.stringContaining(`${alice} began to switch to act`),
    });
  });

  test('that cannot be read is observe, and says why', async () => {
    const env = createTestEnv();
    const error = awsError('ParameterNotFound');
    env.deps.modeParameter = { ...env.deps.modeParameter, read: () => Promise.reject(error) };
    expect(await showMode(env.deps)).toMatchObject({
      mode: 'observe',
      since: null,
      reason: expect.stringContaining('ParameterNotFound'),
    });
    expect(env.errors).toEqual([error]);
  });
});

describe('to observe', () => {
  test('the parameter is written first, so that linkgate stops at once', async () => {
    const env = createTestEnv({ services: [aService()] });
    const steps = inOrder(env);
    await switchMode('observe', why, env.deps);
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('makes no verdict out of date', async () => {
    const env = createTestEnv();
    env.put(modeChangeItem(aModeChange({ policyRevision: 3 })));
    await switchMode('observe', why, env.deps);
    expect(await policyRevision(env)).toBe(3);
  });

  test('again keeps who switched first', async () => {
    const env = createTestEnv();
    await switchMode('observe', why, env.deps);
    env.time = secondsAfterNoon(60);
    expect(await switchMode('observe', { by: 'bob' }, env.deps)).toMatchObject({ view: observed });
  });
});

describe('to act', () => {
  test('every verdict is out of date before the parameter is written, and every place is swept', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    const steps = inOrder(env);
    await switchMode('enforce', why, env.deps);
    expect(steps).toEqual(['item', 'parameter', 'sweep']);
    expect(await policyRevision(env)).toBe(1);
    expect(env.requestedSweeps).toEqual([{ location: hub, scope: 'full', queueIfRunning: true }]);
  });

  test.each([
    { meanwhile: 'right before', steps: ['stop', 'write'] },
    { meanwhile: 'right after', steps: ['write', 'stop'] },
  ] as const)('whoever stops linkgate $meanwhile the parameter is written is stronger', async ({ steps }) => {
    const env = createTestEnv();
    env.mode = 'observe';
    const { modeParameter } = env.deps;
    const does = {
      write: () => modeParameter.write('enforce'),
      stop: () => switchMode('observe', { by: 'bob' }, { ...env.deps, modeParameter }),
    };
    env.deps.modeParameter = {
      ...modeParameter,
      async write(mode) {
        if (mode === 'observe') return modeParameter.write(mode);
        for (const step of steps) await does[step]();
      },
    };
    await expect(switchMode('enforce', why, env.deps)).rejects.toThrow(ConcurrentModeChangeError);
    expect(await showMode(env.deps)).toMatchObject({ mode: 'observe', by: 'bob' });
  });

  test('somebody who stopped linkgate just before, and had not written that down yet, is stronger', async () => {
    const env = createTestEnv();
    const { table } = env;
    let isFirst = true;
    const deps = {
      ...env.deps,
      table: {
        ...table,
        async write(writes: Parameters<typeof table.write>[0]) {
          if (isFirst) {
            isFirst = false;
            await switchMode('enforce', why, env.deps);
          }
          return table.write(writes);
        },
      },
    };
    await switchMode('observe', { by: 'bob' }, deps);
    expect(env.mode).toBe('observe');
    expect(await showMode(env.deps)).toMatchObject({ mode: 'observe', by: 'bob' });
  });

  test('services that were registered meanwhile get what linkgate needs of them', async () => {
    const drift = [{ check: 'tag-is-missing', detail: 'without the tag' }] as const;
    const env = createTestEnv({ services: [aService({ drift: [...drift] })] });
    env.mode = 'observe';
    env.services.setConfiguration(aConfiguration({ isTagged: false }));
    const { warnings } = await switchMode('enforce', why, env.deps);
    expect(env.services.calls).toEqual([`tag ${serviceId(1)}`]);
    expect(warnings).toEqual([]);
  });

  test('again makes nothing out of date, and sweeps all the same', async () => {
    const env = createTestEnv({ services: [aService()] });
    await switchMode('enforce', why, env.deps);
    expect(await policyRevision(env)).toBeUndefined();
    expect(env.requestedSweeps).toHaveLength(1);
  });

  test('after the parameter was changed by hand decides all anew', async () => {
    const env = createTestEnv();
    env.put(modeChangeItem(aModeChange({ mode: 'observe', policyRevision: 1 })));
    await switchMode('enforce', why, env.deps);
    expect(await policyRevision(env)).toBe(2);
    expect(await showMode(env.deps)).toMatchObject({ mode: 'enforce', by: alice });
  });

  test('stands where no pass can be asked for, which is reported', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    env.deps.sweepQueue = { enqueue: () => Promise.reject(new Error('the queue is away')) };
    expect(await switchMode('enforce', why, env.deps)).toMatchObject({ view: { mode: 'enforce' } });
    expect(env.errors).toHaveLength(1);
  });
});
