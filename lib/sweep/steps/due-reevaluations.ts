import { reevaluations } from '../../connections/indexes.ts';
import { listAllConnections } from '../../privatelink/connections.ts';
import { addCounts, detectChanges, noChanges } from '../../reconcile/detect-changes.ts';
import type { Sweep, SweepDeps, SweepStep } from '../sweep.ts';

/** The maximum number of values in one EC2 filter. */
const maxEndpointsPerDescribe = 200;

/** Re-evaluates the connections whose scheduled time has come, for a disconnect or an expiry warning. */
export function createDueReevaluationsStep({ location }: Sweep, deps: SweepDeps): SweepStep {
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
