import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { entryKey } from '../../lib/allowlist/entry.ts';
import { digestKey, requestTarget } from '../../lib/approvals/digest.ts';
import { groupKey } from '../../lib/approvers/approver-group.ts';
import { operationsNoticeKey } from '../../lib/approvers/operations-notice.ts';
import { operationsKey } from '../../lib/approvers/operations-recipients.ts';
import { handleSlashCommand } from '../../lib/channels/slack/slash-command.ts';
import { recordKey } from '../../lib/connections/connection-record.ts';
import { awaitingApproval, pendingEffects, reevaluations } from '../../lib/connections/indexes.ts';
import { customerEventTarget } from '../../lib/customer-notifications/due-events.ts';
import { notifyCustomers } from '../../lib/customer-notifications/notify-customers.ts';
import { customerKey } from '../../lib/customers/customer.ts';
import { accountPointerKey } from '../../lib/customers/customer-by-account.ts';
import { deliveryFailureKey } from '../../lib/customers/delivery-failure.ts';
import { setCustomer } from '../../lib/customers/set-customer.ts';
import { itemEntities } from '../../lib/doctor/item-entities.ts';
import { modeKey } from '../../lib/mode/mode.ts';
import { expiryWarningsKey } from '../../lib/notifications/expiry-warnings.ts';
import { throttleKey } from '../../lib/notifications/throttle.ts';
import { emailRateKey } from '../../lib/outbox/email-rate.ts';
import { notificationKey, notificationRetries } from '../../lib/outbox/notification.ts';
import { endpointQuotaKey } from '../../lib/policy/endpoint-quota.ts';
import { applyLeaseKey } from '../../lib/policy-as-code/apply-lease.ts';
import { applyVerdicts } from '../../lib/reconcile/apply-verdicts.ts';
import { decideConnection, decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { quotaKey } from '../../lib/reconcile/disconnect-quota.ts';
import { affectedScopes, reevaluateConnections } from '../../lib/reconcile/reevaluate.ts';
import { principalRecordKey } from '../../lib/services/allowed-principals/principal-record.ts';
import { serviceKey } from '../../lib/services/service.ts';
import type { Item, Key } from '../../lib/storage/table.ts';
import { identityKey } from '../../lib/storage/table-identity.ts';
import { sweepLeaseKey } from '../../lib/sweep/lease.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import { customerMessages } from '../../rules/customer-messages/index.ts';
import { callApi } from '../api/call-api.ts';
import {
  aConnection,
  anEntry,
  aRecord,
  aRequest,
  aService,
  aVerdict,
  consumer,
  endpointId,
  hub,
  serviceId,
} from '../builders.ts';
import { aGroup, anAwaitingRecord, createNotifyTestEnv } from '../notifications/fixtures.ts';
import { aDocument, allowEntry } from '../policy-as-code/fixtures.ts';

const unknownActor = '333333333333';
const approvalRequest = '444444444444';
const newAccount = '777777777777';
const slackAlice = 'slack:T01LOCAL:U01ALICE';

/** The key at which an unreadable item of each entity affects other reads most. */
const keys: Readonly<Record<string, Key>> = {
  BY_ACCOUNT: {
    pk: `BY_ACCOUNT#${approvalRequest}#${serviceId(1)}`,
    sk: `2026-11-20T00:00:00.000Z#${endpointId(9)}`,
  },
  REEVALUATE_AT: { pk: reevaluations.partition(hub), sk: `2026-11-20T00:00:00.000Z#${endpointId(9)}` },
  ALLOWLIST: entryKey(serviceId(1), unknownActor),
  APPROVERS: groupKey('ops'),
  AUDIT: { pk: `AUDIT#${endpointId(9)}`, sk: '000000001' },
  NOTIFICATION_THROTTLE: throttleKey('default'),
  CONNECTION: recordKey(endpointId(9)),
  CONTACT_DELIVERY_FAILURE: deliveryFailureKey('hooli'),
  ENDPOINT_QUOTA: endpointQuotaKey({ location: hub, serviceId: serviceId(1), ownerAccountId: unknownActor }),
  CUSTOMER: customerKey('hooli'),
  CUSTOMER_BY_ACCOUNT: accountPointerKey(unknownActor),
  DISCONNECT_QUOTA: quotaKey,
  DIGEST: digestKey('1'),
  PENDING_EFFECT: { pk: pendingEffects.partition(hub), sk: endpointId(9) },
  IDEMPOTENCY: { pk: 'IDEMPOTENCY#1', sk: 'REQUEST' },
  JOB: { pk: 'JOB#1', sk: 'JOB' },
  'LEASE policy-apply': applyLeaseKey,
  'LEASE sweep': sweepLeaseKey(hub, 'full'),
  MODE: modeKey,
  OPERATIONS: operationsKey,
  OPERATIONS_NOTICE: operationsNoticeKey('mode#1'),
  PLAN: { pk: 'PLAN#1', sk: 'PLAN' },
  PRINCIPALS: principalRecordKey(serviceId(1), '*'),
  SERVICE: serviceKey(serviceId(2)),
  TABLE_IDENTITY: identityKey,
  NOTIFICATION: notificationKey(requestTarget(endpointId(9))),
  NOTIFICATION_RETRY: {
    pk: notificationRetries.partition('approvers'),
    sk: `2026-11-20T00:00:00.000Z#request#${endpointId(9)}`,
  },
  EMAIL_RATE: emailRateKey('carol@example.com'),
  AWAITING_APPROVAL: { pk: awaitingApproval.partition('default'), sk: endpointId(9) },
  EXPIRY_WARNINGS: expiryWarningsKey('2026-11-21#default'),
};

/** A recorded item of each entity. */
const written = new Map(
  readFileSync(new URL('recorded/1.0.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Item)
    .reverse()
    .map((item) => [item.pk.split('#')[0] ?? '', item] as const),
);

type CorruptItem = (item: Item, key: Key) => Item;

const corruptions: Readonly<Record<string, CorruptItem>> = {
  'whose attributes are garbage': ({ pk: _pk, sk: _sk, ...attributes }, key) => ({
    ...(Object.fromEntries(
      Object.keys(attributes).map((name) => [name, { not: ['what', 'it', 'was'] }]),
    ) as object as Item),
    ...key,
  }),
  'of a newer major version': (item, key) => ({ ...item, ...key, schemaVersion: '2.0' }),
  'without attributes': (_item, key) => ({ ...key }) as Item,
  'with a number beyond 2^53': (item, key) => ({ ...item, ...key, size: 9007199254740994 }),
};

const cases = Object.keys(keys).flatMap((kind) =>
  Object.keys(corruptions).map((how) => [kind, how] as const),
);

function brokenItem(kind: string, how: string): Item {
  const [item, key, breakIt] = [written.get(kind.split(' ')[0] ?? ''), keys[kind], corruptions[how]];
  if (!item || !key || !breakIt) throw new Error(`there is no item of the kind ${kind}`);
  return breakIt(item, key);
}

/** A service with a connected, a new and an awaiting connection, and the unreadable item. */
async function createEnvWith(item: Item) {
  const allowed = aVerdict('accept', { policyVersions: { service: 1, entry: 1, wildcardEntry: 0, mode: 0 } });
  const awaitingRecord = anAwaitingRecord(3, { ownerAccountId: approvalRequest });
  const notifyEnv = createNotifyTestEnv({
    services: [aService(), aService({ serviceId: serviceId(2), name: 'payments' })],
    groups: [
      aGroup({ escalateTo: 'ops' }),
      aGroup({ name: 'ops', slackUsers: [], emails: ['ops@example.com'] }),
    ],
    records: [
      aRecord({ state: 'available', verdict: allowed, acceptRequestedAt: '2026-11-20T00:00:00.000Z' }),
      awaitingRecord,
    ],
    entries: [anEntry()],
  });
  const { env } = notifyEnv;
  env.ec2.show(
    aConnection({ state: 'available' }),
    aRequest({ endpointId: endpointId(2) }),
    aRequest({ endpointId: endpointId(3), ownerAccountId: approvalRequest }),
  );
  await setCustomer(
    'initech',
    { accounts: [consumer], contact: { email: 'ops@initech.example' } },
    'alice',
    env.deps,
  );
  env.put(item);
  return notifyEnv;
}

test('every entity is tested and has a reader', () => {
  const kinds = new Set(Object.keys(keys).map((name) => name.split(' ')[0]));
  expect([...kinds].sort()).toEqual([...itemEntities.keys()].sort());
  const imports = readFileSync(new URL('../../lib/doctor/item-entities.ts', import.meta.url), 'utf8');
  const folder = new URL('../../lib/', import.meta.url);
  const kindFiles = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) =>
      /^(export )?const \w+ = (entity|keylessEntity|lease|index)\(/m.test(
        readFileSync(new URL(file, folder), 'utf8'),
      ),
    );
  expect(kindFiles.filter((file) => !imports.includes(`'../${file}'`))).toEqual([]);
});

describe.each(cases)('with an item of the entity %s that is %s', (kind, how) => {
  /** Every decision depends on the mode. */
  const holdsAllDecisions = kind === 'MODE';

  test('sweeps finish, another request is decided, and an account is blocked and disconnected', async () => {
    const { env } = await createEnvWith(brokenItem(kind, how));
    for (const pass of ['pending', 'full'] as const)
      expect(await sweepConnections(hub, pass, env.deps)).toMatchObject({ status: 'done' });
    const request = aRequest({ endpointId: endpointId(2) });
    expect((await decideConnection(request, env.deps)).outcome).toBe(holdsAllDecisions ? 'hold' : 'accept');

    const { status, body } = await callApi(env, `PUT /allowlist/*/${consumer}`, { effect: 'block' });
    expect(status).toBe(200);
    if (!holdsAllDecisions) expect(body.disconnects).toMatchObject([{ endpointId: endpointId(1) }]);
    const after = await env.table.get([entryKey('*', consumer)]);
    for (const { scope } of affectedScopes(after.map((item) => ({ before: undefined, after: item }))))
      await reevaluateConnections(scope, env.deps);
    const toDecide = env.published.filter(({ type }) => type === 'Connection Request');
    await decideConnections(
      toDecide.map(({ connection }) => connection),
      env.deps,
    );
    await applyVerdicts(hub, env.deps);
    expect(env.ec2.state(endpointId(1))).toBe(holdsAllDecisions ? 'available' : 'rejected');
  });

  test('lists return the other items with a warning', async () => {
    const { env } = await createEnvWith(brokenItem(kind, how));
    const [item] = await env.table.get([keys[kind] as Key]);
    const lists = ['/services', '/allowlist', '/connections', '/approvers', '/customers', '/policy', '/mode'];
    const warnings: unknown[] = [];
    for (const path of [...lists, `/connections/${endpointId(1)}`, `/services/orders`]) {
      const { status, body } = await callApi(env, `GET ${path}`);
      expect([path, status]).toEqual([path, 200]);
      expect(JSON.stringify(body)).toMatch(/orders|default|initech|entries|enforce/);
      warnings.push(body.warnings);
    }
    const listedKinds = [
      'ALLOWLIST',
      'APPROVERS',
      'CONTACT_DELIVERY_FAILURE',
      'CUSTOMER',
      'MODE',
      'SERVICE',
    ].includes(kind);
    if (listedKinds) expect(JSON.stringify(warnings)).toContain(`\`${item?.pk}\` \`${item?.sk}\``);
  });

  test('approvers and customers are notified, and a policy is planned and applied', async () => {
    const { env, slack, notify } = await createEnvWith(brokenItem(kind, how));
    await notify([requestTarget(endpointId(3))]);
    expect(slack.messages).toHaveLength(1);
    expect((await handleSlashCommand('waiting', slackAlice, env.deps)).text).toContain(endpointId(3));
    const sent: unknown[] = [];
    const post = { send: async (...message: unknown[]) => void sent.push(message) };
    const target = customerEventTarget({ endpointId: endpointId(1), ownerAccountId: consumer });
    const deps = { ...env.deps, customerSender: post, messages: customerMessages, sleep: async () => {} };
    await notifyCustomers([target], deps);
    expect(sent).toHaveLength(1);

    const document = aDocument({ services: [{ name: 'orders' }], entries: [allowEntry(newAccount)] });
    const planned = await callApi(env, 'POST /plans', { document });
    expect(planned.status).toBe(201);
    const { planId } = planned.body.plan as { planId: string };
    for (const part of ['changes', 'impact', 'simulation'])
      expect((await callApi(env, `GET /plans/${planId}/${part}`)).status).toBe(200);
    const applied = await callApi(env, `POST /plans/${planId}/apply`);
    expect(applied).toMatchObject({ status: 200, body: { apply: { status: 'done' } } });
    expect(await env.table.get([entryKey(serviceId(1), newAccount)])).toHaveLength(1);
  });

  test('doctor names it, and the API removes it unless it records decisions', async () => {
    const item = brokenItem(kind, how);
    const { env } = await createEnvWith(item);
    const unreportedKinds = [
      'AUDIT',
      'IDEMPOTENCY',
      'JOB',
      'PLAN',
      'EXPIRY_WARNINGS',
      'NOTIFICATION',
      'EMAIL_RATE',
      'BY_ACCOUNT',
      'CUSTOMER_BY_ACCOUNT',
    ];
    const results = await unreadableItems(env);
    if (!unreportedKinds.includes(kind))
      expect(results).toMatchObject([
        { status: 'failed', subject: `${item.pk} ${item.sk}`, detail: expect.stringContaining(item.sk) },
      ]);
    const query = new URLSearchParams({ pk: item.pk, sk: item.sk });
    const { status, body } = await callApi(env, `DELETE /items?${query}`);
    if (['AUDIT', 'CONNECTION'].includes(kind)) {
      expect({ status, body }).toMatchObject({ status: 409, body: { error: { code: 'ItemNotRemovable' } } });
      expect(await env.table.get([item])).toHaveLength(1);
      return;
    }
    expect({ status, body }).toMatchObject({ status: 200, body: { item: { pk: item.pk, sk: item.sk } } });
    expect(await env.table.get([item])).toEqual([]);
    expect(env.removals).toMatchObject([{ item: { pk: item.pk }, by: env.deps.caller }]);
    expect(await unreadableItems(env)).toMatchObject([{ status: 'ok' }]);
  });
});

async function unreadableItems(env: Awaited<ReturnType<typeof createEnvWith>>['env']) {
  const checks: { readonly name: string }[] = [];
  let token: unknown;
  do {
    const next: string = token === undefined ? '' : `?nextToken=${encodeURIComponent(String(token))}`;
    const { status, body } = await callApi(env, `GET /doctor${next}`);
    expect(status).toBe(200);
    checks.push(...(body.checks as { readonly name: string }[]));
    token = body.nextToken;
  } while (token !== undefined);
  return checks.filter(({ name }) => name === 'unreadable-items');
}
