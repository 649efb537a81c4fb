import { expect, test } from '@jest/globals';
import { auditWrites } from '../../lib/audit/audit.ts';
import { withAuditLog } from '../../lib/audit/audit-log.ts';
import { endpointId, noon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

const auditEvent = { time: noon.toISOString(), actor: 'linkgate', action: 'decided' } as const;
const { writes, trail } = auditWrites(
  { endpointId: endpointId(1), auditCount: 0 },
  [auditEvent],
  'request-1',
);

test('the audit log receives the hash of each entry after the write', async () => {
  const loggedEntries: unknown[] = [];
  const table = withAuditLog(memoryTable(), (entries) => loggedEntries.push(...entries));
  await table.write([...writes, { put: { pk: 'SERVICE', sk: 'other', version: 1 } }]);
  expect(loggedEntries).toEqual([{ endpointId: endpointId(1), ...trail.auditHead }]);
});

test('the audit log receives nothing for a failed write', async () => {
  const loggedEntries: unknown[] = [];
  const table = withAuditLog(memoryTable(), (entries) => loggedEntries.push(...entries));
  await table.write([...writes]);
  await table.write([...writes]);
  await table.write([{ put: { pk: 'SERVICE', sk: 'other', version: 1 } }]);
  expect(loggedEntries).toHaveLength(1);
});
