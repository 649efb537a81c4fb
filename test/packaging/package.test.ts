import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stageForm } from '../../lib/stage.mjs';
import { inputs } from '../../packaging/package.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const elsewhere = mkdtempSync(join(tmpdir(), 'linkgate-package-'));

beforeAll(async () => {
  for (const path of globSync(inputs, { cwd: root })) cpSync(join(root, path), join(elsewhere, path));
  symlinkSync(join(root, 'node_modules'), join(elsewhere, 'node_modules'));
  await serverless('package', '--stage', 'local');
}, 60_000);

afterAll(() => rmSync(elsewhere, { recursive: true }));

function serverless(...args: string[]) {
  const program = join(root, 'node_modules/serverless/bin/serverless.js');
  return promisify(execFile)(process.execPath, [program, ...args], { cwd: elsewhere });
}

/** By name: the digest of each bundle, zipped. */
function zipsOf(folder: string): Record<string, string> {
  const zips = readdirSync(join(folder, '.serverless')).filter((name) => name.endsWith('.zip'));
  const digest = (zip: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, '.serverless', zip)))
      .digest('hex');
  return Object.fromEntries(zips.map((zip) => [zip, digest(zip)]));
}

function templateOf(folder: string): string {
  return readFileSync(join(folder, '.serverless/cloudformation-template-update-stack.json'), 'utf8');
}

test('the same sources make the same zips, in another folder and at another time', () => {
  expect(Object.keys(zipsOf(root)).length).toBeGreaterThan(0);
  expect(zipsOf(elsewhere)).toEqual(zipsOf(root));
});

test('they make the same template but for the time of packaging, by which Serverless keeps deployments apart', () => {
  const withoutTime = (template: string) => template.replaceAll(/\d{13}-\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
  expect(withoutTime(templateOf(elsewhere))).toBe(withoutTime(templateOf(root)));
});

test('the stack says what it is', () => {
  expect(JSON.parse(templateOf(elsewhere)).Description).toBe(
    'linkgate (stage local) decides who may connect to PrivateLink endpoint services',
  );
});

test('a table that exists is named with its stream or not at all', async () => {
  await expect(serverless('package', '--param', 'table=restored')).rejects.toMatchObject({
    stdout: expect.stringContaining('name both'),
  });
}, 60_000);

test.each(['Prod', 'twenty-nine-characters-of-it-'])(
  'a stage is named as the command line takes it, and not %s',
  async (stage) => {
    await expect(serverless('package', '--stage', stage)).rejects.toMatchObject({
      stdout: expect.stringContaining(stageForm),
    });
  },
  60_000,
);
