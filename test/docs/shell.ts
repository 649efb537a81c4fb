import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fence } from './page.ts';
import { freePort, type Program, startProgram } from './program.ts';

/** Runs the blocks of a page: each command in one shell, and `npm start` in another process. */
export interface Shell {
  /** @returns the output */
  run(fence: Fence): Promise<string>;
  close(): Promise<void>;
}

/**
 * The prelude of the shell: `npx linkgate` runs this repository's command line directly, and an error ends a block.
 * Commands that install, deploy or start containers fail.
 */
const prelude = `
exec 2>&1
set -eE -o pipefail
trap 'echo "exit code $? of: $BASH_COMMAND"' ERR
notHere() { echo "$1 is not run by this test: say in the page why, with <!-- not run: … -->"; return 1; }
npx() { case "$1" in linkgate) shift; "$NODE" cli/linkgate.mjs "$@";; node) shift; "$NODE" "$@";; *) notHere "npx $1";; esac; }
npm() { notHere npm; }
docker() { notHere docker; }
`;
const defaultPort = 4570;
const doneMarker = '== pasted the block of line ';

export async function startShell(): Promise<Shell> {
  const home = mkdtempSync(join(tmpdir(), 'linkgate-reader-'));
  const ports = new Map<number, number>();
  let sandbox: Program | undefined;
  let terminal: Program | undefined;

  /** Replaces each port in the text with a free one, because tests run in parallel. */
  async function onFreePorts(text: string): Promise<string> {
    const namedPorts = [defaultPort, ...[...text.matchAll(/--port (\d+)/g)].map(([, port]) => Number(port))];
    for (const port of namedPorts) if (!ports.has(port)) ports.set(port, await freePort());
    return [...ports].reduce(
      (replaced, [port, free]) => replaced.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(free)),
      text,
    );
  }

  async function start(command: string): Promise<string> {
    await sandbox?.stop('SIGINT');
    const flags = command
      .split(/\s+/)
      .slice(2)
      .filter((flag) => flag !== '--');
    const port = command.includes('--port') ? [] : ['--port', String(ports.get(defaultPort))];
    sandbox = startProgram(process.execPath, ['sandbox/main.ts', ...flags, ...port], { HOME: home });
    await sandbox.waitForOutput(
      flags.includes('--empty') || flags.includes('--quiet')
        ? /sandbox ready on .*\n/
        : /Ctrl-C stops the sandbox\.\n/,
    );
    return sandbox.output();
  }

  async function inTerminal({ text, line, exitsWith }: Fence): Promise<string> {
    if (!sandbox) await start('npm start -- --empty');
    terminal ??= openTerminal(home, `http://127.0.0.1:${ports.get(defaultPort)}`);
    const file = join(home, `line-${line}.sh`);
    writeFileSync(file, text);
    const before = terminal.output().length;
    const expecting = exitsWith === 0 ? '' : `&& exit 1 || [ $? = ${exitsWith} ]`;
    terminal.type(`source ${file} < /dev/null ${expecting}\necho "${doneMarker}${line}"\n`);
    await terminal.waitForOutput(new RegExp(`${doneMarker}${line}\n`), before);
    // linkgate finishes before a reader runs the next command: wait until the sandbox is idle.
    await fetch(`http://127.0.0.1:${ports.get(defaultPort)}/_sandbox/idle?timeoutMs=20000`).catch(() => {});
    return terminal.output().slice(before).replace(`${doneMarker}${line}\n`, '');
  }

  return {
    async run(fence) {
      const text = await onFreePorts(fence.text);
      return text.startsWith('npm start') ? start(text.trim()) : inTerminal({ ...fence, text });
    },
    async close() {
      await Promise.all([terminal?.stop('SIGKILL'), sandbox?.stop('SIGTERM')]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function openTerminal(home: string, url: string): Program {
  const terminal = startProgram('bash', ['--norc'], {
    HOME: home,
    NODE: process.execPath,
    NODE_COMPILE_CACHE: join(tmpdir(), 'linkgate-compile-cache'),
    AWS_ENDPOINT_URL: url,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: '111111111111',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_PAGER: '',
  });
  terminal.type(prelude);
  return terminal;
}
