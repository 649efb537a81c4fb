import { type ConnectionRecord, readRecord, recordPartitions } from '../../connections/connection-record.ts';
import { markMissing } from '../../connections/transition.ts';
import { formatAccountRegion } from '../../locations/account-region.ts';
import { enqueueDueNotifications } from '../../notifications/notification.ts';
import { stateWrites } from '../../reconcile/record-states.ts';
import { orReported } from '../../runtime/runtime.ts';
import { parseEach } from '../../storage/entity.ts';
import type { Sweep, SweepDeps, SweepStep } from '../sweep.ts';

/**
 * Marks the records that EC2 does not list. A connection ends when two consecutive full sweeps did not list it. Also enqueues
 * approver notifications for these records, and for records of deregistered services, because no page contains their records.
 */
export function createEndedConnectionsStep({ location, startedAt }: Sweep, deps: SweepDeps): SweepStep {
  const listedIds = new Set<string>();

  async function markUnlisted(records: readonly ConnectionRecord[]): Promise<number> {
    const unlisted = records.filter(({ endpointId }) => !listedIds.has(endpointId));
    const deregistered = records.filter(({ serviceDeregisteredAt }) => serviceDeregisteredAt !== undefined);
    await orReported(deps.reportError, 'enqueue notifications', () =>
      enqueueDueNotifications([...unlisted, ...deregistered], deps),
    );
    let ended = 0;
    for (const record of unlisted) {
      const hasEnded = await orReported(deps.reportError, 'mark missing connection', () =>
        markMissingConnection(record, startedAt, deps),
      );
      if (hasEnded) ended++;
    }
    return ended;
  }

  return {
    async onPage({ connections, unreadableIds }) {
      for (const { endpointId } of connections) listedIds.add(endpointId);
      for (const endpointId of unreadableIds) listedIds.add(endpointId);
      return undefined;
    },
    async finish() {
      let ended = 0;
      for (const partition of recordPartitions)
        for await (const page of deps.table.query(partition))
          ended += await markUnlisted(
            parseEach(page, readRecord, deps.reportError).filter(
              (record) => formatAccountRegion(record.location) === formatAccountRegion(location),
            ),
          );
      return { ended };
    },
  };
}

/** @returns whether the connection has ended. */
async function markMissingConnection(
  record: ConnectionRecord,
  startedAt: string,
  deps: SweepDeps,
): Promise<boolean> {
  const { endedAt, requestedAt, observedAt = '' } = record;
  if (endedAt !== undefined || requestedAt >= startedAt || observedAt >= startedAt) return false;
  const transition = markMissing(record, startedAt, deps.now());
  const isWritten = await deps.table.write(await stateWrites(record, transition, deps));
  return isWritten && transition.record.endedAt !== undefined;
}
