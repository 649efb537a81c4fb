import { expect, test } from '@jest/globals';
import { auditWrites } from '../../lib/audit/audit.ts';
import { withAuditLog } from '../../lib/audit/audit-log.ts';
import { endpointId, noon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

const decided = { time: noon.toISOString(), actor: 'linkgate', action: 'decided' } as const;
const { writes, trail } = auditWrites({ endpointId: endpointId(1), auditCount: 0 }, [decided], 'request-1');

test('the hash of each audit entry is told to the witness once it is written', async () => {
  const told: unknown[] = [];
  const table = withAuditLog(memoryTable(), (entries) => told.push(...entries));
  await table.write([...writes, { put: { pk: 'SERVICE', sk: 'other', version: 1 } }]);
  expect(told).toEqual([{ endpointId: endpointId(1), ...trail.auditHead }]);
});

test('what was not written is not told', async () => {
  const told: unknown[] = [];
  const table = withAuditLog(memoryTable(), (entries) => told.push(...entries));
  await table.write([...writes]);
  await table.write([...writes]);
  await table.write([{ put: { pk: 'SERVICE', sk: 'other', version: 1 } }]);
  expect(told).toHaveLength(1);
});
