import { removeEntry } from '../../lib/allowlist/entries.ts';
import { applyVerdicts } from '../../lib/connection/apply-verdicts.ts';
import type { Connection } from '../../lib/connection/connection.ts';
import { everyOne } from '../../lib/connection/connections.ts';
import { decideConnections } from '../../lib/connection/decide-connections.ts';
import { observe } from '../../lib/connection/observe.ts';
import { tendConnections } from '../../lib/connection/tend-connections.ts';
import { reviewRequests } from '../../lib/policy/review-requests.ts';
import type { Pass } from '../../lib/sweep/lease.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import { aConnection, anEntry, aService, consumer, endpointId, hub, serviceId } from '../builders.ts';
import { aWorld, type World } from '../doubles/world.ts';

export const hour = 3_600;
export const day = 24 * hour;

/** linkgate at work: allowed connections that it has let in, unless something else is said. */
export async function aHouse({
  services = [aService()],
  entries = [anEntry()],
  connections = [aConnection()],
}: Parameters<typeof aWorld>[0] = {}): Promise<World> {
  const world = aWorld({ services, entries, connections });
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
export async function pass(world: World, kind: Pass): Promise<void> {
  await sweepConnections(hub, kind, world.deps);
  await settle(world);
}

/** Time passes, and the pass of that minute comes. */
export async function later(seconds: number, world: World): Promise<void> {
  world.wait(seconds);
  await pass(world, 'pending');
}

/** The entry of the consumer is taken away, as its stream event tells. */
export async function forget(world: World): Promise<void> {
  await removeEntry({ serviceId: serviceId(1), accountId: consumer }, world.deps);
  await policyChanged(world);
}

export async function policyChanged(world: World): Promise<void> {
  await reviewRequests({ serviceId: serviceId(1) }, world.deps);
  await settle(world);
}

/** Everything that was rung for and published is done, and what that brings about. */
export async function settle(world: World): Promise<void> {
  const { deps, published, rings, ec2 } = world;
  for (let turn = 0; turn < 20; turn++) {
    const events = published.splice(0);
    const requests = events.filter(({ type }) => type === 'Connection Request');
    await decideConnections(
      requests.map(({ connection }) => connection),
      deps,
    );
    await tendConnections(
      events.filter(({ type }) => type === 'Connection Changed'),
      deps,
    );
    if (rings.splice(0).length > 0) {
      world.left = 75_000;
      await applyVerdicts(hub, deps);
      // EC2 rings for what was accepted and rejected.
      await observe(await everyOne(ec2, {}), deps);
    }
    if (published.length === 0 && rings.length === 0) return;
  }
  throw new Error('it does not come to rest');
}
