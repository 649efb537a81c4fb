import type { AccountRegion } from '../locations/account-region.ts';
import { orReported } from '../runtime/runtime.ts';
import { trackIdentity } from '../storage/table-identity.ts';
import { acquireSweepLease } from './lease.ts';
import { runSweep } from './run-sweep.ts';
import { createChangesStep } from './steps/changes.ts';
import { createDueReevaluationsStep } from './steps/due-reevaluations.ts';
import { createEndedConnectionsStep } from './steps/ended-connections.ts';
import { createNotificationsStep } from './steps/notifications.ts';
import { createPendingEffectsStep } from './steps/pending-effects.ts';
import { createQuotasStep } from './steps/quotas.ts';
import type { Sweep, SweepDeps, SweepResult, SweepScope, SweepStep } from './sweep.ts';

/** `already-running`: another run holds the lease. `unfinished`: the time is up; the next run resumes from the checkpoint. */
export type SweepOutcome =
  | { readonly status: 'done'; readonly result: SweepResult }
  | { readonly status: 'already-running' }
  | { readonly status: 'unfinished' };

/**
 * Sweeps the connections of one location. `pending` reads the connections that wait for acceptance. `full` reads all
 * connections, compares the policy versions of their verdicts, marks ended records and repairs endpoint quotas. Both enqueue
 * apply-verdicts if there are pending effects.
 */
export async function sweepConnections(
  location: AccountRegion,
  scope: SweepScope,
  deps: SweepDeps,
): Promise<SweepOutcome> {
  const lease = await acquireSweepLease(location, scope, deps);
  if (!lease) return { status: 'already-running' };
  const { startedAt, checkpoint } = lease;
  const connections = deps.connectionsClient(location);
  const filter = scope === 'pending' ? { state: 'pendingAcceptance' as const } : {};
  const result = await runSweep(lease, {
    steps: createSweepSteps({ location, scope, startedAt, isResumed: checkpoint !== undefined }, deps),
    remainingMs: deps.remainingMs,
    async readPage(token) {
      const { unreadable = [], ...page } = await connections.page(filter, token);
      return { ...page, unreadableIds: unreadable, records: [] };
    },
  });
  return result ? { status: 'done', result } : { status: 'unfinished' };
}

/** Creates the steps of a sweep in their order. A resumed sweep has not listed all connections in this run. */
function createSweepSteps(sweep: Sweep, deps: SweepDeps): SweepStep[] {
  return [
    createTableIdentityStep(deps),
    createDueReevaluationsStep(sweep, deps),
    createChangesStep(sweep, deps),
    createNotificationsStep(sweep, deps),
    createPendingEffectsStep(sweep, deps),
    ...(sweep.scope === 'full' && !sweep.isResumed
      ? [createEndedConnectionsStep(sweep, deps), createQuotasStep(sweep, deps)]
      : []),
  ];
}

/** Records the identity of the table. Without it policy disconnects no endpoint; all other work continues. */
function createTableIdentityStep(deps: SweepDeps): SweepStep {
  return {
    async start() {
      await orReported(deps.reportError, 'record table identity', () => trackIdentity(deps));
      return undefined;
    },
  };
}
