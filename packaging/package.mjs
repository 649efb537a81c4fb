import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const made = join(root, '.serverless/cloudformation-template-update-stack.json');
const madeFrom = join(root, '.build/made-from');

/** All that the package is made from. */
const inputs = ['{functions,lib,rules,resources,packaging}/**/*.*', 'serverless.yml', 'package-lock.json'];

/**
 * Makes the package that goes to AWS, as `npx serverless package` does; nothing is done when nothing changed since.
 * @param {string} stage
 * @throws {Error} with what serverless said
 */
export function packageService(stage) {
  const digest = digestOf(stage);
  if (existsSync(made) && existsSync(madeFrom) && readFileSync(madeFrom, 'utf8') === digest) return;
  const serverless = join(root, 'node_modules/serverless/bin/serverless.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [serverless, 'package', '--stage', stage], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`packaging failed\n${stdout}${stderr}`);
  mkdirSync(join(root, '.build'), { recursive: true });
  writeFileSync(madeFrom, digest);
}

function digestOf(stage) {
  const hash = createHash('sha256').update(`${stage} ${process.version}`);
  for (const path of inputs.flatMap((pattern) => globSync(pattern, { cwd: root })).sort())
    hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}
