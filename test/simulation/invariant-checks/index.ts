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
export function createWatch(items: Items, note: (who: string, what: string) => void, now: () => number) {
  let broken: BrokenInvariantError | undefined;
  /** The sort keys of items that linkgate reported as unreadable. */
  const reportedUnreadable = new Set<string>();

  let replacedAt = 0;

  const mustHold: AssertInvariant = (promise, holds, detail) => {
    if (!holds) broken ??= new BrokenInvariantError(promise, detail);
  };
  const people = watchDecisions(mustHold);
  const cuts = watchDisconnects(mustHold, now);
  const calls = watchCalls(mustHold, note, cuts, now);
  const writes = watchWrites(items, mustHold, note, people, calls, now);
  const slack = watchSlack(mustHold, note, writes);

  return {
    ...people,
    ...calls,
    ...writes,
    ...slack,
    /** A person got a response to a click, form or link. */
    checkPersonResponse(run: Run, spoken: AttemptedDecision, since: number, told: PersonResponse): void {
      const { by, endpointId = '' } = spoken;
      const wasOpen = !writes.isUnreadable(endpointId) && writes.wasOpenSince(endpointId, since);
      const hasSpoken = writes.hasSpoken(by, spoken.endpointId);
      people.checkTextResponse(run, spoken, told, { wasOpen, hasSpoken });
    },
    mustHold,
    recordConnectedDecision: cuts.recordConnectedDecision,
    recordExternalAccept: cuts.recordExternalAccept,
    recordState(endpointId: string, state: string): void {
      slack.recordState(endpointId, state);
      cuts.recordState(endpointId, state);
    },
    written(run: Run, changes: readonly ItemChange[]): void {
      writes.written(run, changes);
      cuts.recordWrites(changes);
    },
    /** The table was replaced. */
    recordTableReplaced(): void {
      replacedAt = now();
      cuts.recordTableReplaced(items.read([identityKey]).length === 0);
      calls.replaced();
      writes.replaced();
    },
    /** The time of the last replacement of the table, in milliseconds. */
    replacedAt: () => replacedAt,
    broken: () => broken,
    /** An error that ended a run, or that a run reported. */
    failed(error: unknown): void {
      if (error instanceof UnsupportedSchemaVersionError) reportedUnreadable.add(error.key.sk);
    },
    wasReportedUnreadable: (sk: string): boolean => reportedUnreadable.has(sk),
  };
}
