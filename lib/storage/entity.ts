import * as v from 'valibot';
import type { Item, Key, Table, Write } from './table.ts';

/** The schema version that this linkgate writes. It reads newer minor versions and refuses newer major versions. */
const itemSchemaVersion = { major: 1, written: '1.0' };

/** An item is unreadable. Only work that needs the item stops. */
export abstract class UnreadableItemError extends Error {
  readonly key: Key;

  constructor({ pk, sk }: Key, message: string, options?: ErrorOptions) {
    super(message, options);
    this.key = { pk, sk };
  }
}

/** A newer major version of linkgate wrote the item. */
export class UnsupportedSchemaVersionError extends UnreadableItemError {
  override readonly name = 'UnsupportedSchemaVersionError';
  readonly schemaVersion: string;

  constructor(key: Key, itemVersion: string) {
    super(
      key,
      `item \`${key.pk}\` \`${key.sk}\` has the schema version ${itemVersion}, and this linkgate reads up to ${itemSchemaVersion.major}.x: deploy the newer version again`,
    );
    this.schemaVersion = itemVersion;
  }
}

/** An item does not match its schema. */
export class MalformedItemError extends UnreadableItemError {
  override readonly name = 'MalformedItemError';

  constructor(key: Key, problems: string, options?: ErrorOptions) {
    super(key, `item \`${key.pk}\` \`${key.sk}\` is malformed: ${problems}`, options);
  }
}

/**
 * Creates an entity whose items do not know their key, and validates them on read and on write. It keeps top-level attributes
 * that the schema does not name, so that a rollback by one version loses none. A newer minor version therefore adds attributes
 * only at the top level.
 */
export function keylessEntity<const Entries extends v.ObjectEntries>(entries: Entries) {
  type Value = v.InferOutput<v.ObjectSchema<Entries, undefined>>;
  const schema = v.looseObject(entries);

  function check(key: Key, value: unknown): Value {
    const result = v.safeParse(schema, value);
    if (!result.success) throw new MalformedItemError(key, v.summarize(result.issues));
    const problem = storageProblem([key.pk, key.sk, value]);
    if (problem !== undefined) throw new MalformedItemError(key, problem);
    // Valibot drops keys that every object inherits, such as `constructor`.
    return { ...Object(value), ...result.output };
  }

  return {
    /** @throws UnsupportedSchemaVersionError, MalformedItemError */
    read(item: Item): Value {
      const itemVersion = String(item.schemaVersion ?? '0');
      if (Number.parseInt(itemVersion, 10) > itemSchemaVersion.major)
        throw new UnsupportedSchemaVersionError(item, itemVersion);
      const { pk: _pk, sk: _sk, schemaVersion: _schemaVersion, ...value } = item;
      return check(item, value);
    },
    /** @throws MalformedItemError */
    item(key: Key, value: Value): Item {
      return { ...(check(key, value) as Item), ...key, schemaVersion: itemSchemaVersion.written };
    },
  };
}

/** Creates an entity whose items know their key, and validates them on read and on write. */
export function entity<const Entries extends v.ObjectEntries>(
  entries: Entries,
  keyOf: (value: v.InferOutput<v.ObjectSchema<Entries, undefined>>) => Key,
) {
  type Value = v.InferOutput<v.ObjectSchema<Entries, undefined>>;
  const { read, item } = keylessEntity(entries);
  return {
    /** @throws UnsupportedSchemaVersionError, MalformedItemError */
    read,
    /** @throws MalformedItemError */
    item: (value: Value): Item => item(keyOf(value), value),
    /**
     * Builds the write that replaces `before`, or creates the item. It has no condition if `before` has no valid version.
     * @throws MalformedItemError
     */
    put(value: Value, before: { readonly version: number | undefined } = { version: 0 }): Write {
      const { version: expected } = before;
      return { put: item(keyOf(value), value), ...(expected !== undefined && { expected }) };
    },
    /** @throws UnsupportedSchemaVersionError, MalformedItemError */
    async find(key: Key, table: Pick<Table, 'get'>): Promise<Value | undefined> {
      const [found] = await table.get([key]);
      return found && read(found);
    },
  };
}

/** Finds a value that DynamoDB refuses, or that JavaScript cannot represent: a number above 2^53 loses precision. */
function storageProblem(value: unknown): string | undefined {
  if (typeof value === 'string')
    return value.isWellFormed() ? undefined : 'a text contains an unpaired surrogate';
  if (typeof value === 'number')
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? undefined : `the number ${value} loses precision`;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const inner of Object.values(value)) {
    const problem = storageProblem(inner);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The dependencies of a list read, which reports and omits an unreadable item. */
export interface ReadDeps {
  readonly table: Table;
  readonly reportError: (error: unknown, operation: string) => void;
}

/** Rethrows errors, for reads that need every item. */
export function rethrow(error: unknown): never {
  throw error;
}

/** Reads all items of a partition. Reports and omits an unreadable item. */
export async function readPartition<T>(
  pk: string,
  read: (item: Item) => T,
  { table, reportError }: ReadDeps,
): Promise<T[]> {
  return parseEach((await Array.fromAsync(table.query(pk))).flat(), read, reportError);
}

/** Creates an error handler for one item: it reports an unreadable item, which then counts as absent. */
export function omitUnreadable(reportError: ReadDeps['reportError']): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof UnreadableItemError)) throw error;
    reportError(error, 'read item');
    return undefined;
  };
}

/** Returns the list only if every item is readable: an incomplete list would mislead the caller. Reports the unreadable item. */
export function listIfAllReadable<T>(
  list: (deps: ReadDeps) => Promise<T[]>,
  { table, reportError }: ReadDeps,
): Promise<T[] | undefined> {
  return list({ table, reportError: rethrow }).catch(omitUnreadable(reportError));
}

const ItemVersion = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** Returns the version to expect when a new item replaces an unreadable one; undefined if that item has no valid version. */
export function versionToReplace(item: Item | undefined): number | undefined {
  if (!item) return 0;
  return v.is(ItemVersion, item.version) ? item.version : undefined;
}

/** Parses each item separately. Reports an unreadable item, which does not stop the others. */
export function parseEach<T, Source = Item>(
  items: readonly Source[],
  read: (item: Source) => T,
  reportError: ReadDeps['reportError'],
): T[] {
  return items.flatMap((item) => {
    try {
      return [read(item)];
    } catch (error) {
      reportError(error, 'read item');
      return [];
    }
  });
}

export function formatKey({ pk, sk }: Key): string {
  return `${pk}\n${sk}`;
}

/** Indexes the items of a batch read by key. */
export function indexByKey(items: readonly Item[]) {
  const itemByKey = new Map(items.map((item) => [formatKey(item), item]));
  const find = (key: Key): Item | undefined => itemByKey.get(formatKey(key));
  return { find, all: (keys: readonly Key[]): Item[] => keys.flatMap((key) => find(key) ?? []) };
}
export type ItemIndex = ReturnType<typeof indexByKey>;
