import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

/**
 * Installs a folder's packages with `npm ci` where they are not there as its lock file says now.
 * @param {string} folder ends with a slash
 * @returns {boolean} whether they are there
 */
export function installWhatIsMissing(folder) {
  if (isInstalled(folder)) return true;
  console.error('Installing what is missing (npm ci) …');
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', ['ci', ...quietly], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) console.error('npm ci failed: mend what it says above, and try again.');
  return status === 0;
}

/** Whether what is in node_modules was installed from the lock file as it is now. */
function isInstalled(folder) {
  const installed = `${folder}node_modules/.package-lock.json`;
  return (
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${folder}package-lock.json`).mtimeMs
  );
}
