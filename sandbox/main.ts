import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { packageService } from '../packaging/package.mjs';
import { provider, stage } from './accounts.ts';
import { runDemo } from './demo.ts';
import { callLinkgate } from './linkgate-api.ts';
import { StoreError } from './persistence.ts';
import { type Sandbox, startSandbox } from './sandbox.ts';
import { seedApprovers, seedSlackSecrets } from './seed-approvers.ts';

const usage = `Usage: npm start -- [--empty] [--port N] [--data DIR] [--quiet]

  --empty    skips the story and registers nothing
  --port N   listens on port N instead of 4570
  --data DIR keeps all state in DIR, and continues with it
  --quiet    prints only errors and the ready line
`;

interface Flags {
  readonly empty: boolean;
  readonly port: number;
  readonly data: string | undefined;
  readonly quiet: boolean;
}

const packageFolder = join(import.meta.dirname, '..', '.serverless');
const forcedExitMs = 800;

// Halves the memory after a burst for a third more CPU time: V8 otherwise keeps garbage in the heap of each function.
setFlagsFromString('--optimize-for-size');

await main();

async function main() {
  const { empty, port, data, quiet } = readFlags();
  let sandbox: Sandbox | undefined;
  exitOnSignals(() => sandbox?.stop());
  exitOnFailingStore();
  const say = quiet ? () => {} : (line: string) => console.log(line);
  sandbox = await start(port, data, say);
  console.log(`linkgate sandbox ready on ${sandbox.origin}`);
  if (sandbox.isContinued) say(`Continuing with the state in ${data}: ${contentsText(sandbox)}`);
  else if (!empty) await runDemo(sandbox.origin, sandbox.outputs, say);
}

function readFlags(): Flags {
  try {
    const { values } = parseArgs({
      options: {
        empty: { type: 'boolean', default: false },
        port: { type: 'string', default: '4570' },
        data: { type: 'string' },
        quiet: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error(`\`${values.port}\` is not a port`);
    // npm changes to the repository's folder; the path in `--data` is relative to the caller's folder.
    const data =
      values.data === undefined ? undefined : resolve(process.env.INIT_CWD ?? process.cwd(), values.data);
    return { empty: values.empty, port, data, quiet: values.quiet };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

async function start(port: number, data: string | undefined, say: (line: string) => void): Promise<Sandbox> {
  try {
    return await startSandbox({
      port,
      data,
      packageFolder,
      makePackage: async () => {
        say('Packaging linkgate, as for AWS …');
        await packageService(stage);
        say('Starting the sandbox: AWS on this machine, with linkgate deployed in it …');
      },
      onOutput: printErrors,
      prepare: async ({ emulator, outputs: { ApiUrl = '' } }) => {
        seedSlackSecrets(emulator);
        await callLinkgate(ApiUrl, provider.accountId, 'POST', '/setup');
        await seedApprovers(ApiUrl, emulator);
      },
    });
  } catch (error) {
    const isPortInUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    console.error(
      isPortInUse
        ? `Port ${port} is taken: stop what listens there, or choose another with --port N.`
        : `The sandbox cannot start: ${error instanceof Error ? error.message : error}`,
    );
    process.exit(1);
  }
}

function contentsText({ emulator }: Sandbox): string {
  const { services, endpoints } = emulator.privateLink.state;
  return `${pluralize(services, 'service')}, ${pluralize(endpoints, 'connection')}`;
}

function pluralize(record: object, name: string): string {
  const count = Object.keys(record).length;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** Prints the log lines of level ERROR. Functions write one JSON document per line. */
function printErrors(functionName: string, text: string) {
  for (const line of text.split('\n').filter((part) => part.trim() !== ''))
    if (logLevel(line) === 'ERROR') console.error(`${functionName}: ${line}`);
}

function logLevel(line: string): string {
  try {
    return JSON.parse(line).level;
  } catch {
    return 'ERROR';
  }
}

/** npm and its shell may each pass on the signal of one Ctrl-C; only the first counts. */
function exitOnSignals(stop: () => Promise<void> | undefined) {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      setTimeout(() => process.exit(0), forcedExitMs).unref();
      await stop();
      process.exit(0);
    });
}

/** A full disk shows only when the store writes, outside of any request. */
function exitOnFailingStore() {
  process.on('uncaughtException', (error) => {
    console.error(error instanceof StoreError ? `The sandbox has to stop: ${error.message}` : error);
    process.exit(1);
  });
}
