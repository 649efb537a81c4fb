import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { connectionStates } from '../../lib/connection/connection.ts';
import { type ConnectionRecord, isOpen } from '../../lib/connection/connection-record.ts';
import { awaitedBy, waitingFor, waitingRequests, waitingWrites } from '../../lib/connection/waiting.ts';
import { raise } from '../../lib/table/item.ts';
import { anApproval, anAsking, aRecord, aVerdict, endpointId } from '../builders.ts';
import { itemsInMemory, memoryTable } from '../doubles/memory-table.ts';

const asked = aRecord({ verdict: aVerdict('ask'), asking: anAsking({ group: 'ops' }) });
const key = { pk: 'WAITING#ops', sk: endpointId(1) };

const records = fc
  .record(
    {
      state: fc.constantFrom(...connectionStates),
      verdict: fc
        .constantFrom('ask', 'accept', 'reject', 'wait')
        .map((outcome) => aVerdict(outcome as 'ask')),
      approval: fc.constant(anApproval()),
      asking: fc.constantFrom('ops', 'default').map((group) => anAsking({ group })),
    },
    { requiredKeys: ['state'] },
  )
  .map((record) => aRecord(record as Partial<ConnectionRecord>));

describe('a request waits for the group that was asked', () => {
  test('as long as it is open', () => {
    expect(awaitedBy(asked)).toBe('ops');
    expect(awaitedBy({ ...asked, approval: anApproval() })).toBeUndefined();
    expect(awaitedBy({ ...asked, state: 'deleted' })).toBeUndefined();
    expect(awaitedBy(aRecord({ verdict: aVerdict('wait') }))).toBeUndefined();
    expect(awaitedBy(undefined)).toBeUndefined();
  });

  test('and is pointed at from the moment in which it begins to wait to the one in which it ends', () => {
    expect(waitingWrites(undefined, asked)).toMatchObject([{ put: { ...key, endpointId: endpointId(1) } }]);
    expect(waitingWrites(asked, { ...asked, state: 'rejected' })).toEqual([{ remove: key }]);
    expect(waitingWrites(asked, { ...asked, audited: 7 })).toEqual([]);
  });

  test('or another one that is asked in its place', () => {
    const moved = { ...asked, asking: anAsking({ group: 'default' }) };
    expect(waitingWrites(asked, moved)).toMatchObject([{ remove: key }, { put: { pk: 'WAITING#default' } }]);
  });

  test('and exactly what is open and was asked about is pointed at, whatever happens to it', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 12 }), (history) => {
        const items = itemsInMemory();
        let before: ConnectionRecord | undefined;
        for (const after of history) {
          const writes = waitingWrites(before, after);
          if (writes.length > 0) items.commit(writes);
          before = after;
          for (const group of ['ops', 'default']) {
            const isPointedAt = items.page(waitingFor(group), {}).items.length > 0;
            expect(isPointedAt).toBe(isOpen(after) && after.asking?.group === group);
          }
        }
      }),
    );
  });
});

test('what waits for a group is read page after page', async () => {
  const items = itemsInMemory();
  for (const number of [1, 2])
    items.commit(waitingWrites(undefined, { ...asked, endpointId: endpointId(number) }));
  const pages: string[][] = [];
  for await (const page of waitingRequests('ops', { table: memoryTable(items), report: raise }))
    pages.push(page);
  expect(pages.flat()).toEqual([endpointId(1), endpointId(2)]);
});
