import { pendingEffects } from '../../connections/indexes.ts';
import type { ApplyQueue } from '../../reconcile/apply-queue.ts';
import type { Table } from '../../storage/table.ts';
import type { Sweep, SweepStep } from '../sweep.ts';

export interface PendingEffectsStepDeps {
  readonly table: Table;
  readonly applyQueue: ApplyQueue;
}

/** Enqueues apply-verdicts if the location has pending effects. */
export function createPendingEffectsStep(
  { location }: Sweep,
  { table, applyQueue }: PendingEffectsStepDeps,
): SweepStep {
  return {
    async finish() {
      for await (const page of table.query(pendingEffects.partition(location), { limit: 1 })) {
        if (page.length > 0) await applyQueue.enqueue(location);
        break;
      }
      return undefined;
    },
  };
}
