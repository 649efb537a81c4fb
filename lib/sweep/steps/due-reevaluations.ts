import { listDueReevaluations } from '../../connections/reevaluations.ts';
import { type Connections, listAllConnections } from '../../privatelink/connections.ts';
import { addCounts, type DetectDeps, detectChanges, noChanges } from '../../reconcile/detect-changes.ts';
import { chunks } from '../../values/chunks.ts';
import type { Sweep, SweepStep } from '../sweep.ts';

/** The maximum number of values in one EC2 filter. */
const maxEndpointsPerDescribe = 200;

/** Re-evaluates the connections whose scheduled time has come, for a disconnect or an expiry warning. */
export function createDueReevaluationsStep(
  { location }: Sweep,
  deps: DetectDeps & { readonly connectionsClient: (location: Sweep['location']) => Connections },
): SweepStep {
  return {
    async start() {
      const connections = deps.connectionsClient(location);
      let counts = noChanges();
      for await (const due of listDueReevaluations(location, deps.now(), deps))
        for (const endpointIds of chunks(due, maxEndpointsPerDescribe)) {
          const dueConnections = await listAllConnections(connections, { endpointIds });
          counts = addCounts(counts, await detectChanges(dueConnections, deps, { force: true }));
        }
      return { decided: counts.decided };
    },
  };
}
