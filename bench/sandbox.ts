import { DescribeVpcEndpointConnectionsCommand } from '@aws-sdk/client-ec2';
import type { RecordedCall } from '../sandbox/call-log.ts';
import { createEndpoint, createService, provider, type Sandbox, startSandbox } from '../test/e2e/sandbox.ts';
import type { Bench, Figure } from './figure.ts';
import { readCpuSeconds, readMemory } from './process.ts';

const consumer = '222222222222';
const serviceCount = 5;
const requests = 2_000;
/** The number of concurrent creations. */
const concurrency = 20;

export const sandbox: Bench = {
  name: 'sandbox',
  about: `${requests.toLocaleString('en')} pending requests of an allowed account at ${serviceCount} services, with EC2's token buckets, until the last state is recorded. A conflict is a transaction that found a newer record.`,
  async measure(say) {
    say('starting');
    const running = await startSandbox('--quiet');
    try {
      await running.ask('PUT', '/_sandbox/throttling', { enabled: false });
      await running.ask('PUT', '/_sandbox/schedules', { enabled: false });
      const before = await readMemory(running);
      const serviceIds = await Promise.all(
        Array.from({ length: serviceCount }, () => createService(running)),
      );
      await running.json('allow', consumer, '--service', '*');
      say(`${requests} requests`);
      await createAll(running, serviceIds);
      await running.idle();
      return [
        ...(await measureBurst(running, serviceIds, say)),
        {
          name: 'memory afterwards',
          value: await readMemory(running),
          unit: 'MiB',
          baseline: { name: 'before', value: before },
        },
      ];
    } finally {
      await running.stop();
    }
  },
};

async function createAll(running: Sandbox, serviceIds: readonly string[]): Promise<void> {
  let remaining = requests;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (remaining-- > 0)
        await createEndpoint(running, consumer, serviceIds[remaining % serviceIds.length] ?? '');
    }),
  );
}

/** Registers the services, and waits until all requests are accepted and recorded. */
async function measureBurst(
  running: Sandbox,
  serviceIds: readonly string[],
  say: (progress: string) => void,
): Promise<Figure[]> {
  await running.ask('PUT', '/_sandbox/throttling', { enabled: true });
  await running.ask('PUT', '/_sandbox/schedules', { enabled: true });
  await running.ask('DELETE', '/_sandbox/calls');
  say('accepting');
  const cpuBefore = await readCpuSeconds(running);
  const startedAt = performance.now();
  for (const serviceId of serviceIds) await running.json('service', 'add', serviceId);
  await waitUntilIdle(running);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = (await readCpuSeconds(running)) - cpuBefore;
  const { calls } = await running.ask<{ calls: readonly RecordedCall[] }>('GET', '/_sandbox/calls');
  const accepted = await countAccepted(running, serviceIds);
  if (accepted < requests) throw new Error(`only ${accepted} of ${requests} were accepted`);
  return [
    { name: 'all decided, accepted and recorded', value: seconds, unit: 's' },
    { name: 'CPU time of the sandbox and the functions', value: cpu, unit: 's' },
    ...summarizeCalls(calls),
  ];
}

/** Each request ends before the time limit of `fetch` for headers, 300 s. */
async function waitUntilIdle(running: Sandbox): Promise<void> {
  const ask = () => running.ask('GET', '/_sandbox/idle?timeoutMs=240000');
  await ask().catch(ask).catch(ask);
}

/** Counts the calls by action, and the transactions beside their conflicts. */
function summarizeCalls(calls: readonly RecordedCall[]): Figure[] {
  const select = (name: string) => calls.filter(({ action }) => action === name);
  const transactions = select('TransactWriteItems');
  const conflicts = transactions.filter(({ error }) => error !== undefined);
  return [
    { name: 'Accept', value: select('AcceptVpcEndpointConnections').length, unit: 'calls' },
    { name: 'all calls', value: calls.length, unit: 'calls' },
    {
      name: 'transactions',
      value: transactions.length,
      unit: 'calls',
      baseline: { name: 'conflicts', value: conflicts.length },
    },
  ];
}

async function countAccepted(running: Sandbox, serviceIds: readonly string[]): Promise<number> {
  const counts = await Promise.all(
    serviceIds.map(async (serviceId) => {
      const { VpcEndpointConnections = [] } = await running.ec2(provider).send(
        new DescribeVpcEndpointConnectionsCommand({
          Filters: [
            { Name: 'service-id', Values: [serviceId] },
            { Name: 'vpc-endpoint-state', Values: ['pending', 'available'] },
          ],
          MaxResults: 1_000,
        }),
      );
      return VpcEndpointConnections.length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
