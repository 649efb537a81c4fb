import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Change } from '../../lib/policy-as-code/change.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { predictImpact } from '../../lib/policy-as-code/predict-impact.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { listAll } from '../../lib/privatelink/connections.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { detectChanges } from '../../lib/reconcile/detect-changes.ts';
import { registeredServices } from '../../lib/services/registered-services.ts';
import { alice } from '../builders.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { applied, planned } from './fixtures.ts';
import { documents, type Estate, estates, fitting, worldOf } from './random-inventory.ts';

interface Fate {
  readonly effect: string;
  readonly at?: string;
}

/** What linkgate makes of each connection now, by a look at all of them. What nobody decides stays, or waits. */
async function fatesIn(world: TestEnv): Promise<Map<string, Fate>> {
  const connections = await listAll(world.ec2, {});
  world.published.length = 0;
  await detectChanges(connections, world.deps, { compare: world.deps });
  const requests = world.published.filter(({ type }) => type === 'Connection Request');
  const handedOver = new Set(requests.map(({ connection }) => connection.endpointId));
  for (const connection of connections) {
    // What is due is decided anew right before EC2 is asked.
    const isDue = (await world.record(connection.endpointId))?.effect !== undefined;
    if (isDue || handedOver.has(connection.endpointId)) await decideConnection(connection, world.deps);
  }
  const registered = new Set((await registeredServices(world.deps)).map(({ serviceId }) => serviceId));
  const fates = new Map<string, Fate>();
  for (const { endpointId, serviceId, state } of connections) {
    const record = registered.has(serviceId) ? await world.record(endpointId) : undefined;
    const verdict = record?.verdict;
    const outcome = verdict?.outcome ?? (isConnected(state) ? 'accept' : 'hold');
    if (!isConnected(state) || outcome === 'ask' || outcome === 'hold')
      fates.set(endpointId, { effect: outcome });
    else if (outcome === 'accept') fates.set(endpointId, { effect: 'stays' });
    else
      fates.set(
        endpointId,
        verdict?.until ? { effect: 'disconnect-later', at: verdict.until } : { effect: 'disconnect' },
      );
  }
  return fates;
}

/** What an apply really does to the connections, beside what would have become of them without it. */
async function happens(inventory: Estate, document: PolicyDocument) {
  const left = await fatesIn(await worldOf(inventory));
  const world = await worldOf(inventory);
  const { plan } = await planned(world, document);
  await applied(plan, world.deps);
  const made = await fatesIn(world);
  return inventory.lives.flatMap(({ connection: { endpointId } }) => {
    const [was, would] = [left.get(endpointId), made.get(endpointId)];
    return isDeepStrictEqual(was, would) ? [] : [{ endpointId, ...would }];
  });
}

async function predicted(inventory: Estate, document: PolicyDocument) {
  const world = await worldOf(inventory);
  const { plan, changes } = await planned(world, document);
  const { effects: found } = await predictImpact(plan, undefined, alice, world.deps);
  const effects = found.map(({ endpointId, effect, at }) => ({
    endpointId,
    effect,
    ...(at !== undefined && { at }),
  }));
  return { effects, changes };
}

/** Whether the account may have fewer endpoints at every service than before. */
function countsFewer(change: Change): boolean {
  if (change.kind !== 'entry' || change.action !== 'change' || change.service !== '*') return false;
  const [before = Infinity, after = Infinity] = [change.before?.maxEndpoints, change.after?.maxEndpoints];
  return after < before;
}

test('what a plan predicts is what its apply does', async () => {
  const met = { effects: 0, servicesThatGo: 0, fewerEndpoints: 0 };
  await fc.assert(
    fc.asyncProperty(estates, documents, async (inventory, anyDocument) => {
      const document = fitting(anyDocument, inventory);
      const { effects, changes } = await predicted(inventory, document);
      met.effects += effects.length;
      met.servicesThatGo += Number(
        changes.some(({ kind, action }) => kind === 'service' && action === 'remove'),
      );
      met.fewerEndpoints += Number(changes.some(countsFewer));
      expect(effects).toEqual(await happens(inventory, document));
    }),
    { numRuns: 1_000, seed: 6 },
  );
  expect(met.effects).toBeGreaterThan(1_000);
  expect(met.servicesThatGo).toBeGreaterThan(300);
  expect(met.fewerEndpoints).toBeGreaterThan(100);
}, 120_000);
