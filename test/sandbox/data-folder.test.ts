import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openDataFolder } from '../../sandbox/data-folder.ts';
import { openStore } from '../../sandbox/persistence.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkgate-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a named folder', () => {
  test('is created if missing, and kept', () => {
    const path = join(folder, 'some', 'where');
    openDataFolder(path).close();
    const again = openDataFolder(path);
    again.close();
    expect(existsSync(join(path, 'sandbox.sqlite'))).toBe(true);
  });

  test('is refused at once, with its name, if it has other files or cannot be used', () => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, '');
    symlinkSync(join(folder, 'nowhere', 'else'), join(folder, 'link'));
    const unusable = join(folder, 'unusable');
    mkdirSync(join(unusable, 'sandbox.sqlite'), { recursive: true });
    const problems = {
      [folder]: `\`${folder}\` has files other than the state of a sandbox`,
      [file]: 'is not a folder',
      [join(file, 'data')]: `\`${file}/data\` cannot be used`,
      '/proc/linkgate/data': '`/proc/linkgate/data` cannot be used',
      [join(folder, 'link')]: `\`${folder}/link\` cannot be used`,
      [unusable]: `\`${unusable}/sandbox.sqlite\` cannot be used`,
    };
    for (const [path, problem] of Object.entries(problems))
      expect(() => openDataFolder(path)).toThrow(problem);
  });

  test('is accepted if an earlier sandbox was killed before its first write', () => {
    writeFileSync(join(folder, 'sandbox.sqlite'), '');
    expect(() => openDataFolder(folder).close()).not.toThrow();
  });
});

describe('a temporary folder', () => {
  test('is deleted with its sandbox', () => {
    const { path, close } = openDataFolder(undefined);
    expect(existsSync(path)).toBe(true);
    close();
    expect(existsSync(path)).toBe(false);
  });

  test('of a killed sandbox is deleted at the next start, and one of a running sandbox stays', () => {
    const abandonedFolder = join(tmpdir(), 'linkgate-sandbox-abandoned');
    const usedFolder = join(tmpdir(), 'linkgate-sandbox-used');
    for (const path of [abandonedFolder, usedFolder]) {
      mkdirSync(path, { recursive: true });
      openStore(join(path, 'sandbox.sqlite')).close();
      utimesSync(path, 0, 0);
    }
    const other = openStore(join(usedFolder, 'sandbox.sqlite'));
    utimesSync(usedFolder, 0, 0);
    openDataFolder(undefined).close();
    expect(existsSync(abandonedFolder)).toBe(false);
    expect(existsSync(usedFolder)).toBe(true);
    other.close();
    rmSync(usedFolder, { recursive: true });
  });
});
