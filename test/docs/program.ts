import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from './page.ts';

/** An interactive process. */
export interface Program {
  readonly output: () => string;
  type(text: string): void;
  /** Waits for output. @throws an error with the output since, if the process ends or times out */
  waitForOutput(pattern: RegExp, since?: number): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** A limit against hanging. */
const outputTimeoutMs = 60_000;

export function startProgram(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Program {
  const child = spawn(file, args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    stdio: 'pipe',
  });
  let printed = '';
  let check = () => {};
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text) => {
      printed += text;
      check();
    });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    output: () => printed,
    type: (text) => child.stdin?.write(text),
    async waitForOutput(pattern, since = 0) {
      const matched = new Promise<true>((resolve) => {
        check = () => pattern.test(printed) && resolve(true);
        check();
      });
      if (!(await Promise.race([matched, ended, pause(outputTimeoutMs, undefined, { ref: false })])))
        throw new Error(printed.slice(since));
    },
    async stop(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject()));
    });
  });
}
