/** Others kept changing what somebody wanted to change. Trying again later is right and safe. */
export class OptimisticLockError extends Error {
  override readonly name = 'OptimisticLockError';
  readonly itemName: string;

  constructor(itemName: string) {
    super(`others kept changing \`${itemName}\` at the same time`);
    this.itemName = itemName;
  }
}

/** What an attempt returns when somebody else was faster, so that nothing was written. */
export const conflict = Symbol('lost');

/** A batch of ten may meet in one item, and one of them wins each round. */
const maxWriteAttempts = 12;

/**
 * Repeats an attempt, which reads anew each time, until it is not lost.
 * @param what the item's name for people: an endpoint, an account, a service.
 * @throws OptimisticLockError
 */
export async function retryOnConflict<T>(
  what: string,
  attempt: (isFirst: boolean) => Promise<T | typeof conflict>,
): Promise<T> {
  for (let turn = 0; turn < maxWriteAttempts; turn++) {
    const result = await attempt(turn === 0);
    if (result !== conflict) return result;
  }
  throw new OptimisticLockError(what);
}
