import { callLinkgate } from '../sandbox/linkgate-api.ts';
import { createService, provider, type Sandbox, startSandbox } from '../test/e2e/sandbox.ts';
import type { Bench } from './figure.ts';
import { readMemory } from './process.ts';

const entries = 10_000;

export const policy: Bench = {
  name: 'policy',
  about: `A policy file of ${entries.toLocaleString('en')} entries, through the API of the sandbox.`,
  async measure(say) {
    say('starting');
    const sandbox = await startSandbox('--quiet');
    try {
      const serviceId = await createService(sandbox);
      await sandbox.json('service', 'add', serviceId);
      await sandbox.idle();
      const before = await readMemory(sandbox);
      const document = buildDocument(serviceId);
      say('planning');
      const [planned, planId] = await measureSeconds(() => createPlan(sandbox, document));
      const [read] = await measureSeconds(() => readAll(sandbox, planId));
      say('applying');
      const [applied] = await measureSeconds(() => applyAll(sandbox, planId));
      const after = await readMemory(sandbox);
      say('planning again');
      const [again] = await measureSeconds(() => createPlan(sandbox, document));
      return [
        { name: 'plan', value: planned, unit: 's' },
        { name: 'read the plan and its impact', value: read, unit: 's' },
        { name: 'apply', value: applied, unit: 's' },
        { name: 'plan without changes', value: again, unit: 's' },
        {
          name: 'memory afterwards',
          value: after,
          unit: 'MiB',
          baseline: { name: 'before', value: before },
        },
      ];
    } finally {
      await sandbox.stop();
    }
  },
};

function buildDocument(service: string) {
  const accounts = Array.from({ length: entries }, (_, index) => String(200_000_000_000 + index));
  return {
    groups: [],
    services: [{ serviceId: service }],
    customers: [],
    entries: accounts.map((accountId, index) => ({
      service,
      accountId,
      effect: 'allow',
      note: `customer ${index}`,
      at: `policy.yml:${index}:5`,
    })),
  };
}

async function measureSeconds<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const startedAt = performance.now();
  const result = await work();
  return [(performance.now() - startedAt) / 1000, result];
}

/** Calls linkgate's API as the provider. */
async function ask<T>(sandbox: Sandbox, method: string, path: string, body?: unknown): Promise<T> {
  const { ApiUrl = '' } = await sandbox.ask<Record<string, string>>('GET', '/_sandbox/outputs');
  return (await callLinkgate(ApiUrl, provider, method, path, body)) as T;
}

async function createPlan(sandbox: Sandbox, document: ReturnType<typeof buildDocument>): Promise<string> {
  const { plan } = await ask<{ plan: { planId: string } }>(sandbox, 'POST', '/plans', { document });
  return plan.planId;
}

async function readAll(sandbox: Sandbox, planId: string): Promise<void> {
  for (const part of ['changes', 'impact']) {
    let token: string | undefined = '';
    while (token !== undefined) {
      const query: string = token === '' ? '' : `?nextToken=${token}`;
      const page: { nextToken?: string } = await ask(sandbox, 'GET', `/plans/${planId}/${part}${query}`);
      token = page.nextToken;
    }
  }
}

async function applyAll(sandbox: Sandbox, planId: string): Promise<void> {
  for (;;) {
    const { apply } = await ask<{ apply: { status: string } }>(sandbox, 'POST', `/plans/${planId}/apply`);
    if (apply.status === 'done') return;
  }
}
