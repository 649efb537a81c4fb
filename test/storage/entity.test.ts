import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import {
  entity,
  indexByKey,
  keylessEntity,
  MalformedItemError,
  parseEach,
  UnsupportedSchemaVersionError,
} from '../../lib/storage/entity.ts';

const key = { pk: 'THINGS', sk: '1' };
const kind = keylessEntity({ name: v.string(), version: v.number() });
const keyed = entity({ name: v.string(), version: v.number() }, ({ name }) => ({
  pk: 'THINGS',
  sk: name,
}));
const item = { ...key, schemaVersion: '1.0', name: 'orders', version: 1 };

describe('an item', () => {
  test('is stored with its key and schema version, and read without them', () => {
    expect(kind.item(key, { name: 'orders', version: 1 })).toEqual(item);
    expect(kind.read(item)).toEqual({ name: 'orders', version: 1 });
  });

  test('of a newer minor schema version is read, and keeps unknown attributes', () => {
    const read = kind.read({ ...item, schemaVersion: '1.7', colour: 'blue' });
    expect(read).toEqual({ name: 'orders', version: 1, colour: 'blue' });
    expect(kind.item(key, { ...read, version: 2 })).toMatchObject({ colour: 'blue', version: 2 });
  });

  test.each(['constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'keeps an unknown attribute with the name `%s`',
    (name) => {
      const read = kind.read({ ...item, [name]: 'blue' });
      expect(Object.entries(read)).toContainEqual([name, 'blue']);
      expect(Object.entries(kind.item(key, { ...read, version: 2 }))).toContainEqual([name, 'blue']);
    },
  );

  test.each(['2.0', '17.1'])(
    'of the newer major schema version %s is refused, with the remedy',
    (schemaVersion) => {
      expect(() => kind.read({ ...item, schemaVersion })).toThrow(UnsupportedSchemaVersionError);
      expect(() => kind.read({ ...item, schemaVersion })).toThrow(
        /`THINGS` `1` has the schema version .* deploy the newer version again/,
      );
    },
  );

  test('with a number that lost precision is refused', () => {
    expect(() => kind.read({ ...item, size: { of: [2 ** 53] } })).toThrow(MalformedItemError);
    expect(kind.read({ ...item, share: 0.5, size: 2 ** 53 - 1 })).toMatchObject({ share: 0.5 });
  });

  test('without a required attribute is refused on read and on write', () => {
    expect(() => kind.read({ ...item, name: 7 })).toThrow(MalformedItemError);
    expect(() => kind.item(key, { version: 1 } as never)).toThrow('item `THINGS` `1` is malformed');
  });

  test.each([
    ['an unpaired surrogate', { name: 'half \ud83d' }],
    ['an unpaired surrogate in a nested value', { name: 'x', more: [{ note: '\udc00' }] }],
    ['a number beyond 2^53', { name: 'x', most: 2 ** 53 }],
    ['NaN', { name: 'x', most: Number.NaN }],
  ])('with %s is not written, because DynamoDB refuses it', (_what, value) => {
    expect(() => kind.item(key, { ...value, version: 1 })).toThrow(MalformedItemError);
  });
});

test('a write replaces only the version that was read, and creates only a missing item', () => {
  const after = keyed.item({ name: 'orders', version: 4 });
  expect(after).toMatchObject({ pk: 'THINGS', sk: 'orders', version: 4 });
  expect(keyed.put({ name: 'orders', version: 4 }, { version: 3 })).toEqual({ put: after, expected: 3 });
  expect(keyed.put({ name: 'orders', version: 4 })).toEqual({ put: after, expected: 0 });
});

test('a write that replaces an unreadable item without a valid version has no condition', () => {
  const after = keyed.item({ name: 'orders', version: 1 });
  expect(keyed.put({ name: 'orders', version: 1 }, { version: undefined })).toEqual({ put: after });
});

test('an item that cannot be read is reported and does not stop the others', () => {
  const reported: unknown[] = [];
  const items = [item, { ...item, schemaVersion: '2.0' }, { ...item, name: 'payments' }];
  const read = parseEach(items, kind.read, (error) => reported.push(error));
  expect(read.map(({ name }) => name)).toEqual(['orders', 'payments']);
  expect(reported).toEqual([expect.any(UnsupportedSchemaVersionError)]);
});

test('items are found by their partition key and sort key', () => {
  const index = indexByKey([item, { ...item, sk: '2' }]);
  expect(index.find({ pk: 'THINGS', sk: '2' })).toMatchObject({ sk: '2' });
  expect(index.find({ pk: 'THINGS1', sk: '' })).toBeUndefined();
  expect(index.all(['2', '3', '1'].map((sk) => ({ pk: 'THINGS', sk })))).toMatchObject([
    { sk: '2' },
    { sk: '1' },
  ]);
});
