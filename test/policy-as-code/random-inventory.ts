import fc from 'fast-check';
import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import { connectionEntity, recordKey } from '../../lib/connections/connection-record.ts';
import { recordState } from '../../lib/connections/record-state.ts';
import { transitionWrites } from '../../lib/connections/transition.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import type { Service } from '../../lib/services/service.ts';
import {
  aConfiguration,
  aConnection,
  aGroup,
  anEntry,
  aService,
  endpointId,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const accounts = ['222222222222', '333333333333', '444444444444'];
const services = [1, 2, 3];
/** Some accounts appear more often than others. */
const account = fc.constantFrom(accounts[0] ?? '', ...accounts);
const anyOf = <const Values extends readonly unknown[]>(...values: Values) =>
  fc.constantFrom<Values[number][]>(...values);
const anyManager = anyOf('file', 'file', 'person');

const oneToThree = fc.integer({ min: 1, max: 3 });

/** Expiry times around noon of 2026-11-21: some are past, some are near, some are far. */
const narrowings = fc.record(
  {
    endpointIds: fc.uniqueArray(fc.integer({ min: 1, max: 8 }).map(endpointId), {
      minLength: 1,
      maxLength: 3,
    }),
    maxEndpoints: oneToThree,
    expiresAt: anyOf('2026-11-20', '2026-11-25', '2027-11-20').map((day) => `${day}T00:00:00.000Z`),
    note: anyOf('a', 'b'),
  },
  { requiredKeys: [] },
);
const settings = fc.record(
  {
    onUnlisted: anyOf('ask', 'hold', 'reject'),
    onExternalAccept: anyOf('ask', 'disconnect', 'adopt'),
    graceSeconds: anyOf(3600, 86_400),
    onExpiry: anyOf('reject', 'escalate'),
  },
  { requiredKeys: [] },
);
const entryRule = fc.oneof(
  { weight: 3, arbitrary: narrowings.map((each) => ({ effect: 'allow' as const, ...each })) },
  { weight: 1, arbitrary: fc.constant({ effect: 'block' as const }) },
);

/** An entry's scope and effect. Entries for all services often limit endpoints, so that policies often differ in limits. */
function createEntryRule(names: readonly string[]) {
  const counting = oneToThree.map((maxEndpoints) => ({ effect: 'allow' as const, maxEndpoints }));
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom('*', ...names), entryRule) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('*'), counting) },
  );
}

const existingEntry = fc
  .tuple(createEntryRule(services.map(serviceId)), account, anyManager)
  .map(([[scope, rule], accountId, managedBy]) =>
    anEntry({ serviceId: scope, accountId, managedBy, ...rule }),
  );
const declaredEntry = fc
  .tuple(createEntryRule(services.map((number) => `service-${number}`)), account)
  .map(([[service, rule], accountId]) => ({ service, accountId, ...rule }));

const existingService = (number: number) =>
  fc.option(
    fc.tuple(settings, anyManager, fc.boolean()).map(([serviceSettings, managedBy, isPaused]) =>
      aService({
        serviceId: serviceId(number),
        name: `service-${number}`,
        managedBy,
        ...(isPaused && number === 2 && { pausedAt: '2026-11-20T00:00:00.000Z' }),
        ...serviceSettings,
      }),
    ),
    { nil: undefined, freq: 5 },
  );

const connection = (number: number) =>
  fc
    .record({
      service: fc.constantFrom(1, ...services),
      ownerAccountId: account,
      /** The history of the connection. */
      life: fc.constantFrom('new', 'decided', 'decided', 'connected', 'connected', 'foreign', 'older'),
    })
    .map(({ service, ownerAccountId, life }) => ({
      life,
      connection: aConnection({
        endpointId: endpointId(number),
        serviceId: serviceId(service),
        ownerAccountId,
        state: life === 'foreign' || life === 'older' ? 'available' : 'pendingAcceptance',
        requestedAt: life === 'older' ? '2026-10-01T00:00:00.000Z' : '2026-11-21T11:00:00.000Z',
      }),
    }));

export interface RandomInventory {
  readonly services: readonly (Service | undefined)[];
  readonly entries: readonly AllowlistEntry[];
  readonly connectionHistories: readonly { readonly life: string; readonly connection: Connection }[];
}

