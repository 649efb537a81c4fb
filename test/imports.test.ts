import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { packaged } from '../jest.config.mjs';
import { readPage } from './docs/page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['lib', 'cli', 'functions', 'rules', 'sandbox'];

/** The folders of lib from the top down: each imports only folders below it. */
const layers = [
  'aws',
  'api',
  'doctor',
  'policy-as-code',
  'operations',
  'sweep',
  'customer-notifications',
  'notifications',
  'channels/slack',
  'channels/approval-link',
  'channels/email',
  'inspection',
  'approvals',
  'reconcile',
  'events',
  'policy',
  'services',
  'connections',
  'audit',
  'allowlist',
  'verdicts',
  'approvers',
  'customers',
  'privatelink',
  'mode',
  'outbox',
  'checks',
  'storage',
  'locations',
  'runtime',
  'values',
];

/** The imported files of this repository by importing file, type imports included. */
const imports = new Map(folders.flatMap(listFiles).map((file) => [file, readImports(file)]));

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function readImports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const paths = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].flatMap(([, path]) => path ?? []);
  return paths.map((path) => relative(root, join(root, dirname(file), path)));
}

const importsBetween = (from: RegExp, to: RegExp) =>
  [...imports].flatMap(([file, those]) =>
    from.test(file) ? those.filter((each) => to.test(each)).map((each) => `${file} imports ${each}`) : [],
  );

describe('imports', () => {
  test('have no cycles', () => {
    expect(findCircles()).toEqual([]);
  });

  test('of lib point down its layers', () => {
    const upward = [...imports].flatMap(([file, those]) =>
      those
        .filter((each) => each.startsWith('lib/') && file.startsWith('lib/'))
        .filter((each) => findLayer(each) < findLayer(file))
        .map((each) => `${file} imports ${each}`),
    );
    expect(upward).toEqual([]);
  });

  test('of lib point down the layers that docs/contributing/architecture.md draws', () => {
    const [, diagram = ''] = readPage('docs/contributing/architecture.md').fences.map(({ text }) => text);
    const diagramLayers = [...diagram.matchAll(/^ {4}(\S.*)$/gm)].flatMap(([, chain = '']) =>
      chain.split(' --> '),
    );
    expect(diagramLayers).toEqual([...new Set(layers.map((layer) => layer.replace(/\/.*/, '')))]);
  });

  test('of lib are all between its layers', () => {
    const folders = [...imports.keys()].filter((file) => file.startsWith('lib/'));
    expect(folders.filter((file) => findLayer(file) < 0)).toEqual([]);
  });

  test.each([
    [
      'lib imports neither functions nor the command line nor the sandbox',
      /^lib\//,
      /^(functions|cli|sandbox)\//,
    ],
    ['only lib/aws/deps.ts imports the rules', /^lib\/(?!aws\/deps\.ts)/, /^rules\//],
    [
      'connection rules import nothing of lib but policy and the effective entry',
      /^rules\/connection\//,
      /^lib\/(?!policy\/|allowlist\/effective-entry)/,
    ],
    ['only functions import lib/aws/deps.ts', /^(?!functions\/)/, /^lib\/aws\/deps\.ts$/],
    ['only lib/aws imports an SDK client', /^lib\/(?!aws\/)/, /^@aws-sdk\/client-/],
    ['deployed code does not import the sandbox', /^(functions|rules|cli)\//, /^sandbox\//],
  ])('%s', (_what, from, to) => {
    expect(importsBetween(from, to)).toEqual([]);
  });
});

test('only tests in the folders of jest.config.mjs for them need the package', () => {
  const outside = listFiles('test').filter(
    (file) => file.endsWith('.test.ts') && !packaged.some((folder) => file.startsWith(`test/${folder}/`)),
  );
  const needsPackage = /'([^']*\/)?\.serverless\b|'(\.\.\/)+(sandbox\/main|e2e\/sandbox\.ts)/;
  expect(outside.filter((file) => needsPackage.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

/** Returns the layer of a file of lib, counted from the top; -1 for a file outside the layers. */
function findLayer(file: string): number {
  return layers.findIndex((layer) => file.startsWith(`lib/${layer}/`));
}

/** Returns the import cycles. */
function findCircles(): string[] {
  const isDone = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) circles.push([...way.slice(at), file].join(' > '));
    if (at >= 0 || isDone.has(file)) return;
    for (const next of imports.get(file) ?? []) walk(next, [...way, file]);
    isDone.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return circles;
}
