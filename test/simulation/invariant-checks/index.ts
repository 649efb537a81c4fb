import { UnsupportedSchemaVersionError } from '../../../lib/storage/entity.ts';
import { identityKey } from '../../../lib/storage/table-identity.ts';
import type { ItemChange, Items } from '../../doubles/memory-table.ts';
import { type AssertInvariant, BrokenInvariantError } from '../invariants.ts';
import type { Run } from '../invocations.ts';
import { watchCalls } from './calls.ts';
import { type AttemptedDecision, type PersonResponse, watchDecisions } from './decisions.ts';
import { watchDisconnects } from './disconnects.ts';
import { watchSlack } from './slack.ts';
import { watchWrites } from './writes.ts';

export type Watch = ReturnType<typeof createWatch>;

/** Checks the invariants at each step; the first broken one ends the history. */
export function createWatch(items: Items, note: (subject: string, event: string) => void, now: () => number) {
  let broken: BrokenInvariantError | undefined;
  /** The sort keys of items that linkgate reported as unreadable. */
  const reportedUnreadable = new Set<string>();

  let replacedAt = 0;

  const assertInvariant: AssertInvariant = (invariant, holds, detail) => {
    if (!holds) broken ??= new BrokenInvariantError(invariant, detail);
  };
  const people = watchDecisions(assertInvariant);
  const disconnects = watchDisconnects(assertInvariant, now);
  const calls = watchCalls(assertInvariant, note, disconnects, now);
  const writes = watchWrites(items, assertInvariant, note, people, calls, now);
  const slack = watchSlack(assertInvariant, note, writes);

  return {
    ...people,
    ...calls,
    ...writes,
    ...slack,
    /** Checks the response to a person's click, form or link. */
    checkPersonResponse(run: Run, attempt: AttemptedDecision, since: number, response: PersonResponse): void {
      const { by, endpointId = '' } = attempt;
      const wasOpen = !writes.isUnreadable(endpointId) && writes.wasOpenSince(endpointId, since);
      const hasDecided = writes.hasDecided(by, attempt.endpointId);
      people.checkTextResponse(run, attempt, response, { wasOpen, hasDecided });
    },
    assertInvariant,
    recordConnectedDecision: disconnects.recordConnectedDecision,
    recordExternalAccept: disconnects.recordExternalAccept,
    recordState(endpointId: string, state: string): void {
      slack.recordState(endpointId, state);
      disconnects.recordState(endpointId, state);
    },
    observeWrites(run: Run, changes: readonly ItemChange[]): void {
      writes.observeWrites(run, changes);
      disconnects.recordWrites(changes);
    },
    recordTableReplaced(): void {
      replacedAt = now();
      disconnects.recordTableReplaced(items.read([identityKey]).length === 0);
      calls.recordTableReplaced();
      writes.recordTableReplaced();
    },
    /** The time of the last replacement of the table, in milliseconds. */
    replacedAt: () => replacedAt,
    broken: () => broken,
    /** Records an error that ends a run, or that a run reports. */
    recordError(error: unknown): void {
      if (error instanceof UnsupportedSchemaVersionError) reportedUnreadable.add(error.key.sk);
    },
    wasReportedUnreadable: (sk: string): boolean => reportedUnreadable.has(sk),
  };
}
