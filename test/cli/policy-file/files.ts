import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from '@jest/globals';
import { CommandError } from '../../../cli/command-error.ts';
import { readPolicyFile } from '../../../cli/policy-file/read-policy-file.ts';
import type { PolicyDocument } from '../../../lib/policy-as-code/document.ts';
import type { ExportedPolicy } from '../../../lib/policy-as-code/export.ts';

export type Files = Readonly<Record<string, string>>;

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Writes files into a new folder, and deletes it after the tests. @returns the folder */
export function writeFolder(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), 'linkgate-policy-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Parses the lines of `policy.yml` below its version for a stage. */
export function parseDocument(lines: string, stage = 'prod', more: Files = {}): PolicyDocument {
  return readPolicyFile(
    join(writeFolder({ 'policy.yml': `version: 1\n${lines}`, ...more }), 'policy.yml'),
  ).resolveDocument(stage);
}

/** Returns the problems of `policy.yml` as `line:column: text`; those of other files begin with the file name. */
export function parseProblems(text: string, more: Files = {}): readonly string[] {
  const folder = writeFolder({ 'policy.yml': text, ...more });
  try {
    readPolicyFile(join(folder, 'policy.yml')).resolveDocument('prod');
    return [];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const [, ...problems] = error.message.split('\n');
    return problems.map((line) => line.replaceAll(`${folder}/`, '').replace(/^policy\.yml:/, ''));
  }
}

/** Removes the source positions. */
export function withoutPositions(document: PolicyDocument): PolicyDocument {
  return JSON.parse(JSON.stringify(document, (key, value) => (key === 'at' ? undefined : value)));
}

/** Returns the policy in the table after an apply of the document. */
export function toStoredPolicy(
  { groups, services, customers, entries }: PolicyDocument,
  managedBy: 'file' | 'person' | 'api' = 'file',
): ExportedPolicy {
  return {
    groups: groups.map((each) => ({ ...each, managedBy })),
    services: services.map((each) => ({ ...each, managedBy })),
    customers: customers.map((each) => ({ ...each, managedBy })),
    entries: entries.map((each) => ({ ...each, managedBy })),
  };
}

/** Parses a whole policy file. */
export function readBack(text: string): PolicyDocument {
  const file = join(writeFolder({ 'policy.yml': text }), 'policy.yml');
  return withoutPositions(readPolicyFile(file).resolveDocument('prod'));
}
