import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { putEntry, removeEntry } from '../../lib/allowlist/entries.ts';
import { predictEntryChange, predictResumption } from '../../lib/api/predict-change.ts';
import type { ChangePrediction } from '../../lib/api/summarize-impacts.ts';
import type { PolicyChange } from '../../lib/policy-as-code/change.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { predictPlanImpact } from '../../lib/policy-as-code/predict-plan-impact.ts';
import { type Connection, isConnected } from '../../lib/privatelink/connection.ts';
import { listAllConnections } from '../../lib/privatelink/connections.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { detectChanges } from '../../lib/reconcile/detect-changes.ts';
import { resumeService } from '../../lib/services/pause.ts';
import { listRegisteredServices } from '../../lib/services/registered-services.ts';
import { alice } from '../builders.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { applyToEnd, planDocument } from './fixtures.ts';
import {
  createInventoryEnv,
  type RandomInventory,
  randomCommands,
  randomDocuments,
  randomInventories,
  withKnownServices,
} from './random-inventory.ts';

interface Outcome {
  readonly effect: string;
  readonly at?: string;
}

/** Returns the current outcome of each connection. A connection at an unregistered service stays or waits. */
async function readOutcomes(env: TestEnv): Promise<Map<string, Outcome>> {
  const connections = await listAllConnections(env.ec2, {});
  env.published.length = 0;
  await detectChanges(connections, env.deps, { recheckPolicy: env.deps });
  const requests = env.published.filter(({ type }) => type === 'Connection Request');
  const publishedIds = new Set(requests.map(({ connection }) => connection.endpointId));
  for (const connection of connections) {
    // apply-verdicts decides a pending effect again right before the call to EC2.
    const isDue = (await env.record(connection.endpointId))?.pendingEffect !== undefined;
    if (isDue || publishedIds.has(connection.endpointId)) await decideConnection(connection, env.deps);
  }
  const registered = new Set((await listRegisteredServices(env.deps)).map(({ serviceId }) => serviceId));
  const outcomes = new Map<string, Outcome>();
  for (const { endpointId, serviceId, state } of connections) {
    const record = registered.has(serviceId) ? await env.record(endpointId) : undefined;
    const verdict = record?.verdict;
    const outcome = verdict?.outcome ?? (isConnected(state) ? 'accept' : 'hold');
    if (!isConnected(state) || outcome === 'ask' || outcome === 'hold')
      outcomes.set(endpointId, { effect: outcome });
    else if (outcome === 'accept') outcomes.set(endpointId, { effect: 'stays' });
    else
      outcomes.set(
        endpointId,
        verdict?.until ? { effect: 'disconnect-later', at: verdict.until } : { effect: 'disconnect' },
      );
  }
  return outcomes;
}

/** Returns the outcomes of connections that an apply changes. */
async function applyAndCompare(inventory: RandomInventory, document: PolicyDocument) {
  const withoutApply = await readOutcomes(await createInventoryEnv(inventory));
  const env = await createInventoryEnv(inventory);
  const { plan } = await planDocument(env, document);
  await applyToEnd(plan, env.deps);
  const withApply = await readOutcomes(env);
  return inventory.connectionHistories.flatMap(({ connection: { endpointId } }) => {
    const [before, after] = [withoutApply.get(endpointId), withApply.get(endpointId)];
    return isDeepStrictEqual(before, after) ? [] : [{ endpointId, ...after }];
  });
}

async function predictEffects(inventory: RandomInventory, document: PolicyDocument) {
  const env = await createInventoryEnv(inventory);
  const { plan, changes } = await planDocument(env, document);
  const { effects: found } = await predictPlanImpact(plan, undefined, alice, env.deps);
  const effects = found.map(({ endpointId, effect, at }) => ({
    endpointId,
    effect,
    ...(at !== undefined && { at }),
  }));
  return { effects, changes };
}

/** Whether an entry for `*` has a lower endpoint limit than before. */
function countsFewer(change: PolicyChange): boolean {
  if (change.kind !== 'entry' || change.action !== 'change' || change.service !== '*') return false;
  const [before = Infinity, after = Infinity] = [change.before?.maxEndpoints, change.after?.maxEndpoints];
  return after < before;
}

