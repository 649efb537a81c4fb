import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Sandbox } from '../test/e2e/sandbox.ts';

/** Returns the resident memory of the sandbox's process in MiB. */
export async function readMemory({ process: { pid } }: Sandbox): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}
