// Runs a program of this repository as Lambda would: installs what is missing, and starts it on Node 24, which comes as
// a package. The machine's own Node only has to be able to read this file.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { installWhatIsMissing } from './install.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));
const nodeOfLambda = `${root}node_modules/.bin/node`;

if (!installWhatIsMissing(root)) process.exit(1);
run(nodeToRunOn(), ['--disable-warning=ExperimentalWarning', ...process.argv.slice(2)]);

function nodeToRunOn() {
  const major = Number.parseInt(process.versions.node, 10);
  if (major === 24) return process.execPath;
  if (existsSync(nodeOfLambda)) return nodeOfLambda;
  if (major >= 22) {
    console.error(
      `There is no package of Node 24 for ${process.platform} ${process.arch}: running on ${process.version}.`,
    );
    return process.execPath;
  }
  console.error(
    `linkgate needs Node 24 here, of which there is no package for ${process.platform} ${process.arch}: install it from https://nodejs.org.`,
  );
  return process.exit(1);
}

function run(node, args) {
  // The sandbox runs each function in a thread, and glibc would keep freed memory of each.
  const env = { MALLOC_ARENA_MAX: '2', ...process.env };
  const child = spawn(node, args, { cwd: root, stdio: 'inherit', env });
  // A terminal sends its signals to the whole process group; who sends one to this process alone means the program.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
