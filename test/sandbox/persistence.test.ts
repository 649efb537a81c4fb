import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openStore, type Store } from '../../sandbox/persistence.ts';

let folder: string;
let file: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkgate-test-'));
  file = join(folder, 'sandbox.sqlite');
  store = openStore(file);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

/** Opens the store again, like a later process. */
function reopen(): Store {
  store.close();
  store = openStore(file);
  return store;
}

test('a persisted map is the same for the same name, restored in its order, and empty after clear', () => {
  const letters = store.openMap<number>('letters');
  for (const [index, letter] of ['c', 'a', 'b'].entries()) letters.set(letter, index);
  letters.delete('a');
  letters.set('c', 9);
  expect(store.openMap('letters').get('c')).toBe(9);
  expect(store.openMap('others').size).toBe(0);
  const restored = reopen().openMap('letters');
  expect([...restored]).toEqual([
    ['c', 9],
    ['b', 2],
  ]);
  restored.clear();
  expect(reopen().openMap('letters').size).toBe(0);
});

test('a persisted record keeps changes within its entries at any depth, and loses deleted ones', () => {
  interface Service {
    permissions: { principal: string }[];
    regions: Record<string, string>;
  }
  const services = store.record<Service>('services');
  services.a = { permissions: [], regions: { 'us-east-1': 'Available' } };
  store.flush();
  services.a.permissions.push({ principal: '*' }, { principal: 'x' });
  services.a.permissions = services.a.permissions.filter(({ principal }) => principal === '*');
  services.a.regions['eu-west-1'] = 'Available';
  delete services.a.regions['us-east-1'];
  const restored = reopen().record('services');
  expect({ ...restored }).toEqual({
    a: { permissions: [{ principal: '*' }], regions: { 'eu-west-1': 'Available' } },
  });
  delete restored.a;
  expect(Object.keys(reopen().record('services'))).toEqual([]);
});

test('a log continues after a restart, and counts from 0 after clear', () => {
  const calls = store.log('calls');
  for (const entry of ['a', 'b']) calls.append(entry);
  const log = reopen().log('calls');
  log.append('c');
  expect(log.list(1)).toEqual(['b', 'c']);
  log.clear();
  log.append('d');
  expect(reopen().log('calls').list(0)).toEqual(['d']);
});

test('changes are written at the end of a turn of the event loop', async () => {
  const letters = store.openMap('letters');
  letters.set('a', 1);
  await new Promise((resolve) => setImmediate(resolve));
  letters.set('b', 2);
  const { written } = writtenBeside(file);
  expect(written).toEqual(['a']);
});

/** Returns the content of a copy of the files, like a process after a kill. */
function writtenBeside(of: string) {
  const copy = join(folder, 'copy.sqlite');
  for (const suffix of ['', '-wal']) if (existsSync(of + suffix)) copyFileSync(of + suffix, copy + suffix);
  const other = openStore(copy);
  const written = [...other.openMap('letters').keys()];
  other.close();
  return { written };
}

test('a failed write names the file, and is repeated by the next one', () => {
  store.close();
  // Simulates a full disk.
  inSqlite("create trigger full before insert on entries begin select raise(fail, 'disk is full'); end");
  store = openStore(file);
  const letters = store.openMap<number>('letters');
  letters.set('a', 1);
  expect(() => store.flush()).toThrow(`\`${file}\` cannot be used (disk is full)`);
  expect(() => store.close()).toThrow(`\`${file}\` cannot be used (disk is full)`);
  inSqlite('drop trigger full');
  store = openStore(file);
  store.openMap<number>('letters').set('a', 2);
  expect([...reopen().openMap('letters')]).toEqual([['a', 2]]);
});

function inSqlite(statement: string) {
  const database = new DatabaseSync(file);
  database.exec(statement);
  database.close();
}

describe('a file is refused', () => {
  test('that another sandbox uses', () => {
    expect(() => openStore(file, 0)).toThrow(`\`${file}\` is in use by another sandbox`);
  });

  test('that has a later format', () => {
    store.close();
    const later = new DatabaseSync(file);
    later.exec('pragma user_version = 99');
    later.close();
    expect(() => openStore(file)).toThrow('has format 99, and this version of linkgate supports format 1');
  });

  test('that is another database, or none', () => {
    const otherDatabase = join(folder, 'foreign.sqlite');
    const database = new DatabaseSync(otherDatabase);
    database.exec('create table other (x)');
    database.close();
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'to do: '.repeat(200));
    for (const path of [otherDatabase, text])
      expect(() => openStore(path)).toThrow('is not the state of a sandbox');
  });
});
