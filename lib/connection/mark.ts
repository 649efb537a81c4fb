import { chunks } from '../chunks.ts';
import type { Invocation } from '../invocation.ts';
import { lost, untilWon } from '../table/contention.ts';
import { readEach } from '../table/item.ts';
import { type Table, type Write, writesPerTransaction } from '../table/table.ts';
import { type ConnectionRecord, readRecord, recordKey } from './connection-record.ts';
import { type Transition, transitionWrites } from './transition.ts';

interface Marking extends Invocation {
  readonly table: Table;
}

/** Writes a transition of each record, many in a transaction; where others were faster, one by one on what they wrote. */
export async function mark(
  due: readonly ConnectionRecord[],
  deps: Marking,
  transition: (record: ConnectionRecord) => Transition,
): Promise<void> {
  const writesFor = (record: ConnectionRecord): Write[] =>
    transitionWrites(record, transition(record), deps.requestId);
  const marks = due.map((record) => ({ endpointId: record.endpointId, writes: writesFor(record) }));
  const perTransaction = Math.floor(
    writesPerTransaction / Math.max(1, ...marks.map(({ writes }) => writes.length)),
  );
  for (const chunk of chunks(marks, perTransaction)) {
    if (await deps.table.write(chunk.flatMap(({ writes }) => writes))) continue;
    for (const { endpointId } of chunk) await markOne(endpointId, deps, writesFor);
  }
}

async function markOne(
  endpointId: string,
  { table, report }: Marking,
  writesFor: (record: ConnectionRecord) => Write[],
) {
  await untilWon(endpointId, async () => {
    const [record] = readEach(await table.get([recordKey(endpointId)]), readRecord, report);
    return record === undefined || (await table.write(writesFor(record))) || lost;
  });
}
