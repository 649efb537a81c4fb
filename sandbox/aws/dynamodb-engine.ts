import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Engine {
  readonly url: string;
  /** The prefix of each access key. It separates the tables of this sandbox from others in a shared engine. */
  readonly tenant: string;
  stop(): void;
}

const installHints = `the sandbox needs a DynamoDB engine, and none was found. Either put \`dynoxide\` on the PATH (https://github.com/nubo-db/dynoxide), or run DynamoDB Local (docker run -p 8000:8000 amazon/dynamodb-local) and set DYNAMODB_ENDPOINT=http://127.0.0.1:8000`;

/** Uses the engine at `DYNAMODB_ENDPOINT`, or starts one for the file: the package's binary, or one on the PATH. */
export async function startEngine(
  { file, tenant }: { readonly file: string; readonly tenant: string },
  environment: NodeJS.ProcessEnv = process.env,
  bundledBinary = packagedBinary,
): Promise<Engine> {
  const { DYNAMODB_ENDPOINT } = environment;
  if (DYNAMODB_ENDPOINT) return { url: DYNAMODB_ENDPOINT, tenant, stop() {} };
  const binary = bundledBinary() ?? binaryOnPath(environment);
  if (binary) return spawnEngine(binary, file);
  throw new Error(installHints);
}

function packagedBinary(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/dynoxide`);
  } catch {
    return undefined;
  }
}

function binaryOnPath({ PATH = '' }: NodeJS.ProcessEnv): string | undefined {
  return PATH.split(delimiter)
    .map((folder) => join(folder, 'dynoxide'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

// The shell reads a pipe of this process. When this process ends, even by SIGKILL, the shell kills the engine.
const untilPipeCloses =
  '"$0" --host "$1" --port "$2" --db-path "$3" & engine=$!; cat > /dev/null; kill -9 $engine';

async function spawnEngine(binary: string, file: string): Promise<Engine> {
  const host = loopbackAddress();
  const port = await freePort(host);
  const child = spawn('sh', ['-c', untilPipeCloses, binary, host, String(port), file], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  await waitUntilListening(host, port);
  indexStreamRecords(file);
  return { url: `http://${host}:${port}`, tenant: '', stop: () => void child.stdin.end() };
}

/**
 * Adds the index that the engine's stream lacks: each write of dynoxide 1.2.1 reads all stream records for the next sequence number,
 * 12 ms after 18,000 writes. A version with other tables works without the index.
 */
function indexStreamRecords(file: string): void {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    database.exec(
      'CREATE INDEX IF NOT EXISTS linkgate_sequence ON _stream_records (table_name, CAST(sequence_number AS INTEGER))',
    );
  } catch (error) {
    if (!/no such (table|column)/.test(String(error))) throw error;
  } finally {
    database.close();
  }
}

/** The engine answers any web page that finds its port. A random loopback address of Linux makes that impractical. */
function loopbackAddress(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return ['127', ...Array.from({ length: 3 }, () => randomInt(1, 255))].join('.');
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function waitUntilListening(host: string, port: number): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (await acceptsConnections(host, port)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the DynamoDB engine does not answer on ${host}:${port}`);
}

function acceptsConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}
