import { pendingEffects } from '../../connections/indexes.ts';
import type { Sweep, SweepDeps, SweepStep } from '../sweep.ts';

/** Enqueues apply-verdicts if the location has pending effects. */
export function createPendingEffectsStep({ location }: Sweep, { table, applyQueue }: SweepDeps): SweepStep {
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
