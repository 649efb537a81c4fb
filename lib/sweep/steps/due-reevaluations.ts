import { reevaluations } from '../../connections/indexes.ts';
import { type Connections, listAllConnections } from '../../privatelink/connections.ts';
import { addCounts, type DetectDeps, detectChanges, noChanges } from '../../reconcile/detect-changes.ts';
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
      const options = { limit: maxEndpointsPerDescribe, until: deps.now().toISOString() };
      for await (const due of reevaluations.list(location, deps, options)) {
        const endpointIds = due.map(({ endpointId }) => endpointId);
        const dueConnections = await listAllConnections(connections, { endpointIds });
        counts = addCounts(counts, await detectChanges(dueConnections, deps, { force: true }));
      }
      return { decided: counts.decided };
    },
  };
}
