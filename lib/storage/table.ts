import type { Runtime } from '../runtime/runtime.ts';

/** The primary key of an item: partition key and sort key. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** A stored item. `version` grows with each change; for some entities also across removal. */
export interface Item extends Key {
  readonly version: number;
  readonly [attribute: string]: unknown;
}

/**
 * One write of one item. `expected` is the version that must be stored (0: no item may exist). Without it the write is
 * unconditional, which is correct only in a transaction in which another write has the condition.
 */
export type Write =
  | { readonly put: Item; readonly expected?: number }
  | { readonly remove: Key; readonly expected?: number };

/** The maximum number of writes in one transaction. */
export const writesPerTransaction = 100;

/** DynamoDB throttles calls, and wrote no item. A later retry is safe. */
export class TableBusyError extends Error {
  override readonly name = 'TableBusyError';

  constructor(why: string, options?: ErrorOptions) {
    super(`DynamoDB throttles calls (${why})`, options);
  }
}

/** The DynamoDB table. Reads are strongly consistent. Each call throws TableBusyError while DynamoDB throttles. */
export interface Table {
  /** Gets any number of keys in batches of 100. Omits missing items. */
  get(keys: readonly Key[]): Promise<Item[]>;
  /** Yields the pages of a partition in the order of the sort key. */
  query(pk: string, options?: QueryOptions): AsyncIterable<Item[]>;
  /** Identifies this table. A table restored from its backup under the same name has another identity. */
  identity(): Promise<string>;
  /**
   * Writes all items in one transaction, at most 100.
   * @returns false if the table did not have an expected version; it then wrote no item.
   */
  write(writes: readonly Write[]): Promise<boolean>;
}

/** The table, with what differs between invocations. */
export interface TableDeps extends Runtime {
  readonly table: Table;
}

export interface QueryOptions {
  /** The maximum number of items in a page. */
  readonly limit?: number;
  /** The query starts after this sort key. */
  readonly after?: string;
  /** Descending order of the sort key. */
  readonly newestFirst?: boolean;
}

/** An item before and after one write. */
export interface TableChange {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}
