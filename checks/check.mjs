// Everything that needs no test: formatting, lint, types, unused code, the lock files. `--fix` mends what can be mended.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const tool = (name) => `${here}node_modules/.bin/${name}`;
const fix = process.argv.includes('--fix');

if (!existsSync(tool('biome')) && !install()) process.exit(1);

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
  ['lock file', ...lockFile('package-lock.json')],
  ['lock file of the checks', ...lockFile('checks/package-lock.json')],
];
const failed = checks.filter(([what, command, args]) => !run(what, command, args, root));
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.map(([what]) => what).join(', ')}`);
  process.exit(1);
}

function install() {
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  return run('installing what only the checks need', 'npm', ['ci', ...quietly], here);
}

function run(what, command, args, cwd) {
  console.log(`── ${what}`);
  return spawnSync(command, args, { cwd, stdio: 'inherit' }).status === 0;
}
