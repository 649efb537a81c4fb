import { expect, test } from '@jest/globals';
import { type AuditEvent, auditWrites, readAuditTrail } from '../../lib/audit/audit.ts';
import { endpointId, noon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

const nothingYet = { endpointId: endpointId(1), auditCount: 0 };

function anAuditEvent(auditEvent: Partial<AuditEvent> = {}): AuditEvent {
  return { time: noon.toISOString(), actor: 'linkgate', action: 'decided', ...auditEvent };
}

function auditEvents(count: number): AuditEvent[] {
  return Array.from({ length: count }, () => anAuditEvent());
}

test('an audit entry is never overwritten', async () => {
  const table = memoryTable();
  const writeEntry = (actor: string) =>
    table.write(auditWrites(nothingYet, [anAuditEvent({ actor })], 'request-1').writes);
  expect(await writeEntry('linkgate')).toBe(true);
  expect(await writeEntry('mallory')).toBe(false);
  expect(await readAuditTrail(endpointId(1), table)).toMatchObject([{ actor: 'linkgate' }]);
});

test('an audit trail is in order, also beyond nine entries', async () => {
  const table = memoryTable();
  const { writes } = auditWrites(nothingYet, auditEvents(12), 'request-1');
  await table.write([...writes].reverse());
  const history = await readAuditTrail(endpointId(1), table);
  expect(history.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 12 }, (_, index) => index + 1),
  );
});

test('an audit trail contains the entries of one endpoint', async () => {
  const table = memoryTable();
  await table.write(
    auditWrites({ ...nothingYet, endpointId: endpointId(2) }, auditEvents(1), 'request-1').writes,
  );
  expect(await readAuditTrail(endpointId(1), table)).toEqual([]);
});

test('an audit entry records actor, reason and request id', async () => {
  const table = memoryTable();
  const denied = anAuditEvent({ action: 'denied', outcome: 'reject', reason: 'unknown to us' });
  await table.write(auditWrites(nothingYet, [denied], 'request-1').writes);
  expect(await readAuditTrail(endpointId(1), table)).toMatchObject([{ ...denied, requestId: 'request-1' }]);
});

test('an audit entry contains the hash of the entry before it', async () => {
  const table = memoryTable();
  const first = auditWrites(nothingYet, auditEvents(2), 'request-1');
  const second = auditWrites({ ...nothingYet, ...first.trail }, auditEvents(1), 'request-2');
  await table.write([...first.writes, ...second.writes]);
  const [, before, after] = await readAuditTrail(endpointId(1), table);
  expect(after?.previousHash).toBe(before?.hash);
  expect(second.trail).toEqual({ auditCount: 3, auditHead: { sequence: 3, hash: after?.hash } });
});

test('without audit events nothing is written', () => {
  const { writes, trail } = auditWrites(nothingYet, auditEvents(1), 'request-1');
  expect(writes).toHaveLength(1);
  expect(auditWrites({ ...nothingYet, ...trail }, [], 'request-2')).toEqual({ writes: [], trail });
});
