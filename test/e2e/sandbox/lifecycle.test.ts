import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const hasAwsCli = spawnSync('aws', ['--version']).status === 0;
if (!hasAwsCli)
  console.warn('NOT CHECKED: what the story says to type into the AWS CLI, which is not on this machine');

const hasPs = spawnSync('ps', ['-eo', 'pgid=,stat=,args=']).status === 0;
if (!hasPs) console.warn('NOT CHECKED: that no process is left behind, for want of `ps`');
const testOfProcesses = hasPs ? test : test.skip;

interface SandboxRun {
  readonly process: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly exited: Promise<number | null>;
}

const runs: SandboxRun[] = [];
let port = 0;
let blocker: Server | undefined;

/** Starts the sandbox like `npm start`, with its own process group and port, because tests run in parallel. */
async function start(...flags: string[]): Promise<SandboxRun> {
  port = await freePort();
  return run('--port', String(port), ...flags);
}

function run(...flags: string[]): SandboxRun {
  const child = spawn(process.execPath, ['run.mjs', 'sandbox/main.ts', ...flags], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const started = { process: child, out: () => out, err: () => err, exited };
  runs.push(started);
  return started;
}

const isReady = ({ out }: SandboxRun) => until(() => out().includes('linkgate sandbox ready on '));

/** Has a timeout, so that a process that does not end fails its test only. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 25_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not become so');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Lists the live processes of the run with `ps`. */
function survivors({ process: { pid } }: SandboxRun): string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([group, state = 'Z']) => group === String(pid) && !state.startsWith('Z'))
    .map(([, , ...args]) => args.join(' '));
}

function findChild(parent: number | undefined): number {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  const processes = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return processes.find(([, ppid]) => ppid === parent)?.[0] ?? 0;
}

const signalGroup = ({ process: { pid = 0 } }: SandboxRun, signal: NodeJS.Signals) =>
  process.kill(-pid, signal);

afterEach(() => {
  for (const started of runs.splice(0)) {
    try {
      signalGroup(started, 'SIGKILL');
    } catch {
      // The process group has ended.
    }
  }
  blocker?.close();
});

describe('npm start', () => {
  testOfProcesses(
    'with --quiet prints one line, and a signal to the process group ends all of it',
    async () => {
      const started = await start('--empty', '--quiet');
      await isReady(started);
      expect(survivors(started).some((command) => command.includes('dynoxide'))).toBe(true);
      // Ctrl-C signals the whole process group.
      signalGroup(started, 'SIGINT');
      expect(await started.exited).toBe(0);
      expect(started.out()).toBe(`linkgate sandbox ready on http://127.0.0.1:${port}\n`);
      expect(started.err()).toBe('');
      await until(() => survivors(started).length === 0);
    },
    30_000,
  );

  testOfProcesses(
    'stops before it is ready, too',
    async () => {
      const started = await start('--empty');
      await until(() => started.out() !== '');
      signalGroup(started, 'SIGINT');
      expect(await started.exited).toBe(0);
      await until(() => survivors(started).length === 0);
    },
    30_000,
  );

  const kills: readonly (readonly [what: string, kill: (started: SandboxRun) => void])[] = [
    ['its process group', (started) => signalGroup(started, 'SIGKILL')],
    ['the sandbox alone', (started) => process.kill(findChild(started.process.pid), 'SIGKILL')],
  ];
  for (const [what, kill] of kills)
    testOfProcesses(
      `leaves no process behind when ${what} is killed`,
      async () => {
        const started = await start('--empty', '--quiet');
        await isReady(started);
        kill(started);
        expect(await started.exited).not.toBe(0);
        await until(() => survivors(started).length === 0);
      },
      30_000,
    );

  test('reports a port in use in one sentence', async () => {
    const blockingServer = createServer();
    blocker = blockingServer;
    port = await freePort();
    await new Promise<void>((resolve) => blockingServer.listen(port, '127.0.0.1', resolve));
    const started = run('--empty', '--port', String(port));
    expect(await started.exited).toBe(1);
    expect(started.err()).toBe(
      `Port ${port} is taken: stop what listens there, or choose another with --port N.\n`,
    );
    expect(started.out()).toBe('');
  }, 120_000);

  test.each([
    [['--fast'], '--fast'],
    [['--port', 'http'], '`http` is not a port'],
    [['--port', ''], '`` is not a port'],
    [['--port', '65536'], '`65536` is not a port'],
    [['--port', '1e3'], '`1e3` is not a port'],
    [['now'], 'now'],
  ])('with %j prints the usage', async (flags, problem) => {
    const started = run(...flags);
    expect(await started.exited).toBe(2);
    expect(started.err()).toContain(problem);
    expect(started.err()).toContain('Usage: npm start -- [--empty] [--port N] [--data DIR] [--quiet]');
  });
});

