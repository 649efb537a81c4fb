import { managerOf } from '../runtime/managed-by.ts';
import type { PolicyChange } from './change.ts';
import type { CurrentState } from './current-state.ts';

/** Fewer are never too many; and beyond them, what is more than this share of all that policy files look after. */
const always = 5;
const share = 1 / 3;
const namedAtMost = 10;

/** A policy would take away so much that its author may not have meant it, as with a file that was cut off or is another stage's. */
export class TooManyRemovalsError extends Error {
  override readonly name = 'TooManyRemovalsError';
  readonly removals: number;
  readonly managed: number;

  constructor(removed: readonly string[], managed: number) {
    const others = removed.length - namedAtMost;
    const names = `${removed.slice(0, namedAtMost).join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
    super(
      `this would remove ${removed.length} of the ${managed} things that the policy file manages, which is more than a third (${names}): where that is meant, allow it with \`--allow-removals\`, or \`allowRemovals\` in the API`,
    );
    this.removals = removed.length;
    this.managed = managed;
  }
}

/** @throws TooManyRemovalsError */
export function requireFewRemovals(changes: readonly PolicyChange[], state: CurrentState): void {
  const removed = changes.filter(({ kind, action }) => action === 'remove' && kind !== 'principal');
  const { groups, services, customers, entries } = state;
  const held = [...groups, ...services, ...customers, ...entries];
  const managed = held.filter((each) => managerOf(each) === 'file').length;
  if (removed.length > always && removed.length > managed * share)
    throw new TooManyRemovalsError(removed.map(nameOf), managed);
}

function nameOf(change: PolicyChange): string {
  return change.kind === 'entry'
    ? `account ${change.accountId} at ${change.service}`
    : `${change.kind} ${change.name}`;
}
