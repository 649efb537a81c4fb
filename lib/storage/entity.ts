import * as v from 'valibot';
import type { Item, Key, Table } from './table.ts';

/** The schema version of the items that this linkgate writes. A newer minor is read, a newer major is refused. */
const itemSchemaVersion = { major: 1, written: '1.0' };

/** This linkgate cannot read an item. It stops what rests on that item, and nothing else. */
export abstract class UnreadableItemError extends Error {
  readonly key: Key;

  constructor({ pk, sk }: Key, message: string, options?: ErrorOptions) {
    super(message, options);
    this.key = { pk, sk };
  }
}

/** An item was written by a version of linkgate that this one cannot read. */
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

/** An item does not have the shape that linkgate gave it. */
export class MalformedItemError extends UnreadableItemError {
  override readonly name = 'MalformedItemError';

  constructor(key: Key, problems: string, options?: ErrorOptions) {
    super(key, `item \`${key.pk}\` \`${key.sk}\` is malformed: ${problems}`, options);
  }
}

/**
 * A kind of item: validated when it is read and when it is written. Attributes that the schema
 * does not name are kept, whatever their names, so that a deployment can be rolled back by one version. This holds for the item's own
 * attributes, not for what is inside one: what a newer minor version adds goes to the top level.
 */
export function entity<const Entries extends v.ObjectEntries>(entries: Entries) {
  const schema = v.looseObject(entries);
  type Value = v.InferOutput<typeof schema>;

  function check(key: Key, value: unknown): Value {
    const result = v.safeParse(schema, value);
    if (!result.success) throw new MalformedItemError(key, v.summarize(result.issues));
    const problem = storageProblem([key.pk, key.sk, value]);
    if (problem !== undefined) throw new MalformedItemError(key, problem);
    // Valibot leaves out what is named as a property that objects have anyway, such as `constructor`.
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
    item(key: Key, value: Value & { readonly version: number }): Item {
      return {
        ...check(key, value),
        ...key,
        version: value.version,
        schemaVersion: itemSchemaVersion.written,
      };
    },
  };
}

/** What DynamoDB does not take, or would not give back as it was: a number beyond 2^53 was rounded when it was read. */
function storageProblem(value: unknown): string | undefined {
  if (typeof value === 'string')
    return value.isWellFormed() ? undefined : 'a text has half a character in it';
  if (typeof value === 'number')
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? undefined : `the number ${value} cannot be kept`;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const inner of Object.values(value)) {
    const problem = storageProblem(inner);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What it takes to read a list: an item of it that this linkgate cannot read is reported, and left out. */
export interface ReadDeps {
  readonly table: Table;
  readonly reportError: (error: unknown) => void;
}

/** For a read that rests on every item. */
export function rethrow(error: unknown): never {
  throw error;
}

/** All of a partition that can be read. */
export async function readPartition<T>(
  pk: string,
  read: (item: Item) => T,
  { table, reportError }: ReadDeps,
): Promise<T[]> {
  const values: T[] = [];
  for await (const page of table.query(pk)) values.push(...parseEach(page, read, reportError));
  return values;
}

/** For a read that may fail: what cannot be read is reported, and counts as absent. */
export function omitUnreadable(reportError: ReadDeps['reportError']): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof UnreadableItemError)) throw error;
    reportError(error);
    return undefined;
  };
}

/** A list for work that a list with gaps would mislead; nothing where an item of it cannot be read, which is reported. */
export function listIfAllReadable<T>(
  list: (deps: ReadDeps) => Promise<T[]>,
  { table, reportError }: ReadDeps,
): Promise<T[] | undefined> {
  return list({ table, reportError: rethrow }).catch(omitUnreadable(reportError));
}

const ItemVersion = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/**
 * The version to expect where an item is begun anew in place of one that this linkgate cannot read; undefined where that item
 * names none.
 */
export function versionToReplace(item: Item | undefined): number | undefined {
  if (!item) return 0;
  return v.is(ItemVersion, item.version) ? item.version : undefined;
}

/** Reads each item on its own: one that this version cannot read is reported, and keeps no other from being read. */
export function parseEach<T>(
  items: readonly Item[],
  read: (item: Item) => T,
  reportError: (error: unknown) => void,
): T[] {
  return items.flatMap((item) => {
    try {
      return [read(item)];
    } catch (error) {
      reportError(error);
      return [];
    }
  });
}

export function formatKey({ pk, sk }: Key): string {
  return `${pk}\n${sk}`;
}

/** Finds what a batch read returned by key. */
export function indexByKey(items: readonly Item[]) {
  const found = new Map(items.map((item) => [formatKey(item), item]));
  const find = (key: Key): Item | undefined => found.get(formatKey(key));
  return { find, all: (keys: readonly Key[]): Item[] => keys.flatMap((key) => find(key) ?? []) };
}
