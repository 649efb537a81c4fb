import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isLive } from '../../lib/connection/connection.ts';
import { everyOne } from '../../lib/connection/connections.ts';
import { decideConnection } from '../../lib/connection/decide-connections.ts';
import type { PolicyDocument } from '../../lib/plan/document.ts';
import { predict } from '../../lib/plan/predict.ts';
import { alice } from '../builders.ts';
import type { World } from '../doubles/world.ts';
import { documents, type Estate, estates, fitting, worldOf } from './estates.ts';
import { applied, planned } from './planning.ts';

interface Fate {
  readonly effect: string;
  readonly at?: string;
}

/** What linkgate makes of each connection now, by deciding it. What nobody decides stays, or waits. */
async function fatesIn(world: World): Promise<Map<string, Fate>> {
  const fates = new Map<string, Fate>();
  for (const connection of await everyOne(world.ec2, {})) {
    const decision = await decideConnection(connection, world.deps);
    const verdict = 'isNew' in decision ? decision.record.verdict : undefined;
    const { endpointId, state } = connection;
    const outcome = verdict?.outcome ?? (isLive(state) ? 'accept' : 'wait');
    if (!isLive(state) || outcome === 'ask' || outcome === 'wait') fates.set(endpointId, { effect: outcome });
    else if (outcome === 'accept') fates.set(endpointId, { effect: 'stays' });
    else
      fates.set(endpointId, verdict?.until ? { effect: 'cut-later', at: verdict.until } : { effect: 'cut' });
  }
  return fates;
}

/** What an apply really does to the connections, beside what would have become of them without it. */
async function happens(estate: Estate, document: PolicyDocument) {
  const left = await fatesIn(await worldOf(estate));
  const world = await worldOf(estate);
  const { plan } = await planned(world, document);
  await applied(plan, world.deps);
  const made = await fatesIn(world);
  return estate.lives.flatMap(({ connection: { endpointId } }) => {
    const [was, would] = [left.get(endpointId), made.get(endpointId)];
    return isDeepStrictEqual(was, would) ? [] : [{ endpointId, ...would }];
  });
}

async function predicted(estate: Estate, document: PolicyDocument) {
  const world = await worldOf(estate);
  const { plan } = await planned(world, document);
  const { effects } = await predict(plan, undefined, alice, world.deps);
  return effects.map(({ endpointId, effect, at }) => ({
    endpointId,
    effect,
    ...(at !== undefined && { at }),
  }));
}

test('what a plan predicts is what its apply does', async () => {
  let effects = 0;
  await fc.assert(
    fc.asyncProperty(estates, documents, async (estate, anyDocument) => {
      const document = fitting(anyDocument, estate);
      const prediction = await predicted(estate, document);
      effects += prediction.length;
      expect(prediction).toEqual(await happens(estate, document));
    }),
    { numRuns: 1_000, seed: 6 },
  );
  expect(effects).toBeGreaterThan(1_000);
}, 120_000);
