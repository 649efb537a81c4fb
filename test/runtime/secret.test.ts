import { expect, test } from '@jest/globals';
import { cachedSecret } from '../../lib/runtime/secret.ts';
import { secondsAfterNoon } from '../builders.ts';

/** A store that counts its reads. */
function aStore(value: string) {
  const store = {
    kept: value,
    isAway: false,
    reads: 0,
    errors: [] as unknown[],
    seconds: 0,
    async read() {
      store.reads += 1;
      if (store.isAway) throw new Error('the store is away');
      return store.kept;
    },
  };
  const secret = cachedSecret(store.read, {
    now: () => secondsAfterNoon(store.seconds),
    reportError: (error) => store.errors.push(error),
  });
  return { store, secret };
}

test('a secret has one value, or the current and the previous one on two lines', async () => {
  expect(await aStore('one').secret.values()).toEqual(['one']);
  expect(await aStore(' new \r\nold\n').secret.values()).toEqual(['new', 'old']);
  expect(await aStore('a\nb\nc').secret.values()).toEqual(['a', 'b']);
});

test('an empty secret has no value, so nothing can be verified with it', async () => {
  expect(await aStore(' \n\t\n').secret.values()).toEqual([]);
});

test('a secret is read once in five minutes, also for concurrent callers', async () => {
  const { store, secret } = aStore('one');
  await Promise.all([secret.values(), secret.values()]);
  store.seconds = 299;
  await secret.values();
  expect(store.reads).toBe(1);
  store.kept = 'two';
  store.seconds = 300;
  expect(await secret.values()).toEqual(['two']);
});

test('a failed verification reads the secret again, at most once a minute', async () => {
  const { store, secret } = aStore('old');
  await secret.values();
  store.kept = 'new\nold';
  store.seconds = 59;
  expect(await secret.refresh()).toBeUndefined();
  store.seconds = 60;
  expect(await secret.refresh()).toEqual(['new', 'old']);
  expect(await secret.refresh()).toBeUndefined();
  expect(await secret.values()).toEqual(['new', 'old']);
  expect(store.reads).toBe(2);
});

test('a failed read is repeated at most once a minute, and the cached values stay valid', async () => {
  const { store, secret } = aStore('one');
  await secret.values();
  store.isAway = true;
  store.seconds = 300;
  expect(await secret.values()).toEqual(['one']);
  expect(await secret.values()).toEqual(['one']);
  expect(await secret.refresh()).toBeUndefined();
  store.seconds = 360;
  expect(await secret.refresh()).toBeUndefined();
  expect(store.reads).toBe(3);
  expect(store.errors).toHaveLength(2);
});

test('a secret whose first read failed is an error, and is read again after a minute', async () => {
  const { store, secret } = aStore('one');
  store.isAway = true;
  await expect(secret.values()).rejects.toMatchObject({ name: 'UnreadableSecretError' });
  store.isAway = false;
  await expect(secret.values()).rejects.toMatchObject({ name: 'UnreadableSecretError' });
  store.seconds = 60;
  expect(await secret.values()).toEqual(['one']);
  expect(store.reads).toBe(2);
});
