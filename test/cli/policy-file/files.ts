import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandError } from '../../../cli/command-error.ts';
import { readPolicyFile } from '../../../cli/policy-file/read.ts';
import type { PolicyDocument } from '../../../lib/policy-as-code/document.ts';

export type Files = Readonly<Record<string, string>>;

/** Puts files into a folder of their own. @returns the folder */
export function writeFolder(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), 'linkgate-policy-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** What the lines of `policy.yml`, below its version, say at a stage. */
export function parseDocument(lines: string, stage = 'prod', more: Files = {}): PolicyDocument {
  return readPolicyFile(
    join(writeFolder({ 'policy.yml': `version: 1\n${lines}`, ...more }), 'policy.yml'),
  ).documentAt(stage);
}

/** All that is wrong with `policy.yml`, each as `line:column: words`; of other files with their names before. */
export function parseProblems(text: string, more: Files = {}): readonly string[] {
  const folder = writeFolder({ 'policy.yml': text, ...more });
  try {
    readPolicyFile(join(folder, 'policy.yml')).documentAt('prod');
    return [];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const [, ...told] = error.message.split('\n');
    return told.map((line) => line.replaceAll(`${folder}/`, '').replace(/^policy\.yml:/, ''));
  }
}

/** Without where things stand. */
export function withoutPositions(document: PolicyDocument): PolicyDocument {
  return JSON.parse(JSON.stringify(document, (key, value) => (key === 'at' ? undefined : value)));
}
