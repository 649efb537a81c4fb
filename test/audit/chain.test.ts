import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AuditEvent, auditWrites } from '../../lib/audit/audit.ts';
import { findBreak, hashAuditEntry } from '../../lib/audit/chain.ts';
import type { Item } from '../../lib/storage/table.ts';
import { endpointId } from '../builders.ts';

const auditEvent: fc.Arbitrary<AuditEvent> = fc.record(
  {
    time: fc
      .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    actor: fc.string(),
    action: fc.constantFrom('decided', 'applying', 'applied', 'refused', 'denied'),
    outcome: fc.constantFrom('accept', 'reject', 'ask', 'hold'),
    reason: fc.string(),
    policyVersions: fc.record({
      service: fc.nat(),
      entry: fc.nat(),
      wildcardEntry: fc.nat(),
      mode: fc.nat(),
    }),
  },
  { requiredKeys: ['time', 'actor', 'action'] },
);

/** The audit events of several transitions. */
const eventsByTransition = fc.array(fc.array(auditEvent, { minLength: 1, maxLength: 3 }), {
  minLength: 2,
  maxLength: 6,
});

/** Builds the stored entries of a trail, and the state in the connection record. */
function buildTrail(transitions: readonly (readonly AuditEvent[])[], endpoint = endpointId(1)) {
  let record: Parameters<typeof auditWrites>[0] = { endpointId: endpoint, auditCount: 0 };
  const items: Item[] = [];
  for (const auditEvents of transitions) {
    const { writes, trail } = auditWrites(record, auditEvents, 'request-1');
    items.push(...writes.flatMap((write) => ('put' in write ? [write.put] : [])));
    record = { endpointId: endpoint, ...trail };
  }
  return { items, record };
}

function withoutHash({ hash: _hash, previousHash: _previousHash, ...item }: Item): Item {
  return item as Item;
}

/** Recomputes the hash like a forger who has the algorithm. */
function recomputeHash(item: Item): Item {
  return { ...item, hash: hashAuditEntry(item) };
}

/** Sets sort keys in the order of the entries. */
function renumberItems(items: readonly Item[]): Item[] {
  return items.map((item, index) => ({ ...item, sk: String(index + 1).padStart(9, '0') }));
}

function chooseIndex(items: readonly Item[], at: number): number {
  return at % items.length;
}

test('a trail is valid whatever the order of attributes in the table', () => {
  fc.assert(
    fc.property(eventsByTransition, (transitions) => {
      const { items, record } = buildTrail(transitions);
      const reversed = items.map((item) => Object.fromEntries(Object.entries(item).reverse()) as Item);
      expect(findBreak(reversed, record)).toBeUndefined();
    }),
  );
});

test('the hash covers attributes that a newer version wrote', () => {
  const { items, record } = buildTrail([
    [{ time: '2026-11-21T12:00:00.000Z', actor: 'ec2', action: 'applied' }],
  ]);
  const newer = items.map((item) =>
    recomputeHash({ ...item, schemaVersion: '1.2', added: { later: ['b', 'a'] } }),
  );
  const auditHead = { sequence: 1, hash: String(newer[0]?.hash) };
  expect(findBreak(newer, { ...record, auditHead })).toBeUndefined();
  expect(findBreak(items, { ...record, auditHead })).toMatchObject({ sequence: 1 });
});

describe('the verification finds', () => {
  test('an entry whose hash was removed', () => {
    fc.assert(
      fc.property(eventsByTransition, fc.nat(), (transitions, at) => {
        const { items, record } = buildTrail(transitions);
        const forged = items.map((item, index) => (index === at % items.length ? withoutHash(item) : item));
        expect(findBreak(forged, record)).toBeDefined();
      }),
    );
  });

  test('an entry that was changed', () => {
    fc.assert(
      fc.property(eventsByTransition, fc.nat(), fc.string(), (transitions, at, actor) => {
        const { items, record } = buildTrail(transitions);
        const index = chooseIndex(items, at);
        fc.pre(items[index]?.actor !== actor);
        const changed = items.map((item, each) => (each === index ? { ...item, actor } : item));
        expect(findBreak(changed, record)).toEqual({
          sequence: index + 1,
          problem: 'it was changed after it was written',
        });
      }),
    );
  });

  test('an entry that was changed together with its hash', () => {
    fc.assert(
      fc.property(eventsByTransition, fc.nat(), (transitions, at) => {
        const { items, record } = buildTrail(transitions);
        const index = chooseIndex(items, at);
        const forged = items.map((item, each) =>
          each === index ? recomputeHash({ ...item, actor: 'mallory, not before' }) : item,
        );
        expect(findBreak(forged, record)).toBeDefined();
      }),
    );
  });

  test('an entry that was removed, even if the others are renumbered', () => {
    fc.assert(
      fc.property(eventsByTransition, fc.nat(), fc.boolean(), (transitions, at, movesUp) => {
        const { items, record } = buildTrail(transitions);
        const rest = items.toSpliced(chooseIndex(items, at), 1);
        const remaining = movesUp
          ? renumberItems(rest).map((item, index) => recomputeHash({ ...item, sequence: index + 1 }))
          : rest;
        expect(findBreak(remaining, record)).toBeDefined();
      }),
    );
  });

  test('two entries in reversed order', () => {
    fc.assert(
      fc.property(eventsByTransition, fc.nat(), fc.nat(), (transitions, one, other) => {
        const { items, record } = buildTrail(transitions);
        const [a, b] = [chooseIndex(items, one), chooseIndex(items, other)];
        fc.pre(a !== b);
        const swapped = items.with(a, items[b] as Item).with(b, items[a] as Item);
        expect(findBreak(renumberItems(swapped), record)).toBeDefined();
      }),
    );
  });

  test('an inserted entry', () => {
    fc.assert(
      fc.property(eventsByTransition, auditEvent, fc.nat(), (transitions, forged, at) => {
        const { items, record } = buildTrail(transitions);
        const [forgedItem] = buildTrail([[forged]]).items;
        const longer = items.toSpliced(at % (items.length + 1), 0, forgedItem as Item);
        expect(findBreak(renumberItems(longer), record)).toBeDefined();
      }),
    );
  });

  test('the trail of another connection in the place of this one', () => {
    fc.assert(
      fc.property(eventsByTransition, (transitions) => {
        const { items, record } = buildTrail(transitions);
        expect(findBreak(items, { ...record, endpointId: endpointId(2) })).toMatchObject({ sequence: 1 });
      }),
    );
  });

  test('a trail whose hashes were all removed', () => {
    fc.assert(
      fc.property(eventsByTransition, (transitions) => {
        const { items, record } = buildTrail(transitions);
        const bare = items.map(({ hash: _hash, previousHash: _previousHash, ...item }) => item as Item);
        expect(findBreak(bare, record)).toBeDefined();
      }),
    );
  });
});
