import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Sandbox } from '../test/e2e/sandbox.ts';

/** Returns the resident memory of the sandbox's process in MiB. */
export async function readMemory(sandbox: Sandbox): Promise<number> {
  return Number(await readProcess(sandbox, 'rss')) / 1024;
}

/** Returns the CPU time of the sandbox's process, which runs the functions too, in seconds. */
export async function readCpuSeconds(sandbox: Sandbox): Promise<number> {
  return Number(await readProcess(sandbox, 'cputimes'));
}

async function readProcess({ process: { pid } }: Sandbox, field: string): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-o', `${field}=`, '-p', String(pid)]);
  return stdout;
}
