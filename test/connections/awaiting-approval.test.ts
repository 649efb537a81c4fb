import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  awaitedGroup,
  awaitingApprovalPartition,
  awaitingApprovalWrites,
  listAwaiting,
} from '../../lib/connections/awaiting-approval.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../lib/connections/connection-record.ts';
import { connectionStates } from '../../lib/privatelink/connection.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import { anApproval, anApprovalRequest, aRecord, aVerdict, endpointId } from '../builders.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

const awaitingApproval = aRecord({
  verdict: aVerdict('ask'),
  approvalRequest: anApprovalRequest({ group: 'ops' }),
});
const key = { pk: 'AWAITING_APPROVAL#ops', sk: endpointId(1) };

const records = fc
  .record(
    {
      state: fc.constantFrom(...connectionStates),
      verdict: fc
        .constantFrom('ask', 'accept', 'reject', 'hold')
        .map((outcome) => aVerdict(outcome as 'ask')),
      personDecision: fc.constant(anApproval()),
      approvalRequest: fc.constantFrom('ops', 'default').map((group) => anApprovalRequest({ group })),
    },
    { requiredKeys: ['state'] },
  )
  .map((record) => aRecord(record as Partial<ConnectionRecord>));

describe('the group that a request awaits', () => {
  test('is the group of its approval request while the request is open', () => {
    expect(awaitedGroup(awaitingApproval)).toBe('ops');
    expect(awaitedGroup({ ...awaitingApproval, personDecision: anApproval() })).toBeUndefined();
    expect(awaitedGroup({ ...awaitingApproval, state: 'deleted' })).toBeUndefined();
    expect(awaitedGroup(aRecord({ verdict: aVerdict('hold') }))).toBeUndefined();
    expect(awaitedGroup(undefined)).toBeUndefined();
  });

  test('lists the request in its partition from the verdict ask until the request is closed', () => {
    expect(awaitingApprovalWrites(undefined, awaitingApproval)).toMatchObject([
      { put: { ...key, endpointId: endpointId(1) } },
    ]);
    expect(awaitingApprovalWrites(awaitingApproval, { ...awaitingApproval, state: 'rejected' })).toEqual([
      { remove: key },
    ]);
    expect(awaitingApprovalWrites(awaitingApproval, { ...awaitingApproval, auditCount: 7 })).toEqual([]);
  });

  test('changes with the approval request, and the request moves to the partition of the new group', () => {
    const moved = { ...awaitingApproval, approvalRequest: anApprovalRequest({ group: 'default' }) };
    expect(awaitingApprovalWrites(awaitingApproval, moved)).toMatchObject([
      { remove: key },
      { put: { pk: 'AWAITING_APPROVAL#default' } },
    ]);
  });

  test('lists exactly its open requests after any sequence of changes', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 12 }), (history) => {
        const items = createMemoryItems();
        let before: ConnectionRecord | undefined;
        for (const after of history) {
          const writes = awaitingApprovalWrites(before, after);
          if (writes.length > 0) items.commit(writes);
          before = after;
          for (const group of ['ops', 'default']) {
            const isPointedAt = items.page(awaitingApprovalPartition(group), {}).items.length > 0;
            expect(isPointedAt).toBe(isAwaitingApproval(after) && after.approvalRequest?.group === group);
          }
        }
      }),
    );
  });
});

test('the requests that await a group are read page by page', async () => {
  const items = createMemoryItems();
  for (const number of [1, 2])
    items.commit(awaitingApprovalWrites(undefined, { ...awaitingApproval, endpointId: endpointId(number) }));
  const pages: string[][] = [];
  for await (const page of listAwaiting('ops', { table: memoryTable(items), reportError: rethrow }))
    pages.push(page);
  expect(pages.flat()).toEqual([endpointId(1), endpointId(2)]);
});
