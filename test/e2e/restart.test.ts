import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SQS } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  createEndpoint,
  createService,
  provider,
  type Sandbox,
  startSandboxInItsOwnGroup,
} from './sandbox.ts';

const consumers = {
  '222222222222': 'allowed',
  '777777777777': 'allowed',
  '333333333333': 'blocked',
  '444444444444': 'unknown',
  '888888888888': 'unknown',
} as const;
type ConnectionStatus = (typeof consumers)[keyof typeof consumers];

interface ObservedConnection {
  readonly endpointId: string;
  readonly connectionStatus: ConnectionStatus;
  readonly actions: readonly string[];
  readonly table: string;
  readonly ec2: string | undefined;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

const restarts = 5;
/** Milliseconds of load before each kill, so that requests are at every step. */
const underLoad = [400, 700, 250, 900, 550];

/** The changes that got a response before the kill. */
const requests = new Map<string, ConnectionStatus>();
const decisions = new Map<string, 'approve' | 'deny'>();

let data: string;
let sandbox: Sandbox;

const start = () => startSandboxInItsOwnGroup('--quiet', '--data', data);

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'linkgate-test-'));
  sandbox = await start();
}, 60_000);
afterAll(async () => {
  await sandbox.stop();
  await rm(data, { recursive: true, force: true, maxRetries: 3 });
});

test('a sandbox that is killed under load loses no request and decides none twice', async () => {
  const serviceId = await aRegisteredService();
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });

  for (let restart = 0; restart < restarts; restart += 1) {
    const load = [
      ...Object.entries(consumers).map(([account, connectionStatus]) =>
        consume(account, connectionStatus, serviceId),
      ),
      decideAsAPerson(),
    ];
    await pause(underLoad[restart]);
    await sandbox.kill();
    await Promise.all(load);
    sandbox = await start();
  }
  await waitUntilIdle();

  const ec2States = await describeStates();
  const observed: ObservedConnection[] = [];
  // Sequential, because the API stage throttles.
  for (const [endpointId, connectionStatus] of requests) {
    const { connection, history } = await sandbox.explain(endpointId);
    const actions = history.map(({ action }) => action);
    observed.push({
      endpointId,
      connectionStatus,
      actions,
      table: connection.state,
      ec2: ec2States.get(endpointId),
    });
  }

  expect(observed.length).toBeGreaterThan(restarts * Object.keys(consumers).length);
  for (const { endpointId, connectionStatus, actions, table, ec2 } of observed) {
    const times = (action: string) => actions.filter((one) => one === action).length;
    expect({ endpointId, state: table }).toEqual({ endpointId, state: ec2 });
    expect({ endpointId, actions, decided: times('decided') }).toEqual({ endpointId, actions, decided: 1 });
    expect(times('approved') + times('denied')).toBeLessThanOrEqual(1);
    expect(times('applied')).toBe(ec2 === 'pendingAcceptance' ? 0 : 1);
    if (connectionStatus === 'allowed') expect(ec2).toBe('available');
    if (connectionStatus === 'blocked') expect(ec2).toBe('rejected');
    if (decisions.has(endpointId))
      expect(ec2).toBe(decisions.get(endpointId) === 'approve' ? 'available' : 'rejected');
  }
  expect((await sandbox.linkgate('audit', 'verify')).exitCode).toBe(0);
  expect(await listFilledDeadLetterQueues()).toEqual([]);
}, 120_000);

test('a sandbox that is killed during its start can start again', async () => {
  const requestsBefore = (await describeStates()).size;
  await sandbox.kill();
  for (const milliseconds of [150, 400, 650, 900, 1200]) {
    const starting = spawn(
      process.execPath,
      ['sandbox/main.ts', '--empty', '--quiet', '--port', '0', '--data', data],
      { cwd: root, detached: true, stdio: 'ignore' },
    );
    await pause(milliseconds);
    process.kill(-(starting.pid ?? 0), 'SIGKILL');
  }
  sandbox = await start();
  expect((await describeStates()).size).toBe(requestsBefore);
}, 120_000);

async function aRegisteredService(): Promise<string> {
  const serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId);
  for (const [account, connectionStatus] of Object.entries(consumers))
    if (connectionStatus !== 'unknown')
      await sandbox.json(connectionStatus === 'allowed' ? 'allow' : 'block', account, '--service', serviceId);
  return serviceId;
}

/** Creates endpoints until the sandbox no longer responds. */
async function consume(
  account: string,
  connectionStatus: ConnectionStatus,
  serviceId: string,
): Promise<void> {
  const target = sandbox;
  await untilItFails(async () => {
    requests.set(await createEndpoint(target, account, serviceId), connectionStatus);
    await pause(40);
  });
}

/** Approves and denies waiting requests in turn. */
async function decideAsAPerson(): Promise<void> {
  const target = sandbox;
  await untilItFails(async () => {
    const { connections } = await target.json<{ connections: { endpointId: string }[] }>(
      'connections',
      '--waiting',
    );
    const [pending] = connections.filter(({ endpointId }) => requests.has(endpointId));
    if (!pending) return void (await pause(20));
    const decision = decisions.size % 2 === 0 ? 'approve' : 'deny';
    await target.json(decision, pending.endpointId, '--reason', 'known');
    decisions.set(pending.endpointId, decision);
  });
}

async function untilItFails(work: () => Promise<void>): Promise<void> {
  try {
    for (;;) await work();
  } catch {
    // The sandbox was killed.
  }
}

/** Leases of a killed function expire, and its work continues, after one or two minutes. */
async function waitUntilIdle(): Promise<void> {
  for (let minutes = 0; minutes < 4; minutes += 2) {
    await sandbox.idle();
    await sandbox.advanceClock(120);
    await sandbox.sweep();
  }
}

async function describeStates(): Promise<ReadonlyMap<string, string>> {
  const states = new Map<string, string>();
  let NextToken: string | undefined;
  do {
    const page = await sandbox
      .ec2(provider)
      .describeVpcEndpointConnections({ ...(NextToken !== undefined && { NextToken }) });
    for (const { VpcEndpointId = '', VpcEndpointState = '' } of page.VpcEndpointConnections ?? [])
      states.set(VpcEndpointId, VpcEndpointState);
    NextToken = page.NextToken;
  } while (NextToken);
  return states;
}

/** Returns the dead-letter queues that are not empty. */
async function listFilledDeadLetterQueues(): Promise<string[]> {
  const sqs = new SQS(sandbox.config());
  const { QueueUrls = [] } = await sqs.listQueues({});
  const filledQueues: string[] = [];
  for (const QueueUrl of QueueUrls.filter((url) => /dlq|dead/i.test(url))) {
    const { Attributes } = await sqs.getQueueAttributes({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages'],
    });
    if (Attributes?.ApproximateNumberOfMessages !== '0') filledQueues.push(QueueUrl);
  }
  sqs.destroy();
  return filledQueues;
}
