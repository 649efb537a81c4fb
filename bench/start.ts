import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageService } from '../packaging/package.mjs';
import { stage } from '../sandbox/accounts.ts';
import { type Bench, median } from './figure.ts';
import { root } from './package.ts';

const runs = 7;
/** Fewer runs, because packaging is slow. */
const coldRuns = 3;

/** The files that a start needs, without packages and build results. */
const copiedFolders = ['functions', 'lib', 'packaging', 'resources', 'rules', 'sandbox', 'docs'];
const copiedFiles = ['package.json', 'package-lock.json', 'serverless.yml'];

export const start: Bench = {
  name: 'start',
  about: `From process start to the ready line of an empty sandbox, without installing packages: median of ${runs} runs with bundles, ${coldRuns} without.`,
  async measure(say) {
    await packageService(stage);
    const copy = await mkdtemp(join(tmpdir(), 'linkgate-bench-'));
    const [warm, cold]: number[][] = [[], []];
    try {
      for (const path of [...copiedFolders, ...copiedFiles])
        await cp(join(root, path), join(copy, path), { recursive: true });
      await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
      for (let run = 1; run <= runs; run++) {
        say(`starting, round ${run} of ${runs}`);
        warm?.push(await measureTimeToReady(root));
        if (run > coldRuns) continue;
        for (const buildFolder of ['.serverless', '.build'])
          await rm(join(copy, buildFolder), { recursive: true, force: true });
        cold?.push(await measureTimeToReady(copy));
      }
    } finally {
      await rm(copy, { recursive: true });
    }
    const warmMs = median(warm ?? []);
    return [
      {
        name: 'without bundles',
        value: median(cold ?? []),
        unit: 'ms',
        baseline: { name: 'with bundles', value: warmMs },
      },
    ];
  },
};

/** Starts a sandbox, returns the milliseconds until it is ready, and stops it. */
async function measureTimeToReady(cwd: string): Promise<number> {
  const startedAt = performance.now();
  const node = [
    '--disable-warning=ExperimentalWarning',
    'sandbox/main.ts',
    '--empty',
    '--quiet',
    '--port',
    '0',
  ];
  const child = spawn(process.execPath, node, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    return await new Promise((resolve, reject) => {
      child.stdout.on('data', (text) => {
        if (String(text).includes('linkgate sandbox ready')) resolve(performance.now() - startedAt);
      });
      void ended.then(() => reject(new Error('the sandbox ended before it was ready')));
    });
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