/** Services, an allowlist with several managers, and connections with different histories. */
export const randomInventories: fc.Arbitrary<RandomInventory> = fc.record({
  services: fc.tuple(...services.map(existingService)),
  entries: fc.uniqueArray(existingEntry, {
    selector: ({ serviceId: scope, accountId }) => `${scope} ${accountId}`,
    maxLength: 7,
  }),
  connectionHistories: fc
    .integer({ min: 0, max: 8 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => connection(index + 1)))),
});

const declaredService = (number: number) =>
  fc.option(
    settings.map((said) => ({ serviceId: serviceId(number), name: `service-${number}`, ...said })),
    { freq: 2 },
  );

/** Policy documents about these services and accounts. */
export const randomDocuments: fc.Arbitrary<PolicyDocument> = fc.record({
  groups: fc.constant([]),
  customers: fc.constant([]),
  services: fc
    .tuple(...services.map(declaredService))
    .map((declared) => declared.filter((service) => service !== null)),
  entries: fc.uniqueArray(declaredEntry, {
    selector: ({ service, accountId }) => `${service} ${accountId}`,
    maxLength: 7,
  }),
});

/** A request that has a dry run. */
export interface RandomCommand {
  readonly kind: 'entry' | 'block' | 'lockdown' | 'disconnect' | 'resume';
  readonly method: string;
  readonly path: string;
  readonly body: object | undefined;
}

function createCommand(
  kind: RandomCommand['kind'],
  method: string,
  paths: fc.Arbitrary<string>,
  bodies: fc.Arbitrary<object | undefined> = fc.constant(undefined),
): fc.Arbitrary<RandomCommand> {
  return fc.tuple(paths, bodies).map(([path, body]) => ({ kind, method, path, body }));
}

const servicePaths = services.map((number) => `/services/${serviceId(number)}`);
const entryPath = fc
  .tuple(fc.constantFrom('*', ...services.map(serviceId)), account)
  .map((target) => `/allowlist/${target.join('/')}`);
const lockdownPath = account.map((accountId) => `/allowlist/*/${accountId}`);
const block = fc.constant({ effect: 'block' });

/** Changes of one entry, and of a service. */
export const randomCommands = fc.oneof(
  { weight: 3, arbitrary: createCommand('entry', 'PUT', entryPath, entryRule) },
  { weight: 2, arbitrary: createCommand('entry', 'DELETE', entryPath) },
  createCommand('block', 'PUT', entryPath, block),
  createCommand('lockdown', 'PUT', lockdownPath, block),
  createCommand('disconnect', 'POST', fc.constantFrom(...servicePaths.map((path) => `${path}/disconnect`))),
  createCommand('resume', 'POST', fc.constant(`/services/${serviceId(2)}/resume`)),
);

/** Removes entries of services that do not exist. */
export function withKnownServices(
  document: PolicyDocument,
  { services: existing }: RandomInventory,
): PolicyDocument {
  const names = ['*', ...[...existing, ...document.services].flatMap((service) => service?.name ?? [])];
  return { ...document, entries: document.entries.filter(({ service }) => names.includes(service)) };
}

/** Creates the test environment of an inventory, with linkgate's decisions and records. */
export async function createInventoryEnv({
  services: existing,
  entries,
  connectionHistories,
}: RandomInventory): Promise<TestEnv> {
  const env = createTestEnv({
    services: existing.filter((service) => service !== undefined),
    entries,
    groups: [aGroup()],
    connections: connectionHistories.map(({ connection: each }) => each),
  });
  for (const number of services)
    env.services.setConfiguration(
      aConfiguration({ serviceId: serviceId(number), nameTag: `service-${number}` }),
    );
  for (const { life, connection: each } of connectionHistories) {
    if (life === 'new') continue;
    await decideConnection(each, env.deps);
    if (life === 'connected') await connect(each, env);
  }
  env.advanceSeconds(60);
  return env;
}

/** Makes an accepted connection available and records its state. */
async function connect(each: Connection, env: TestEnv): Promise<void> {
  const before = await connectionEntity.find(recordKey(each.endpointId), env.table);
  if (before?.pendingEffect?.action !== 'accept') return;
  const available = { ...each, state: 'available' as const };
  env.ec2.show(available);
  const time = env.deps.now();
  const sighting = { connection: available, observedAt: time.toISOString() };
  const transition = recordState(before, sighting, '2026-11-01T00:00:00.000Z', time);
  if (transition) await env.table.write(transitionWrites(before, transition, 'request-0'));
}