describe('npm start --data', () => {
  test('continues with its state on any port, runs no story again, and locks its folder', async () => {
    const data = await mkdtemp(join(tmpdir(), 'linkgate-test-'));
    const first = await start('--data', data);
    await until(() => first.out().includes('Ctrl-C stops the sandbox.'));
    const second = await start('--data', data, '--quiet');
    expect(await second.exited).toBe(1);
    expect(second.err()).toBe(
      `The sandbox cannot start: \`${data}/sandbox.sqlite\` is in use by another sandbox: stop that one, or choose another folder\n`,
    );
    signalGroup(first, 'SIGKILL');
    await first.exited;

    const third = await start('--data', data);
    await until(() => third.out().includes('Continuing'));
    expect(third.out()).toContain(`Continuing with the state in ${data}: 1 service, 3 connections`);
    expect(third.out()).not.toContain('A provider');
    signalGroup(third, 'SIGINT');
    expect(await third.exited).toBe(0);
    await rm(data, { recursive: true });
  }, 90_000);

  test('refuses a folder with other files before packaging', async () => {
    const started = await start('--data', join(root, 'docs'));
    expect(await started.exited).toBe(1);
    expect(started.out()).toBe('');
    expect(started.err()).toBe(
      `The sandbox cannot start: \`${join(root, 'docs')}\` has files other than the state of a sandbox\n`,
    );
  }, 120_000);
});

describe('the story', () => {
  test('has a provider and three consumers, and ends with working commands', async () => {
    const started = await start();
    await until(() => started.out().includes('Ctrl-C stops the sandbox.'));
    const [startOutput = '', nextSteps = ''] = started.out().split('\nWhat to try next');
    expect(started.err()).toBe('');
    expect(startOutput.replaceAll(/ \(\d+ ms\)/g, '').split('\n')).toEqual([
      'Packaging linkgate, as for AWS …',
      'Starting the sandbox: AWS on this machine, with linkgate deployed in it …',
      `linkgate sandbox ready on http://127.0.0.1:${port}`,
      '',
      'A provider, account 111111111111:',
      '  makes an endpoint service that asks before anybody connects',
      '  registers it with linkgate as `payments`',
      '  allows account 222222222222',
      '  allows account 555555555555',
      '  blocks account 333333333333',
      '',
      'A consumer, account 222222222222, allowed:',
      '  creates an endpoint',
      '  is connected: linkgate accepted it',
      '',
      'A consumer, account 444444444444, not on the list:',
      '  creates an endpoint',
      '  waits: a person has to decide',
      '',
      'A consumer, account 333333333333, blocked:',
      '  creates an endpoint',
      '  is rejected by linkgate',
      '',
    ]);
    for (const line of startOutput.split('\n').filter((text) => text.startsWith('  ')))
      expect(line).toMatch(/ \(\d+ ms\)$/);

    const commands = nextSteps
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => line.trim());
    const settings = commands.filter((command) => command.startsWith('export '));
    const { linkgate = [], aws = [] } = Object.groupBy(
      commands.filter((command) => !settings.includes(command)),
      (command) => (command.startsWith('npx linkgate ') ? 'linkgate' : 'aws'),
    );
    expect(linkgate).toHaveLength(3);
    expect(aws).toHaveLength(1);
    const runPasted = (command: string) => inShell([...settings, command].join('\n'));
    const [connections, explanation, approval] = linkgate.map(runPasted);
    expect(connections).toMatchObject({ status: 0, stdout: expect.stringContaining('444444444444') });
    expect(explanation).toMatchObject({ status: 0, stdout: expect.stringContaining('account') });
    expect(approval).toMatchObject({ status: 0, stdout: expect.stringContaining('is approved') });
    if (hasAwsCli)
      for (const command of aws)
        expect(runPasted(command)).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('VpcEndpointConnections'),
        });
  }, 60_000);
});

/** Runs a script in a shell without credentials, in which `npx` finds the repository's command. */
function inShell(script: string) {
  const { PATH, HOME } = process.env;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH, HOME },
  });
  return { status, stdout, stderr };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
