/** Other writers repeatedly changed the item. A later retry is safe. */
export class OptimisticLockError extends Error {
  override readonly name = 'OptimisticLockError';
  readonly itemName: string;

  constructor(itemName: string) {
    super(`other writers kept changing \`${itemName}\` at the same time`);
    this.itemName = itemName;
  }
}

/** The result of an attempt that wrote no item because another writer was faster. */
export const conflict = Symbol('conflict');

/** Ten messages of a batch may write the same item. One of them succeeds in each round. */
export const maxWriteAttempts = 12;

/**
 * Repeats an attempt until it has no conflict. Each attempt reads the item again.
 * @param itemName the name of the item for people: an endpoint, an account, a service.
 * @throws OptimisticLockError
 */
export async function retryOnConflict<T>(
  itemName: string,
  attempt: (isFirst: boolean) => Promise<T | typeof conflict>,
): Promise<T> {
  for (let turn = 0; turn < maxWriteAttempts; turn++) {
    const result = await attempt(turn === 0);
    if (result !== conflict) return result;
  }
  throw new OptimisticLockError(itemName);
}
