/** What identifies an item: partition key and sort key. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** An item as the table holds it. `version` grows with each change, also across removal where an item says so. */
export interface Item extends Key {
  readonly version: number;
  readonly [attribute: string]: unknown;
}

/**
 * One change of one item. `expected` is the version that must still be there (0: no item may be there);
 * left out, the item is written whatever is there, which is right only beside another write that carries the condition.
 */
export type Write =
  | { readonly put: Item; readonly expected?: number }
  | { readonly remove: Key; readonly expected?: number };

/** How many writes fit into one transaction. */
export const writesPerTransaction = 100;

/** DynamoDB took no more calls for now. What was to be written was not: trying again later is right and safe. */
export class TableBusyError extends Error {
  override readonly name = 'TableBusyError';

  constructor(why: string, options?: ErrorOptions) {
    super(`DynamoDB takes no more calls for now (${why})`, options);
  }
}

/** The table as linkgate uses it. Reads are consistent. Each call throws TableBusyError where DynamoDB stays throttled. */
export interface Table {
  /** Any number of keys, in batches of 100; absent items are left out. */
  get(keys: readonly Key[]): Promise<Item[]>;
  /** One page after another of a partition, in order of the sort key. */
  query(pk: string, options?: QueryOptions): AsyncIterable<Item[]>;
  /** What tells this table from every other, one that was restored from its backup under the same name too. */
  identity(): Promise<string>;
  /**
   * All of the writes or none; at most 100.
   * @returns false when an expected version was not there, and nothing was written.
   */
  write(writes: readonly Write[]): Promise<boolean>;
}

export interface QueryOptions {
  /** Items a page. */
  readonly limit?: number;
  /** The sort key after which to begin. */
  readonly after?: string;
  /** In falling order of the sort key. */
  readonly newestFirst?: boolean;
}

/** An item of the table before and after it was written. */
export interface TableChange {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}
