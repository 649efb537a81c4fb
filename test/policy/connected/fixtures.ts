import { removeEntry } from '../../../lib/allowlist/entries.ts';
import { entryItem } from '../../../lib/allowlist/entry.ts';
import { decideConnectedByPerson } from '../../../lib/approvals/decide-connected-by-person.ts';
import { submitStoredDecision } from '../../../lib/approvals/submit-decision.ts';
import { type Mode, modeChangeItem } from '../../../lib/mode/mode.ts';
import type { Connection } from '../../../lib/privatelink/connection.ts';
import { listAllConnections } from '../../../lib/privatelink/connections.ts';
import { applyVerdicts } from '../../../lib/reconcile/apply-verdicts.ts';
import { decideConnections } from '../../../lib/reconcile/decide-connections.ts';
import { detectChanges } from '../../../lib/reconcile/detect-changes.ts';
import { recordStates } from '../../../lib/reconcile/record-states.ts';
import { reevaluateConnections } from '../../../lib/reconcile/reevaluate.ts';
import { serviceItem, serviceKey } from '../../../lib/services/service.ts';
import type { SweepScope } from '../../../lib/sweep/sweep.ts';
import { sweepConnections } from '../../../lib/sweep/sweep-connections.ts';
import {
  aConnection,
  alice,
  aModeChange,
  anEntry,
  aService,
  consumer,
  endpointId,
  hub,
  serviceId,
} from '../../builders.ts';
import { createTestEnv, type TestEnv } from '../../doubles/test-env.ts';

export const hour = 3_600;
export const day = 24 * hour;

/** Creates an environment in which linkgate has accepted the connections. */
export async function createRevocationTestEnv({
  services = [aService()],
  entries = [anEntry()],
  connections = [aConnection()],
}: Parameters<typeof createTestEnv>[0] = {}): Promise<TestEnv> {
  const env = createTestEnv({ services, entries, connections });
  await sweep(env, 'full');
  env.advanceSeconds(hour);
  return env;
}

export function createConnections(count: number, connection: Partial<Connection> = {}): Connection[] {
  return Array.from({ length: count }, (_, index) =>
    aConnection({ endpointId: endpointId(index + 1), ...connection }),
  );
}

/** Runs a sweep and processes all queues. */
export async function sweep(env: TestEnv, kind: SweepScope): Promise<void> {
  await sweepConnections(hub, kind, env.deps);
  await processQueues(env);
}

/** Advances the time and runs a pending sweep. */
export async function advanceAndSweep(seconds: number, env: TestEnv): Promise<void> {
  env.advanceSeconds(seconds);
  await sweep(env, 'pending');
}

/** Removes the consumer's entry and handles its stream event. */
export async function removeConsumerEntry(env: TestEnv): Promise<void> {
  await removeEntry({ serviceId: serviceId(1), accountId: consumer }, env.deps);
  await reevaluateService(env);
}

async function reevaluateService(env: TestEnv): Promise<void> {
  await reevaluateConnections({ serviceId: serviceId(1) }, env.deps);
  await processQueues(env);
}

/** Processes apply requests and events until none are left. */
export async function processQueues(env: TestEnv): Promise<void> {
  const { deps, published, applyRequests, ec2 } = env;
  for (let turn = 0; turn < 20; turn++) {
    const events = published.splice(0);
    const requests = events.filter(({ type }) => type === 'Connection Request');
    await decideConnections(
      requests.map(({ connection }) => connection),
      deps,
    );
    await recordStates(
      events.filter(({ type }) => type === 'Connection Changed'),
      deps,
    );
    if (applyRequests.splice(0).length > 0) {
      env.remainingMs = 75_000;
      await applyVerdicts(hub, deps);
      // EC2 sends notifications of accepts and rejects.
      await detectChanges(await listAllConnections(ec2, {}), deps);
    }
    if (published.length === 0 && applyRequests.length === 0) return;
  }
  throw new Error('it does not come to rest');
}

/** A part of a scenario. */
export type Step = (env: TestEnv) => unknown;

/** Advances the time and runs a pending sweep. */
export const wait =
  (seconds: number): Step =>
  (env) =>
    advanceAndSweep(seconds, env);

export const runFullSweep: Step = (env) => sweep(env, 'full');

/** Puts the consumer's entry, and handles its stream event. */
export const putEntry =
  (entry: Parameters<typeof anEntry>[0]): Step =>
  async (env) => {
    env.put(entryItem(anEntry({ version: 2, changedAt: env.time.toISOString(), ...entry })));
    await reevaluateService(env);
  };

/** Puts the service, and handles its stream event. */
export const putService =
  (policyRevision: number, service: (env: TestEnv) => Parameters<typeof aService>[0] = () => ({})): Step =>
  async (env) => {
    env.put(serviceItem(aService({ policyRevision, ...service(env) })));
    await reevaluateService(env);
  };

export const removeService: Step = ({ table }) => table.write([{ remove: serviceKey(aService().serviceId) }]);

/** Shows the connection in EC2, as somebody else changed it. */
export const showConnection =
  (connection: Partial<Connection>): Step =>
  ({ ec2 }) =>
    ec2.show(aConnection(connection));

/** Switches the mode in SSM and in the table. */
export const switchMode =
  (mode: Mode, policyRevision: number): Step =>
  (env) => {
    env.mode = mode;
    const since = env.time.toISOString();
    env.put(modeChangeItem(aModeChange({ mode, since, policyRevision, version: policyRevision + 1 })));
  };

/** Revokes, extends or adopts the connection as a person. */
export const decideConnected =
  (input: Parameters<typeof decideConnectedByPerson>[1]): Step =>
  async (env) => {
    const result = await decideConnectedByPerson(endpointId(1), input, env.deps);
    await processQueues(env);
    return result;
  };

/** Approves or denies the connection as a person. */
export const decide =
  (decision: 'approve' | 'deny'): Step =>
  async (env) => {
    await submitStoredDecision(endpointId(1), { by: alice, decision, reason: 'so' }, env.deps);
    await processQueues(env);
  };
