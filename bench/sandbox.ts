import { DescribeVpcEndpointConnectionsCommand } from '@aws-sdk/client-ec2';
import { createEndpoint, createService, provider, type Sandbox, startSandbox } from '../test/e2e/sandbox.ts';
import type { Bench } from './figure.ts';
import { readMemory } from './memory.ts';

const consumer = '222222222222';
const requests = 1_000;
/** The number of concurrent creations. */
const concurrency = 20;

export const sandbox: Bench = {
  name: 'sandbox',
  about: `${requests.toLocaleString('en')} requests of an allowed account, ${concurrency} at a time, without token buckets.`,
  async measure(say) {
    say('starting');
    const running = await startSandbox('--quiet');
    try {
      await running.ask('PUT', '/_sandbox/throttling', { enabled: false });
      const serviceId = await createService(running);
      await running.json('service', 'add', serviceId);
      await running.json('allow', consumer, '--service', serviceId);
      await running.idle();
      const before = await readMemory(running);
      say(`${requests} requests`);
      const startedAt = performance.now();
      await createAll(running, serviceId);
      await running.ask('GET', '/_sandbox/idle?timeoutMs=300000');
      const seconds = (performance.now() - startedAt) / 1000;
      if ((await countAccepted(running, serviceId)) < requests) throw new Error('not all were accepted');
      return [
        { name: `${requests.toLocaleString('en')} created and accepted`, value: seconds, unit: 's' },
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

async function createAll(running: Sandbox, serviceId: string): Promise<void> {
  let remaining = requests;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (remaining-- > 0) await createEndpoint(running, consumer, serviceId);
    }),
  );
}

async function countAccepted(running: Sandbox, serviceId: string): Promise<number> {
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
}
