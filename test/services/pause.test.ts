import { describe, expect, test } from '@jest/globals';
import { pauseService, resumeService } from '../../lib/services/pause.ts';
import { serviceItem } from '../../lib/services/service.ts';
import type { Table } from '../../lib/storage/table.ts';
import { alice, aService, noon, secondsAfterNoon, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const why = { by: alice, reason: 'incident 7' };
const paused = { pausedAt: noon.toISOString(), pausedBy: alice, pauseReason: 'incident 7' };

describe('a service that is paused', () => {
  test('stores time, author and reason, and gets a new policy revision', async () => {
    const env = createTestEnv({ services: [aService()] });
    const service = await pauseService(serviceId(1), why, env.deps);
    expect(service).toMatchObject({ ...paused, version: 2 });
    expect(service?.policyRevision).toBeGreaterThan(1);
  });

  test('twice keeps the first author', async () => {
    const env = createTestEnv({ services: [aService(paused)] });
    env.time = secondsAfterNoon(60);
    expect(await pauseService(serviceId(1), { by: 'bob' }, env.deps)).toEqual(aService(paused));
  });

  test('keeps a concurrent change', async () => {
    const env = createTestEnv({ services: [aService()] });
    let isFirst = true;
    const table: Table = {
      ...env.table,
      async write(writes) {
        if (isFirst) env.put(serviceItem(aService({ name: 'shop', version: 2 })));
        isFirst = false;
        return env.table.write(writes);
      },
    };
    const service = await pauseService(serviceId(1), why, { ...env.deps, table });
    expect(service).toMatchObject({ ...paused, name: 'shop', version: 3 });
  });
});

describe('a service that is resumed', () => {
  test('has no pause attributes, and gets a new policy revision', async () => {
    const env = createTestEnv({ services: [aService(paused)] });
    const service = await resumeService(serviceId(1), alice, env.deps);
    expect(Object.keys(service ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringContaining('pause')]),
    );
    expect(service).toMatchObject({ changedAt: noon.toISOString(), changedBy: alice });
    expect(service?.policyRevision).toBeGreaterThan(1);
  });

  test('twice stays unchanged', async () => {
    const env = createTestEnv({ services: [aService()] });
    expect(await resumeService(serviceId(1), alice, env.deps)).toEqual(aService());
  });
});

test('a service that is not registered cannot be paused or resumed', async () => {
  const { deps } = createTestEnv();
  expect(await pauseService(serviceId(1), why, deps)).toBeUndefined();
  expect(await resumeService(serviceId(1), alice, deps)).toBeUndefined();
});
