import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { EC2 } from '@aws-sdk/client-ec2';
import { main } from '../../cli/main.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const provider = '111111111111';

/** Consumers by their usual entry in the allowlist. */
export const accounts = {
  allowed: '222222222222',
  blocked: '333333333333',
  unknown: '444444444444',
  limited: '555555555555',
};

export interface Explanation {
  readonly connection: { readonly state: string; readonly differs: string | null };
  readonly verdict: {
    readonly outcome: string;
    readonly findings: readonly { readonly rule: string; readonly reason: string }[];
  } | null;
  readonly history: readonly { readonly action: string; readonly actor: string; readonly reason?: string }[];
}

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Call {
  readonly principal: string;
  readonly service: string;
  readonly action: string;
  readonly status: number;
}

/** The clients of a sandbox. */
export type Clients = ReturnType<typeof createClients>;

/** A sandbox in a process of its own, with linkgate's package deployed in it, and its clients. */
export interface Sandbox extends Clients {
  /** The output of stdout and stderr. */
  readonly output: () => string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
  /** Ends the process with SIGKILL; with its own process group, its children too. */
  kill(): Promise<void>;
}

export function startSandbox(...flags: string[]): Promise<Sandbox> {
  return start(flags, { ownGroup: false });
}

/** Starts a sandbox in its own process group, so that one kill ends all its processes. */
export function startSandboxInItsOwnGroup(...flags: string[]): Promise<Sandbox> {
  return start(flags, { ownGroup: true });
}

async function start(flags: readonly string[], { ownGroup }: { ownGroup: boolean }): Promise<Sandbox> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, ['sandbox/main.ts', '--empty', '--port', String(port), ...flags], {
    cwd: root,
    detached: ownGroup,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([
    waitUntil(() => printed.includes(`linkgate sandbox ready on ${url}`), startTimeoutMs),
    exited.then(() => {
      throw new Error(`the sandbox ended before it was ready:\n${printed}`);
    }),
  ]).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });

  const clients = createClients(url);
  return {
    ...clients,
    process: child,
    output: () => printed,
    async stop() {
      clients.close();
      child.kill('SIGTERM');
      await exited;
    },
    async kill() {
      clients.close();
      process.kill(ownGroup ? -(child.pid ?? 0) : (child.pid ?? 0), 'SIGKILL');
      await exited;
    },
  };
}