test('a plan predicts the impact that its apply has', async () => {
  const met = { effects: 0, servicesThatGo: 0, fewerEndpoints: 0 };
  await fc.assert(
    fc.asyncProperty(randomInventories, randomDocuments, async (inventory, anyDocument) => {
      const document = withKnownServices(anyDocument, inventory);
      const { effects, changes } = await predictEffects(inventory, document);
      met.effects += effects.length;
      met.servicesThatGo += Number(
        changes.some(({ kind, action }) => kind === 'service' && action === 'remove'),
      );
      met.fewerEndpoints += Number(changes.some(countsFewer));
      expect(effects).toEqual(await applyAndCompare(inventory, document));
    }),
    { numRuns: 1_000, seed: 6 },
  );
  expect(met.effects).toBeGreaterThan(1_000);
  expect(met.servicesThatGo).toBeGreaterThan(300);
  expect(met.fewerEndpoints).toBeGreaterThan(100);
}, 120_000);

type Command = typeof randomCommands extends fc.Arbitrary<infer Each> ? Each : never;

/** Runs a command and predicts its impact. @returns undefined if there is nothing to resume. */
async function runCommand(env: TestEnv, command: Command): Promise<ChangePrediction | undefined> {
  if (command.kind === 'resume') {
    const services = await listRegisteredServices(env.deps);
    const service = services.find((each) => each.serviceId === command.serviceId && each.pausedAt);
    if (!service) return undefined;
    const block = { serviceId: '*', accountId: command.blockedAccountId, effect: 'block' } as const;
    await putEntry(block, alice, env.deps);
    const prediction = await predictResumption(service, env.deps);
    await resumeService(service.serviceId, alice, env.deps);
    return prediction;
  }
  const { target } = command;
  if (command.kind === 'put') await putEntry({ ...target, ...command.rule }, alice, env.deps);
  else await removeEntry(target, env.deps);
  return predictEntryChange(target, false, env.deps);
}

function isInScope({ serviceId, ownerAccountId }: Connection, command: Command): boolean {
  if (command.kind === 'resume') return serviceId === command.serviceId;
  const { target } = command;
  return ownerAccountId === target.accountId && ['*', serviceId].includes(target.serviceId);
}

test('a command predicts the accepts and disconnects that follow from it', async () => {
  const met = { accepts: 0, now: 0, later: 0, resumed: 0 };
  await fc.assert(
    fc.asyncProperty(randomInventories, randomCommands, async (inventory, command) => {
      const env = await createInventoryEnv(inventory);
      const prediction = await runCommand(env, command);
      if (!prediction) return;
      const time = env.time.toISOString();
      const outcomes = await readOutcomes(env);
      const concerned = (await listAllConnections(env.ec2, {}))
        .filter((each) => isInScope(each, command))
        .toSorted((a, b) => a.requestedAt.localeCompare(b.requestedAt));
      const accepts = concerned.filter(({ endpointId }) => outcomes.get(endpointId)?.effect === 'accept');
      const disconnects = concerned.flatMap(({ endpointId }) => {
        const { effect, at = 'now' } = outcomes.get(endpointId) ?? {};
        const isPredicted =
          effect === 'disconnect' || (effect === 'disconnect-later' && command.kind !== 'resume');
        return isPredicted ? [{ endpointId, at }] : [];
      });
      const predicted = prediction.disconnects.map(({ endpointId, at }) => ({
        endpointId,
        at: at > time ? at : 'now',
      }));
      expect(predicted).toEqual(disconnects);
      expect(prediction.accepts.map(({ endpointId }) => endpointId)).toEqual(
        command.kind === 'resume' ? [] : accepts.map(({ endpointId }) => endpointId),
      );
      met.accepts += prediction.accepts.length;
      met.now += disconnects.filter(({ at }) => at === 'now').length;
      met.later += disconnects.filter(({ at }) => at !== 'now').length;
      met.resumed += Number(command.kind === 'resume') * disconnects.length;
    }),
    { numRuns: 1_000, seed: 6 },
  );
  expect(met.accepts).toBeGreaterThan(20);
  expect(met.now).toBeGreaterThan(20);
  expect(met.later).toBeGreaterThan(20);
  expect(met.resumed).toBeGreaterThan(1);
}, 120_000);
