import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { type Transition, transitionWrites } from '../connections/transition.ts';
import { settleEach } from '../runtime/runtime.ts';
import { parseEach } from '../storage/entity.ts';
import type { TableDeps } from '../storage/table.ts';
import { writeBatch } from '../storage/write-batch.ts';

/** Writes a transition of each record, many in one transaction; after a conflict a transition of the newer record. */
export async function writeTransitions(
  records: readonly ConnectionRecord[],
  { table, requestId, reportError }: TableDeps,
  transition: (record: ConnectionRecord) => Transition,
): Promise<void> {
  const results = await writeBatch(
    records,
    table,
    async (open, isFirst) => {
      const items = isFirst ? [] : await table.get(open.map(({ endpointId }) => recordKey(endpointId)));
      const newer = parseEach(items, readRecord, reportError);
      return settleEach(open, async (known) => {
        const record = isFirst ? known : newer.find(({ endpointId }) => endpointId === known.endpointId);
        return {
          output: undefined,
          writes: record ? transitionWrites(record, transition(record), requestId) : [],
        };
      });
    },
    ({ endpointId }) => endpointId,
  );
  for (const result of results) if ('error' in result) throw result.error;
}