export function createClients(url: string) {
  const ec2Clients = new Map<string, EC2>();
  const sandbox = {
    url,
    ec2(accountId: string): EC2 {
      const client = ec2Clients.get(accountId) ?? new EC2(sandbox.config(accountId));
      ec2Clients.set(accountId, client);
      return client;
    },
    /** The configuration of an SDK client. */
    config: (accountId = provider) => ({
      region: 'us-east-1',
      endpoint: url,
      credentials: { accessKeyId: accountId, secretAccessKey: 'sandbox' },
    }),
    /** Calls a path of the sandbox. */
    async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await fetch(`${url}${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    /** Waits until no work is in flight. */
    async idle(): Promise<void> {
      await sandbox.ask('GET', '/_sandbox/idle?timeoutMs=60000');
    },
    async advanceClock(seconds: number): Promise<void> {
      await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: seconds });
    },
    async waitForBatch() {
      await sandbox.idle();
      await sandbox.advanceClock(11);
      await sandbox.idle();
    },
    /** Runs the scheduled sweeps at once. */
    async sweep(): Promise<void> {
      await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
      await sandbox.idle();
    },
    assume: (assumptions: object): Promise<void> => sandbox.ask('PUT', '/_sandbox/assumptions', assumptions),
    /** Replaces the faults. */
    setFaults: (...faults: readonly object[]): Promise<void> =>
      sandbox.ask('PUT', '/_sandbox/faults', faults),
    async mails(): Promise<readonly Mail[]> {
      return (await sandbox.ask<{ messages: readonly Mail[] }>('GET', '/mail')).messages;
    },
    async calls(principal?: string): Promise<readonly Call[]> {
      const query = principal === undefined ? '' : `?principal=${principal}`;
      return (await sandbox.ask<{ calls: readonly Call[] }>('GET', `/_sandbox/calls${query}`)).calls;
    },
    /** Creates an endpoint, and waits until no work is in flight. */
    async connect(accountId: string, serviceId: string): Promise<string> {
      const endpointId = await createEndpoint(sandbox, accountId, serviceId);
      await sandbox.idle();
      return endpointId;
    },
    waitForState: (endpointId: string, state: string): Promise<void> =>
      waitUntil(async () => (await describeState(sandbox, endpointId)) === state),
    explain: (endpointId: string): Promise<Explanation> => sandbox.json<Explanation>('explain', endpointId),
    /** Waits until no work is in flight. @returns the actions in the history of a connection */
    async listActions(endpointId: string): Promise<string[]> {
      await sandbox.idle();
      return (await sandbox.explain(endpointId)).history.map(({ action }) => action);
    },
    /** Runs the command line as the provider. */
    async linkgate(...args: string[]) {
      let stdout = '';
      let stderr = '';
      // The SDK reads the endpoint from the environment of the process.
      process.env.AWS_ENDPOINT_URL = url;
      const exitCode = await main(args, {
        env: { AWS_ENDPOINT_URL: url },
        stdout: { write: (text) => (stdout += text) },
        stderr: { write: (text) => (stderr += text) },
        clock: {
          sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
          after: () => () => {},
        },
      });
      return { exitCode, stdout, stderr };
    },
    /** Runs the command line with `--json` and parses its output. */
    async json<T>(...args: string[]): Promise<T> {
      const { exitCode, stdout, stderr } = await sandbox.linkgate(...args, '--json');
      if (exitCode !== 0) throw new Error(`linkgate ${args.join(' ')} exited ${exitCode}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
    close(): void {
      for (const client of ec2Clients.values()) client.destroy();
    },
  };
  return sandbox;
}

/** Creates an endpoint service that allows all principals, so that only linkgate decides. */
export async function createService(sandbox: Clients, acceptanceRequired = true): Promise<string> {
  const ec2 = sandbox.ec2(provider);
  const { ServiceConfiguration } = await ec2.createVpcEndpointServiceConfiguration({
    AcceptanceRequired: acceptanceRequired,
    NetworkLoadBalancerArns: [
      `arn:aws:elasticloadbalancing:us-east-1:${provider}:loadbalancer/net/svc/0123456789abcdef`,
    ],
  });
  const serviceId = ServiceConfiguration?.ServiceId ?? '';
  await ec2.modifyVpcEndpointServicePermissions({ ServiceId: serviceId, AddAllowedPrincipals: ['*'] });
  return serviceId;
}

/** Creates an endpoint of a consumer to the service. */
export async function createEndpoint(
  sandbox: Clients,
  accountId: string,
  serviceId: string,
): Promise<string> {
  const { VpcEndpoint } = await sandbox.ec2(accountId).createVpcEndpoint({
    VpcEndpointType: 'Interface',
    VpcId: 'vpc-0123456789abcdef0',
    SubnetIds: ['subnet-0123456789abcdef0'],
    SecurityGroupIds: ['sg-0123456789abcdef0'],
    ServiceName: `com.amazonaws.vpce.us-east-1.${serviceId}`,
  });
  return VpcEndpoint?.VpcEndpointId ?? '';
}

/** Returns the state of a connection in EC2. */
export async function describeState(sandbox: Clients, endpointId: string): Promise<string | undefined> {
  const { VpcEndpointConnections = [] } = await sandbox.ec2(provider).describeVpcEndpointConnections({});
  return VpcEndpointConnections.find(({ VpcEndpointId }) => VpcEndpointId === endpointId)?.VpcEndpointState;
}

/** Polls until the condition holds, with a timeout. */
export async function waitUntil(
  isSo: () => boolean | Promise<boolean>,
  limitMs = defaultTimeoutMs,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it did not become so within ${limitMs / 1000} s: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Limits against hanging, also on a busy machine. */
const defaultTimeoutMs = 30_000;
const startTimeoutMs = 90_000;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject()));
    });
  });
}
