#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

// The machine's own Node.js may be too old to run TypeScript without a build.
const nodeOfLambda = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const isOld = Number.parseInt(process.versions.node, 10) < 24;

if (isOld && existsSync(nodeOfLambda) && realpathSync(nodeOfLambda) !== process.execPath) runOn(nodeOfLambda);
else if (isOld && !process.features.typescript) {
  console.error(
    `error: linkgate needs Node 24, and this is ${process.version}: run \`npm ci\` in ${fileURLToPath(new URL('..', import.meta.url))}, which brings it`,
  );
  process.exitCode = 1;
} else {
  // A reader such as `head` closes the pipe early, which is no failure.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}

function runOn(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
