import { removeEntry } from '../../../lib/allowlist/entries.ts';
import type { Connection } from '../../../lib/privatelink/connection.ts';
import { listAll } from '../../../lib/privatelink/connections.ts';
import { applyVerdicts } from '../../../lib/reconcile/apply-verdicts.ts';
import { decideConnections } from '../../../lib/reconcile/decide-connections.ts';
import { detectChanges } from '../../../lib/reconcile/detect-changes.ts';
import { recordStates } from '../../../lib/reconcile/record-states.ts';
import { reevaluateConnections } from '../../../lib/reconcile/reevaluate.ts';
import type { SweepScope } from '../../../lib/sweep/lease.ts';
import { sweepConnections } from '../../../lib/sweep/sweep-connections.ts';
import { aConnection, anEntry, aService, consumer, endpointId, hub, serviceId } from '../../builders.ts';
import { createTestEnv, type TestEnv } from '../../doubles/test-env.ts';

export const hour = 3_600;
export const day = 24 * hour;

/** linkgate at work: allowed connections that it has let in, unless something else is said. */
export async function createRevocationTestEnv({
  services = [aService()],
  entries = [anEntry()],
  connections = [aConnection()],
}: Parameters<typeof createTestEnv>[0] = {}): Promise<TestEnv> {
  const world = createTestEnv({ services, entries, connections });
  await pass(world, 'full');
  world.wait(hour);
  return world;
}

export function endpoints(count: number, connection: Partial<Connection> = {}): Connection[] {
  return Array.from({ length: count }, (_, index) =>
    aConnection({ endpointId: endpointId(index + 1), ...connection }),
  );
}

/** What a schedule brings about, and all that follows of it. */
export async function pass(world: TestEnv, kind: SweepScope): Promise<void> {
  await sweepConnections(hub, kind, world.deps);
  await settle(world);
}

/** Time passes, and the pass of that minute comes. */
export async function later(seconds: number, world: TestEnv): Promise<void> {
  world.wait(seconds);
  await pass(world, 'pending');
}

/** The entry of the consumer is taken away, as its stream event tells. */
export async function forget(world: TestEnv): Promise<void> {
  await removeEntry({ serviceId: serviceId(1), accountId: consumer }, world.deps);
  await policyChanged(world);
}

export async function policyChanged(world: TestEnv): Promise<void> {
  await reevaluateConnections({ serviceId: serviceId(1) }, world.deps);
  await settle(world);
}

/** Everything that was rung for and published is done, and what that brings about. */
export async function settle(world: TestEnv): Promise<void> {
  const { deps, published, rings, ec2 } = world;
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
    if (rings.splice(0).length > 0) {
      world.left = 75_000;
      await applyVerdicts(hub, deps);
      // EC2 rings for what was accepted and rejected.
      await detectChanges(await listAll(ec2, {}), deps);
    }
    if (published.length === 0 && rings.length === 0) return;
  }
  throw new Error('it does not come to rest');
}
