import type { ConnectionRecord } from '../../connections/connection-record.ts';
import { detectChanges } from '../../reconcile/detect-changes.ts';
import type { Sweep, SweepDeps, SweepStep } from '../sweep.ts';

/** Publishes an event for each difference between EC2 and the records, and reads the records of the page. */
export function createChangesStep({ scope }: Sweep, deps: SweepDeps): SweepStep {
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
