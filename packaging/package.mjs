import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const templateFile = join(root, '.serverless/cloudformation-template-update-stack.json');
const digestFile = join(root, '.build/made-from');

/** The input files of the package, without node_modules. */
export const inputs = [
  '{functions,lib,rules,resources,packaging}/**/*.*',
  'docs/openapi.yml',
  'serverless.yml',
  'stages/*.yml',
  '{package,package-lock,tsconfig}.json',
];

/**
 * Creates the package for AWS with `npx serverless package`, unless it is up to date.
 * @param {string} stage
 * @returns {Promise<void>}
 * @throws {Error} with the output of serverless
 */
export async function packageService(stage) {
  const inputsDigest = digestInputs(stage);
  if (existsSync(digestFile) && readFileSync(digestFile, 'utf8') === `${inputsDigest} ${digestPackage()}`)
    return;
  const serverless = join(root, 'node_modules/serverless/bin/serverless.js');
  // Without the digest file, an interrupted run starts over.
  rmSync(digestFile, { force: true });
  const running = promisify(execFile)(process.execPath, [serverless, 'package', '--stage', stage], {
    cwd: root,
  });
  const stop = () => running.child.kill();
  process.once('exit', stop);
  await running.catch(({ stdout, stderr }) => {
    throw new Error(`packaging failed\n${stdout}${stderr}`);
  });
  process.off('exit', stop);
  mkdirSync(join(root, '.build'), { recursive: true });
  writeFileSync(digestFile, `${inputsDigest} ${digestPackage()}`);
}

/** Detects a package of another stage in the same folder. */
function digestPackage() {
  return existsSync(templateFile)
    ? createHash('sha256').update(readFileSync(templateFile)).digest('hex')
    : 'none';
}

function digestInputs(stage) {
  const hash = createHash('sha256').update(`${stage} ${process.version}`);
  for (const path of inputs.flatMap((pattern) => globSync(pattern, { cwd: root })).sort())
    hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}
