import { expect, test } from '@jest/globals';
import { type AuditEntry, auditWrite, historyOf } from '../../lib/audit/audit.ts';
import { endpointId, noon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

function anAuditEntry(sequence: number, entry: Partial<AuditEntry> = {}): AuditEntry {
  return {
    endpointId: endpointId(1),
    sequence,
    time: noon.toISOString(),
    actor: 'linkgate',
    action: 'decided',
    requestId: 'request-1',
    ...entry,
  };
}

test('an entry is only ever added', async () => {
  const table = memoryTable();
  expect(await table.write([auditWrite(anAuditEntry(1))])).toBe(true);
  expect(await table.write([auditWrite(anAuditEntry(1, { actor: 'mallory' }))])).toBe(false);
  expect(await historyOf(endpointId(1), table)).toMatchObject([{ actor: 'linkgate' }]);
});

test('a history tells what happened in order, also beyond nine', async () => {
  const table = memoryTable();
  const sequences = Array.from({ length: 12 }, (_, index) => index + 1);
  await table.write([...sequences].reverse().map((sequence) => auditWrite(anAuditEntry(sequence))));
  const history = await historyOf(endpointId(1), table);
  expect(history.map(({ sequence }) => sequence)).toEqual(sequences);
});

test('a history is that of one endpoint', async () => {
  const table = memoryTable();
  await table.write([auditWrite(anAuditEntry(1, { endpointId: endpointId(2) }))]);
  expect(await historyOf(endpointId(1), table)).toEqual([]);
});

test('what happened says who caused it, why, and by which invocation', async () => {
  const table = memoryTable();
  const entry = anAuditEntry(1, { action: 'denied', outcome: 'reject', reason: 'unknown to us' });
  await table.write([auditWrite(entry)]);
  expect(await historyOf(endpointId(1), table)).toMatchObject([entry]);
});
