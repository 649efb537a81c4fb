import { DatabaseSync } from 'node:sqlite';

/** Opens a map that survives restarts, in its order. Call `set` again after changing a value in place. */
export type OpenMap = <Value>(name: string) => Map<string, Value>;

/** Opens a map that ends with the process. */
export const inMemory: OpenMap = () => new Map();

/** An append-only log on disk. */
export interface Log<Entry> {
  append(entry: Entry): void;
  /** Lists the entries from index `since`. */
  list(since: number): Entry[];
  clear(): void;
}

/**
 * The state of the sandbox in one SQLite file. One transaction writes all changes in a turn of the event loop, at its end
 * or on `flush`: a killed process leaves all of them or none.
 */
export interface Store {
  readonly openMap: OpenMap;
  /** Opens a record whose entries may be changed in place at any depth. */
  record<Value extends object>(name: string): Record<string, Value>;
  log<Entry>(name: string): Log<Entry>;
  /** Writes all changes. Call it before each response. */
  flush(): void;
  close(): void;
}

/** The file is not a sandbox's, is in use, has a later format, or cannot be written. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

const applicationId = 0x6c6b6774;
const format = 1;

const tables = `
  create table entries (map text, key text, value text not null, unique (map, key));
  create table logs (log text, number integer, entry text not null, primary key (log, number)) without rowid;
`;

/** Throws `StoreError`. `lockTimeoutMs`: a killed process holds the lock for a moment. */
export function openStore(file: string, lockTimeoutMs = 2000): Store {
  const database = open(file, lockTimeoutMs);
  // An update keeps the rowid of an entry, and so its position in the map.
  const upsert = database.prepare(
    'insert into entries (map, key, value) values (?, ?, ?) on conflict do update set value = excluded.value',
  );
  const remove = database.prepare('delete from entries where map = ? and key = ?');
  const append = database.prepare('insert into logs values (?, ?, ?)');
  const maps = new Map<string, Map<string, unknown>>();
  const changed = new Map<string, Set<string>>();
  const appended: { readonly log: string; readonly number: number; readonly entry: unknown }[] = [];
  let pendingFlush: NodeJS.Immediate | undefined;

  function scheduleFlush() {
    pendingFlush ??= setImmediate(flush);
  }

  function flush() {
    clearImmediate(pendingFlush);
    pendingFlush = undefined;
    if (!database.isOpen || (changed.size === 0 && appended.length === 0)) return;
    try {
      write();
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      throw toStoreError(error, file);
    }
    changed.clear();
    appended.length = 0;
  }

  function write() {
    database.exec('begin');
    for (const [name, keys] of changed)
      for (const key of keys) {
        const value = maps.get(name)?.get(key);
        if (value === undefined) remove.run(name, key);
        else upsert.run(name, key, JSON.stringify(value));
      }
    for (const { log, number, entry } of appended) append.run(log, number, JSON.stringify(entry));
    database.exec('commit');
  }

  function openMap<Value>(name: string): Map<string, Value> {
    const entries = (maps.get(name) ?? new PersistedMap(load(name), (key) => onChange(name, key))) as Map<
      string,
      Value
    >;
    maps.set(name, entries);
    return entries;
  }

  function onChange(name: string, key: string) {
    const keys = changed.get(name) ?? new Set();
    changed.set(name, keys.add(key));
    scheduleFlush();
  }

  function load(name: string) {
    const rows = database.prepare('select key, value from entries where map = ? order by rowid').all(name);
    return rows.map(({ key, value }) => [String(key), JSON.parse(String(value))] as const);
  }

  function log<Entry>(name: string): Log<Entry> {
    const newest = database.prepare('select max(number) as number from logs where log = ?').get(name)?.number;
    let length = newest == null ? 0 : Number(newest) + 1;
    return {
      append(entry) {
        appended.push({ log: name, number: length, entry });
        length += 1;
        scheduleFlush();
      },
      list(since) {
        flush();
        const rows = database
          .prepare('select entry from logs where log = ? and number >= ? order by number')
          .all(name, since);
        return rows.map(({ entry }) => JSON.parse(String(entry)) as Entry);
      },
      clear() {
        flush();
        database.prepare('delete from logs where log = ?').run(name);
        length = 0;
      },
    };
  }

  return {
    openMap,
    record: (name) => openRecord(openMap(name)),
    log,
    flush,
    close() {
      try {
        flush();
      } finally {
        if (database.isOpen) database.close();
      }
    },
  };
}

function open(file: string, lockTimeoutMs: number): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: lockTimeoutMs });
    // The state has to outlive the process, not a power failure: no fsync.
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = off;');
    database.exec('begin immediate');
    const { application_id: application } = database.prepare('pragma application_id').get() ?? {};
    const { user_version: version } = database.prepare('pragma user_version').get() ?? {};
    const isNew = database.prepare('select 1 from sqlite_schema').get() === undefined;
    if (isNew)
      database.exec(`${tables} pragma application_id = ${applicationId}; pragma user_version = ${format};`);
    else if (application !== applicationId) throw new StoreError(`\`${file}\` ${notASandbox}`);
    else if (version !== format)
      throw new StoreError(
        `\`${file}\` has format ${version}, and this version of linkgate supports format ${format}`,
      );
    database.exec('commit');
    return database;
  } catch (error) {
    database?.close();
    throw toStoreError(error, file);
  }
}

const sqliteBusy = 5;
const sqliteNotADatabase = 26;

const notASandbox = 'is not the state of a sandbox';

function toStoreError(cause: unknown, file: string): unknown {
  const { errcode, message } = cause as { errcode?: number; message?: string };
  if (errcode === sqliteBusy)
    return new StoreError(
      `\`${file}\` is in use by another sandbox: stop that one, or choose another folder`,
      { cause },
    );
  if (errcode === sqliteNotADatabase) return new StoreError(`\`${file}\` ${notASandbox}`, { cause });
  if (errcode !== undefined)
    return new StoreError(`\`${file}\` cannot be used (${message}): make room, or name another folder`, {
      cause,
    });
  return cause;
}

/** A map that reports each changed key. */
class PersistedMap<Value> extends Map<string, Value> {
  readonly #onChange: (key: string) => void;

  constructor(entries: Iterable<readonly [string, unknown]>, onChange: (key: string) => void) {
    super();
    this.#onChange = onChange;
    for (const [key, value] of entries) super.set(key, value as Value);
  }

  override set(key: string, value: Value): this {
    this.#onChange(key);
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.#onChange(key);
    return super.delete(key);
  }

  override clear() {
    for (const key of this.keys()) this.#onChange(key);
    super.clear();
  }
}

function openRecord<Value extends object>(entries: Map<string, Value>): Record<string, Value> {
  const record: Record<string, Value> = Object.fromEntries(entries);
  return observeChanges(record, (id) => {
    const value = record[id];
    if (value === undefined) entries.delete(id);
    else entries.set(id, value);
  });
}

/** Wraps an object and reports each change in it, at any depth, by the name of its member. */
function observeChanges<Target extends object>(target: Target, onChange: (name: string) => void): Target {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'object' || value === null) return value;
      return observeChanges(value, () => onChange(String(name)));
    },
    set(_, name, value) {
      const isSet = Reflect.set(target, name, value);
      onChange(String(name));
      return isSet;
    },
    deleteProperty(_, name) {
      const isDeleted = Reflect.deleteProperty(target, name);
      onChange(String(name));
      return isDeleted;
    },
  });
}
