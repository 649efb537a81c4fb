// Runs all checks that are not tests: formatting, lint, types, unused code, lock files, packaged template. `--fix`
// repairs formatting and lint.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installWhatIsMissing } from '../install.mjs';
import { packageService } from '../packaging/package.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const template = '.serverless/cloudformation-template-update-stack.json';
const tool = (name) => `${here}node_modules/.bin/${name}`;
const fix = process.argv.includes('--fix');

if (!installWhatIsMissing(here)) process.exit(1);
await packageService('local');

const lockFile = (path) => [
  tool('lockfile-lint'),
  [
    '--path',
    path,
    '--type',
    'npm',
    '--validate-integrity',
    '--allowed-hosts',
    'npm',
    '--empty-hostname',
    'true',
  ],
];
const checks = [
  ['formatting and lint', tool('biome'), ['check', ...(fix ? ['--write'] : ['--error-on-warnings'])]],
  ['types', tool('tsc'), ['-p', '.']],
  ['unused code', tool('knip'), ['--config', 'checks/knip.json', '--no-progress']],
  ['the words of the glossary', process.execPath, [`${here}glossary.mjs`]],
  ['lock file', ...lockFile('package-lock.json')],
  ['lock file of the checks', ...lockFile('checks/package-lock.json')],
  ['the template, by cdk-nag', process.execPath, [`${here}nag.mjs`, template]],
];
if (has('cfn-lint'))
  checks.push(['the template, by cfn-lint', 'cfn-lint', ['--non-zero-exit-code', 'warning', template]]);
else console.warn('NOT CHECKED: cfn-lint is not on this machine (pip install cfn-lint)');

const failed = checks.filter(([what, command, args]) => !run(what, command, args));
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.map(([what]) => what).join(', ')}`);
  process.exit(1);
}

function run(what, command, args) {
  console.log(`── ${what}`);
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function has(command) {
  return spawnSync(command, ['--version']).status === 0;
}
