import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['lib', 'cli', 'functions', 'rules', 'sandbox'];

/** Of each file, the files of ours that it imports, for their types too. */
const imports = new Map(folders.flatMap(filesIn).map((file) => [file, importsOf(file)]));

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const named = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].flatMap(([, path]) => path ?? []);
  return named.map((path) => relative(root, join(root, dirname(file), path)));
}

const importsBetween = (from: RegExp, to: RegExp) =>
  [...imports].flatMap(([file, those]) =>
    from.test(file) ? those.filter((each) => to.test(each)).map((each) => `${file} imports ${each}`) : [],
  );

describe('imports', () => {
  test('go round in no circle', () => {
    expect(circles()).toEqual([]);
  });

  test.each([
    [
      'lib knows neither the functions nor the command line nor the sandbox',
      /^lib\//,
      /^(functions|cli|sandbox)\//,
    ],
    ['only lib/wiring.ts knows the rules', /^lib\/(?!wiring\.ts)/, /^rules\//],
    ['the rules know of lib what they speak of', /^rules\/connection\//, /^lib\/(?!policy\/)/],
    ['nothing but the functions imports wiring', /^(?!functions\/)/, /^lib\/wiring\.ts$/],
    ['what is deployed knows nothing of the sandbox', /^(functions|rules|cli)\//, /^sandbox\//],
  ])('%s', (_what, from, to) => {
    expect(importsBetween(from, to)).toEqual([]);
  });
});

/** Each file that leads back to itself, with the way. */
function circles(): string[] {
  const isDone = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file].join(' > '));
    if (at >= 0 || isDone.has(file)) return;
    for (const next of imports.get(file) ?? []) walk(next, [...way, file]);
    isDone.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return found;
}
