import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { writePolicyFile } from '../../../cli/policy-file/write-policy-file.ts';
import { entryItem } from '../../../lib/allowlist/entry.ts';
import type { PolicyDocument } from '../../../lib/policy-as-code/document.ts';
import { exportPolicy } from '../../../lib/policy-as-code/export.ts';
import { registerService } from '../../../lib/services/register-service.ts';
import { listRegisteredServices } from '../../../lib/services/registered-services.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { aConfiguration, alice, anEntry, aService, serviceId } from '../../builders.ts';
import { createTestEnv, type TestEnv } from '../../doubles/test-env.ts';
import { planDocument } from '../../policy-as-code/fixtures.ts';
import * as answers from '../answers.ts';
import { runCli, useFakeAws } from '../test-env.ts';
import { readBack } from './files.ts';

const aws = await useFakeAws();

const odd = [
  'Payments API',
  'prod/payments',
  'Zahlungen für alle',
  '*',
  serviceId(2),
  'a: b',
  '#1',
  "it's",
  '..',
];
const plainName = fc.constantFrom('orders', 'shop', 'a.b_c-d', '1e3', 'true', '0x1F', 'null', '~'.repeat(2));
const anything = fc.oneof(plainName, fc.constantFrom(...odd), fc.string({ unit: 'grapheme', minLength: 1 }));

/** `tag`: the service name tag at registration; `stored`: a stored name that registration would refuse. */
const service = fc.record(
  { tag: anything, stored: anything, managedBy: fc.constantFrom('file' as const, 'person' as const) },
  { requiredKeys: ['managedBy'] },
);

async function createEnvWithServices(
  all: readonly { tag?: string; stored?: string; managedBy: 'file' | 'person' }[],
) {
  const env = createTestEnv();
  for (const [index, { tag, stored, managedBy }] of all.entries()) {
    const id = serviceId(index + 1);
    env.services.setConfiguration(
      aConfiguration({ serviceId: id, ...(tag !== undefined && { nameTag: tag }) }),
    );
    if (stored === undefined) await registerService({ serviceId: id, managedBy }, alice, env.deps);
    else env.put(serviceItem(aService({ serviceId: id, name: stored, managedBy })));
    for (const at of [id, '*'])
      await env.table.write([{ put: buildEntryItem(at, String(222222222222 + index), managedBy) }]);
  }
  return env;
}

function buildEntryItem(at: string, accountId: string, managedBy: 'file' | 'person') {
  return entryItem(anEntry({ serviceId: at, accountId, managedBy }));
}

/** Parses the output of `linkgate export`. */
async function exportAndParse(env: TestEnv): Promise<PolicyDocument> {
  const { document } = await exportPolicy(undefined, env.deps);
  return readBack(writePolicyFile(document));
}

async function planChanges(document: PolicyDocument, env: TestEnv) {
  const { changes } = await planDocument(env, document);
  return changes.filter(({ action }) => action !== 'unmanaged');
}

test('a plan of an export has no changes, whatever the tags and names of services', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(service, { minLength: 1, maxLength: 4 }), async (all) => {
      const env = await createEnvWithServices(all);
      expect(await planChanges(await exportAndParse(env), env)).toEqual([]);
    }),
    { numRuns: 150, seed: 11 },
  );
}, 60_000);

test('registrations result in unique service keys', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 4 }), async (tags) => {
      const env = await createEnvWithServices(tags.map((tag) => ({ tag, managedBy: 'person' })));
      const names = (await listRegisteredServices(env.deps)).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      const ids = names.filter((name) => name.startsWith('vpce-'));
      expect(ids.every((name) => name === serviceId(names.indexOf(name) + 1))).toBe(true);
    }),
    { numRuns: 50, seed: 12 },
  );
}, 60_000);

test.each([...odd, 'orders', serviceId(1)])(
  'a plan of `linkgate export --from-connections` for a service with the name `%s` changes only its entries',
  async (name) => {
    const connection = { ...answers.connection, state: 'available', serviceId: serviceId(1), service: name };
    const serviceView = { ...answers.service, serviceId: serviceId(1), name };
    aws.respond = ({ path }) => ({
      body: path.includes('/connections')
        ? { connections: [connection] }
        : { service: serviceView, services: [] },
    });
    const { stdout } = await runCli(['export', '--from-connections', serviceId(1)], aws);
    const env = createTestEnv({ services: [aService({ name, managedBy: 'person' })] });
    expect(await planChanges(readBack(stdout), env)).toMatchObject([
      { kind: 'entry', action: 'add', serviceId: serviceId(1), accountId: '444444444444' },
    ]);
  },
);
