import type { ConnectionRecord } from '../../connections/connection-record.ts';
import type { Rule } from '../../policy/rule.ts';
import { type DetectDeps, detectChanges } from '../../reconcile/detect-changes.ts';
import type { Sweep, SweepStep } from '../sweep.ts';

export interface ChangesStepDeps extends DetectDeps {
  readonly rules: readonly Rule[];
}

/** Publishes an event for each difference between EC2 and the records, and reads the records of the page. */
export function createChangesStep({ scope }: Sweep, deps: ChangesStepDeps): SweepStep {
  return {
    async onPage(page) {
      const records: ConnectionRecord[] = [];
      const counts = await detectChanges(page.connections, deps, {
        ...(scope === 'full' && { recheckPolicy: deps }),
        onRecord: (record) => records.push(record),
      });
      page.records = records;
      return counts;
    },
  };
}
