import { effectiveManager } from '../runtime/managed-by.ts';
import type { PolicyChange } from './change.ts';
import type { CurrentState } from './current-state.ts';

/**
 * Up to this number of removals needs no permission. A larger number needs one beyond this share of all items that policy files
 * manage.
 */
const freeRemovals = 5;
const maxRemovalShare = 1 / 3;
const maxNamedRemovals = 10;

/** A policy removes so many items that the file may be truncated or belong to another stage. */
export class TooManyRemovalsError extends Error {
  override readonly name = 'TooManyRemovalsError';
  readonly removals: number;
  readonly managed: number;

  constructor(removed: readonly string[], managed: number) {
    const unnamedCount = removed.length - maxNamedRemovals;
    const names = `${removed.slice(0, maxNamedRemovals).join(', ')}${unnamedCount > 0 ? ` and ${unnamedCount} more` : ''}`;
    super(
      `this plan removes ${removed.length} of the ${managed} items that the policy file manages, which is more than a third (${names}): allow it with \`--allow-removals\`, or \`allowRemovals\` in the API`,
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
  const managed = held.filter((each) => effectiveManager(each) === 'file').length;
  if (removed.length > freeRemovals && removed.length > managed * maxRemovalShare)
    throw new TooManyRemovalsError(removed.map(describeRemoval), managed);
}

function describeRemoval(change: PolicyChange): string {
  return change.kind === 'entry'
    ? `account ${change.accountId} at ${change.service}`
    : `${change.kind} ${change.name}`;
}
