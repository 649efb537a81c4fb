import { createEndpoint, createService, type Sandbox, startSandbox } from '../test/e2e/sandbox.ts';
import { type Bench, type Figure, maximum, median } from './figure.ts';

const consumer = '222222222222';
const runs = 20;
const warmUps = 5;

interface Call {
  readonly time: string;
  readonly principal: string;
  readonly action: string;
}

interface AcceptanceRun {
  readonly milliseconds: number;
  readonly calls: readonly Call[];
}

export const acceptance: Bench = {
  name: 'acceptance',
  about: `One request of an allowed account, until the acceptance is recorded: median of ${runs} runs in a warm sandbox.`,
  async measure(say) {
    say('starting the sandbox');
    const sandbox = await startSandbox('--quiet');
    try {
      await sandbox.ask('PUT', '/_sandbox/assumptions', { pendingAfterMs: 0, availableAfterMs: 0 });
      const serviceId = await createService(sandbox);
      await sandbox.json('service', 'add', serviceId);
      await sandbox.json('allow', consumer, '--service', serviceId);
      await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
      await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
      await sandbox.idle();
      const measuredRuns: AcceptanceRun[] = [];
      for (let run = 1; run <= warmUps + runs; run++) {
        say(`request ${run} of ${warmUps + runs}`);
        const one = await oneRequest(sandbox, serviceId);
        if (run > warmUps) measuredRuns.push(one);
      }
      return summarizeRuns(measuredRuns);
    } finally {
      await sandbox.stop();
    }
  },
};

async function oneRequest(sandbox: Sandbox, serviceId: string): Promise<AcceptanceRun> {
  await sandbox.ask('DELETE', '/_sandbox/calls');
  await createEndpoint(sandbox, consumer, serviceId);
  await sandbox.idle();
  const { calls } = await sandbox.ask<{ calls: readonly Call[] }>('GET', '/_sandbox/calls');
  const callTime = (name: string) => Date.parse(calls.find(({ action }) => action === name)?.time ?? '');
  return {
    milliseconds: callTime('AcceptVpcEndpointConnections') - callTime('CreateVpcEndpoint'),
    calls: calls.filter(({ principal }) => principal !== 'root'),
  };
}

function summarizeRuns(runs: readonly AcceptanceRun[]): Figure[] {
  const times = runs.map(({ milliseconds }) => milliseconds);
  const functions = [...new Set(runs.flatMap(({ calls }) => calls.map(({ principal }) => principal)))];
  const countCalls = (principal?: string) =>
    runs.map(
      ({ calls }) => calls.filter((call) => principal === undefined || call.principal === principal).length,
    );
  return [
    {
      name: 'CreateVpcEndpoint → Accept',
      value: median(times),
      unit: 'ms',
      baseline: { name: 'the slowest', value: maximum(times) },
    },
    { name: 'calls of all functions', value: median(countCalls()), unit: 'calls' },
    ...functions.map((name): Figure => ({ name, value: median(countCalls(name)), unit: 'calls' })),
  ];
}
