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

const author = { by: alice, reason: 'an incident' };
const observeMode = { mode: 'observe', since: noon.toISOString(), ...author };
const changedAt = '2026-11-01T00:00:00.000Z';

async function policyRevision({ table }: TestEnv): Promise<number | undefined> {
  const [item] = await table.get([modeKey]);
  return item && readModeChange(item).policyRevision;
}

/** Records the order of writes. */
function recordOrder(env: TestEnv): string[] {
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
  test('is not switched if the actor and reason cannot be stored', async () => {
    const env = createTestEnv();
    const steps = recordOrder(env);
    const why = { by: alice, reason: 'half \ud83d' };
    await expect(switchMode('observe', why, env.deps)).rejects.toThrow('unpaired surrogate');
    await expect(switchMode('observe', { by: alice, reason: 'half' }, env.deps)).resolves.toBeDefined();
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('counts as observe and is reported if its SSM parameter has an invalid value, and a switch to observe repairs that', async () => {
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
      reason: '`banana` is not a mode and counts as observe',
    });
    await switchMode('observe', author, env.deps);
    const steps = recordOrder(env);
    await switchMode('observe', author, env.deps);
    expect(steps).toContain('parameter');
  });

  test('is enforce from setup until the first switch', async () => {
    expect(await showMode(createTestEnv().deps)).toEqual({
      mode: 'enforce',
      since: changedAt,
      by: "linkgate's setup",
    });
  });

  test('has the actor, time and reason of the last switch', async () => {
    const env = createTestEnv();
    expect(await switchMode('observe', author, env.deps)).toEqual({ view: observeMode, warnings: [] });
    expect(await showMode(env.deps)).toEqual(observeMode);
  });

  test.each([undefined, aModeChange()])(
    'is that of its SSM parameter if somebody changed it without linkgate, and its author says so',
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

  test('stays observe after an unfinished switch to enforce, with a reason that names the switch', async () => {
    const env = createTestEnv();
    env.mode = 'observe';
    const { modeParameter } = env.deps;
    const away = new Error('SSM is away');
    env.deps.modeParameter = { ...modeParameter, write: () => Promise.reject(away) };
    await expect(switchMode('enforce', author, env.deps)).rejects.toThrow(away);
    expect(await showMode(env.deps)).toEqual({
      mode: 'observe',
      since: changedAt,
      by: 'linkgate',
      reason: expect.stringContaining(`${alice} started to switch to enforce`),
    });
  });

  test('counts as observe if the SSM parameter cannot be read, and has the error', async () => {
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

describe('a switch to observe', () => {
  test('writes the SSM parameter first, so that linkgate stops at once', async () => {
    const env = createTestEnv({ services: [aService()] });
    const steps = recordOrder(env);
    await switchMode('observe', author, env.deps);
    expect(steps).toEqual(['parameter', 'item', 'parameter']);
  });

  test('keeps the policy revision', async () => {
    const env = createTestEnv();
    env.put(modeChangeItem(aModeChange({ policyRevision: 3 })));
    await switchMode('observe', author, env.deps);
    expect(await policyRevision(env)).toBe(3);
  });

  test('keeps the actor of the first switch when repeated', async () => {
    const env = createTestEnv();
    await switchMode('observe', author, env.deps);
    env.time = secondsAfterNoon(60);
    expect(await switchMode('observe', { by: 'bob' }, env.deps)).toMatchObject({ view: observeMode });
  });
});

describe('a switch to enforce', () => {
  test('raises the policy revision before it writes the SSM parameter, and sweeps every location', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    const steps = recordOrder(env);
    await switchMode('enforce', author, env.deps);
    expect(steps).toEqual(['item', 'parameter', 'sweep']);
    expect(await policyRevision(env)).toBe(1);
    expect(env.requestedSweeps).toEqual([{ location: hub, scope: 'full', requestedAt: noon.toISOString() }]);
  });

  test.each([
    { meanwhile: 'right before', steps: ['stop', 'write'] },
    { meanwhile: 'right after', steps: ['write', 'stop'] },
  ] as const)(
    'fails if somebody switches to observe $meanwhile it writes the SSM parameter',
    async ({ steps }) => {
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
      await expect(switchMode('enforce', author, env.deps)).rejects.toThrow(ConcurrentModeChangeError);
      expect(await showMode(env.deps)).toMatchObject({ mode: 'observe', by: 'bob' });
    },
  );

  test('is overridden by a switch to observe that began earlier and is not yet complete', async () => {
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
            await switchMode('enforce', author, env.deps);
          }
          return table.write(writes);
        },
      },
    };
    await switchMode('observe', { by: 'bob' }, deps);
    expect(env.mode).toBe('observe');
    expect(await showMode(env.deps)).toMatchObject({ mode: 'observe', by: 'bob' });
  });

  test('repairs services that were registered in mode observe', async () => {
    const drift = [{ check: 'tag-is-missing', detail: 'without the tag' }] as const;
    const env = createTestEnv({ services: [aService({ drift: [...drift] })] });
    env.mode = 'observe';
    env.services.setConfiguration(aConfiguration({ isTagged: false }));
    const { warnings } = await switchMode('enforce', author, env.deps);
    expect(env.services.calls).toEqual([`tag ${serviceId(1)}`]);
    expect(warnings).toEqual([]);
  });

  test('keeps the policy revision when repeated, and sweeps again', async () => {
    const env = createTestEnv({ services: [aService()] });
    await switchMode('enforce', author, env.deps);
    expect(await policyRevision(env)).toBeUndefined();
    expect(env.requestedSweeps).toHaveLength(1);
  });

  test('raises the policy revision also if somebody changed the SSM parameter to enforce without linkgate', async () => {
    const env = createTestEnv();
    env.put(modeChangeItem(aModeChange({ mode: 'observe', policyRevision: 1 })));
    await switchMode('enforce', author, env.deps);
    expect(await policyRevision(env)).toBe(2);
    expect(await showMode(env.deps)).toMatchObject({ mode: 'enforce', by: alice });
  });

  test('succeeds if no sweep can be enqueued, and reports the error', async () => {
    const env = createTestEnv({ services: [aService()] });
    env.mode = 'observe';
    env.deps.sweepQueue = { enqueue: () => Promise.reject(new Error('the queue is away')) };
    expect(await switchMode('enforce', author, env.deps)).toMatchObject({ view: { mode: 'enforce' } });
    expect(env.errors).toHaveLength(1);
  });
});
