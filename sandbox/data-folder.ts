import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openStore, type Store, StoreError } from './persistence.ts';

/** A folder with the state of one sandbox, locked for it. */
export interface DataFolder {
  readonly path: string;
  readonly store: Store;
  close(): void;
}

const storeName = 'sandbox.sqlite';
const temporaryPrefix = 'linkgate-sandbox-';
/** Cleanup ignores folders younger than this: another sandbox may just have created one. */
const recentlyCreatedMs = 10_000;

/** Opens the named folder and creates it if missing, or creates a temporary one and deletes it on close. */
export function openDataFolder(requestedPath: string | undefined): DataFolder {
  if (requestedPath === undefined) removeAbandoned();
  const path = requestedPath ?? mkdtempSync(join(tmpdir(), temporaryPrefix));
  if (requestedPath !== undefined) requireSandboxFolder(path);
  const store = openStore(join(path, storeName));
  return {
    path,
    store,
    close() {
      store.close();
      if (requestedPath === undefined) removeFolder(path);
    },
  };
}

function requireSandboxFolder(path: string) {
  if (existsSync(path) && !statSync(path).isDirectory()) throw new StoreError(`\`${path}\` is not a folder`);
  const names = listFolder(path);
  if (names.length > 0 && !names.includes(storeName))
    throw new StoreError(`\`${path}\` has files other than the state of a sandbox`);
}

/** Creates the folder if it is missing. */
function listFolder(path: string): string[] {
  try {
    makeFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return readdirSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new StoreError(`\`${path}\` cannot be used (${why}): name another folder with --data`, {
      cause: error,
    });
  }
}

/** Node's recursive mkdir never returns if a parent exists but cannot contain folders, as in /proc. */
function makeFolder(path: string) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

/** Removes the temporary folders of killed sandboxes. */
function removeAbandoned() {
  const names = readdirSync(tmpdir()).filter((name) => name.startsWith(temporaryPrefix));
  for (const path of names.map((name) => join(tmpdir(), name)))
    try {
      if (Date.now() - statSync(path).mtimeMs < recentlyCreatedMs) continue;
      openStore(join(path, storeName), 0).close();
      removeFolder(path);
    } catch {
      // Another sandbox uses or removes the folder.
    }
}

function removeFolder(path: string) {
  // The engine may still write into the folder until it ends.
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
