import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { putEntry } from '../../lib/allowlist/entries.ts';
import type { PolicyChange } from '../../lib/policy-as-code/change.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { predictPlanImpact } from '../../lib/policy-as-code/predict-plan-impact.ts';
import { type Connection, isConnected } from '../../lib/privatelink/connection.ts';
import { listAllConnections } from '../../lib/privatelink/connections.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { detectChanges } from '../../lib/reconcile/detect-changes.ts';
import { listRegisteredServices } from '../../lib/services/registered-services.ts';
import { callApi } from '../api/call-api.ts';
import { alice, consumer } from '../builders.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { applyToEnd, planDocument } from './fixtures.ts';
import {
  createInventoryEnv,
  type RandomCommand,
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

interface Prediction {
  readonly disconnects?: readonly { readonly endpointId: string; readonly at: string }[];
  readonly accepts?: readonly { readonly endpointId: string }[];
  readonly rejects?: readonly { readonly endpointId: string }[];
}

/** Predicts a command with a dry run, which writes no item, and then runs it. @returns undefined if it changes nothing. */
async function runCommand(env: TestEnv, { kind, method, path, body }: RandomCommand) {
  if (kind === 'resume') {
    const paused = (await listRegisteredServices(env.deps)).find(({ pausedAt }) => pausedAt !== undefined);
    if (!paused) return undefined;
    const [blocked] = await listAllConnections(env.ec2, { serviceIds: [paused.serviceId] });
    const { ownerAccountId: accountId = consumer } = blocked ?? {};
    await putEntry({ serviceId: '*', accountId, effect: 'block' }, alice, env.deps);
  }
  const { table } = env.deps;
  env.deps.table = { ...table, write: () => Promise.reject(new Error('this writes no item')) };
  const prediction = await callApi(env, `${method} ${path}?dryRun=true`, body);
  env.deps.table = table;
  const { status } = await callApi(env, `${method} ${path}`, body);
  expect(prediction.status).toBe(status);
  return status === 200 ? (prediction.body as Prediction) : undefined;
}

function isInScope({ serviceId, ownerAccountId }: Connection, { path }: RandomCommand): boolean {
  const [, group, scope = '', accountId] = path.split('/');
  return ['*', serviceId].includes(scope) && (group === 'services' || ownerAccountId === accountId);
}

test('a dry run predicts the accepts, rejects and disconnects that follow from its command', async () => {
  const met = { accepts: 0, rejects: 0, now: 0, later: 0 };
  const disconnectsByKind = { entry: 0, block: 0, lockdown: 0, disconnect: 0, resume: 0 };
  await fc.assert(
    fc.asyncProperty(randomInventories, randomCommands, async (inventory, command) => {
      const env = await createInventoryEnv(inventory);
      const prediction = await runCommand(env, command);
      if (!prediction) return;
      const time = env.time.toISOString();
      const outcomes = await readOutcomes(env);
      const concerned = (await listAllConnections(env.ec2, {}))
        .filter((each) => isInScope(each, command))
        .toSorted((a, b) => a.requestedAt.localeCompare(b.requestedAt))
        .map(({ endpointId }) => ({ endpointId, ...outcomes.get(endpointId) }));
      const listIds = (effect: string) =>
        concerned.filter((each) => each.effect === effect).map(({ endpointId }) => endpointId);
      const disconnects = concerned.flatMap(({ endpointId, effect, at = 'now' }) =>
        effect === 'disconnect' || (effect === 'disconnect-later' && command.kind !== 'resume')
          ? [{ endpointId, at }]
          : [],
      );
      const predicted = prediction.disconnects?.map(({ endpointId, at }) => ({
        endpointId,
        at: at > time ? at : 'now',
      }));
      expect(predicted).toEqual(disconnects);
      for (const [effect, answers] of [
        ['accept', prediction.accepts],
        ['reject', prediction.rejects],
      ] as const)
        if (answers) expect(answers.map(({ endpointId }) => endpointId)).toEqual(listIds(effect));
      met.accepts += prediction.accepts?.length ?? 0;
      met.rejects += prediction.rejects?.length ?? 0;
      met.now += disconnects.filter(({ at }) => at === 'now').length;
      met.later += disconnects.filter(({ at }) => at !== 'now').length;
      disconnectsByKind[command.kind] += disconnects.length;
    }),
    { numRuns: 500, seed: 6 },
  );
  expect(Object.entries(disconnectsByKind).filter(([, count]) => count < 2)).toEqual([]);
  expect(Object.entries(met).filter(([, count]) => count < 6)).toEqual([]);
}, 120_000);
