import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { type Transition, transitionWrites } from '../connections/transition.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { parseEach } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { type Table, type Write, writesPerTransaction } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';

interface WriteTransitionsDeps extends Runtime {
  readonly table: Table;
}

/**
 * Writes a transition of each record, many in one transaction. After a conflict it writes them one by one, with the newer
 * records.
 */
export async function writeTransitions(
  due: readonly ConnectionRecord[],
  deps: WriteTransitionsDeps,
  transition: (record: ConnectionRecord) => Transition,
): Promise<void> {
  const buildWrites = (record: ConnectionRecord): Write[] =>
    transitionWrites(record, transition(record), deps.requestId);
  const marks = due.map((record) => ({ endpointId: record.endpointId, writes: buildWrites(record) }));
  const perTransaction = Math.floor(
    writesPerTransaction / Math.max(1, ...marks.map(({ writes }) => writes.length)),
  );
  for (const chunk of chunks(marks, perTransaction)) {
    if (await deps.table.write(chunk.flatMap(({ writes }) => writes))) continue;
    for (const { endpointId } of chunk) await writeOneTransition(endpointId, deps, buildWrites);
  }
}

async function writeOneTransition(
  endpointId: string,
  { table, reportError }: WriteTransitionsDeps,
  buildWrites: (record: ConnectionRecord) => Write[],
) {
  await retryOnConflict(endpointId, async () => {
    const [record] = parseEach(await table.get([recordKey(endpointId)]), readRecord, reportError);
    return record === undefined || (await table.write(buildWrites(record))) || conflict;
  });
}
