// Records the items that this version of linkgate writes; test/storage/recorded-items.test.ts tests later versions with them.
//
//     node test/storage/record-items.ts
//
// runs all scenarios in a sandbox, and writes the whole table to test/storage/recorded/<schema version>.jsonl,
// one item per line. Run it at the last commit of a schema version.
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import {
  AcceptVpcEndpointConnectionsCommand,
  DeleteVpcEndpointsCommand,
  ModifyVpcEndpointServiceConfigurationCommand,
} from '@aws-sdk/client-ec2';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item } from '../../lib/storage/table.ts';
import {
  accounts,
  createEndpoint,
  createService,
  provider,
  type Sandbox,
  startSandbox,
  waitUntil,
} from '../e2e/sandbox.ts';
import { finishScheduledDisconnects, startScheduledDisconnects } from './record-disconnects.ts';

const sandbox = await startSandbox('--quiet');
try {
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await record(sandbox);
} finally {
  await sandbox.stop();
}

async function record(sandbox: Sandbox) {
  const serviceId = await services(sandbox);
  await requests(sandbox, serviceId);
  await policies(sandbox, serviceId);
  await approvals(sandbox);
  await startScheduledDisconnects(sandbox);
  await recordPeople(sandbox);
  await finishScheduledDisconnects(sandbox);
  await recordSwitches(sandbox, serviceId);
  await sandbox.json('sweep', 'connections');
  await recordRefusals(sandbox, serviceId);
  await interruptSweep(sandbox, serviceId);

  const items = (await scan(sandbox)).toSorted((one, other) => (itemKey(one) < itemKey(other) ? -1 : 1));
  const newest = items
    .map(({ schemaVersion }) => String(schemaVersion))
    .sort()
    .at(-1);
  const file = new URL(`recorded/${newest}.jsonl`, import.meta.url);
  writeFileSync(file, items.map((item) => `${JSON.stringify(sortAttributes(item))}\n`).join(''));
  console.log(`${items.length} items of schema version ${newest}`);
}

/** Registers a service with earlier connections, and one with drift. */
async function services(sandbox: Sandbox): Promise<string> {
  const drifting = await createService(sandbox);
  await sandbox.json('service', 'add', drifting, '--name', 'drifting', '--on-unlisted', 'hold');
  await sandbox
    .ec2(provider)
    .send(
      new ModifyVpcEndpointServiceConfigurationCommand({ ServiceId: drifting, AcceptanceRequired: false }),
    );
  await createEndpoint(sandbox, accounts.unknown, drifting);

  const serviceId = await createService(sandbox);
  await createEndpoint(sandbox, accounts.unknown, serviceId);
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.idle();
  return serviceId;
}

/** Creates requests that linkgate accepts, rejects or counts, and that people approve, deny or delete. */
async function requests(sandbox: Sandbox, serviceId: string) {
  await sandbox.json('allow', accounts.allowed, '--service', serviceId, '--note', 'contract 17');
  await sandbox.json('block', accounts.blocked, '--service', '*', '--note', 'left in 2025');
  await sandbox.json('allow', accounts.limited, '--service', serviceId, '--max-endpoints', '1');
  await sandbox.idle();
  const connect = (account: string) => sandbox.connect(account, serviceId);
  await connect(accounts.blocked);
  for (const account of [accounts.limited, accounts.limited]) await connect(account);
  await sandbox.json('approve', await connect(accounts.unknown), '--reason', 'signed the contract');
  await sandbox.json('deny', await connect(accounts.unknown), '--reason', 'no contract');
  await connect(accounts.unknown);
  const deleted = await connect(accounts.allowed);
  await sandbox.ec2(accounts.allowed).send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [deleted] }));
  await sandbox.idle();
}

/** Creates an entry with all limits. */
async function policies(sandbox: Sandbox, serviceId: string) {
  const limits = ['--endpoint', 'vpce-0123456789abcdef0', '--consumer-region', 'eu-central-1'];
  await sandbox.json('allow', '666666666666', '--service', serviceId, ...limits, '--expires', '30d');
  await sandbox.idle();
}

/** Gives one of two required approvals. */
async function approvals(sandbox: Sandbox) {
  const people = ['--slack-user', 'T01LOCAL:U01ALICE', '--slack-user', 'T01LOCAL:U01BOB'];
  const channels = ['--email', 'on-call@example.com', '--slack-channel', 'C01APPROVALS'];
  await sandbox.json('approvers', 'set', 'two', ...people, ...channels, '--quorum', '2');
  const serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId, '--name', 'ledger', '--approvers', 'two');
  const endpointId = await sandbox.connect(accounts.unknown, serviceId);
  await sandbox.json('approve', endpointId, '--reason', 'known to me');
  await sandbox.json('pause', 'ledger', '--reason', 'maintenance');
  await sandbox.idle();
}

/** Creates approval requests with owners, tickets and deadlines, in Slack, one by one and batched. */
async function recordPeople(sandbox: Sandbox) {
  const alice = ['--slack-user', 'T01LOCAL:U01ALICE'];
  await sandbox.json('approvers', 'set', 'leads', '--slack-channel', 'C01OPS', ...alice);
  const group = ['--slack-channel', 'C01APPROVALS', ...alice, '--email', 'on-call@example.com'];
  await sandbox.json('approvers', 'set', 'ops', ...group, '--escalate-to', 'leads');
  const serviceId = await createService(sandbox);
  const rules = ['--deadline', '7d', '--on-expiry', 'reject', '--require-ticket'];
  await sandbox.json('service', 'add', serviceId, '--name', 'billing', '--approvers', 'ops', ...rules);
  const limits = ['--endpoint', 'vpce-0123456789abcdef0', '--owner', 'T01LOCAL:U01ALICE'];
  await sandbox.json('allow', accounts.allowed, '--service', 'billing', ...limits);
  for (const account of [accounts.allowed, accounts.unknown]) await sandbox.connect(account, serviceId);
  await allowInSlack(sandbox, { ticket: 'CHG-17', reason: 'a customer' });

  // Wait for a reminder, then create more requests than the throttle allows.
  await sandbox.advanceClock(2 * 86_400);
  await sandbox.json('sweep', 'connections');
  await sandbox.idle();
  await Promise.all(Array.from({ length: 14 }, () => createEndpoint(sandbox, '777777777777', serviceId)));
  await sandbox.idle();
}

/** Approves the newest request and allows its account. */
async function allowInSlack(sandbox: Sandbox, view_values: Readonly<Record<string, string>>) {
  const channel = 'C01APPROVALS';
  const history = await sandbox.ask<{ messages: { ts: string }[] }>(
    'GET',
    `/slack/messages?channel=${channel}`,
  );
  const clicked = { channel, ts: history.messages.at(-1)?.ts, action_id: 'approve-and-allow', view_values };
  await sandbox.ask('POST', '/slack/click', { user: 'U01ALICE', team: 'T01LOCAL', ...clicked });
  await sandbox.idle();
}

/** Accepts a connection outside linkgate in the mode `observe`. */
async function recordSwitches(sandbox: Sandbox, serviceId: string) {
  await sandbox.json('mode', 'observe', '--reason', 'beside the old script');
  const endpointId = await createEndpoint(sandbox, accounts.allowed, serviceId);
  const accept = { ServiceId: serviceId, VpcEndpointIds: [endpointId] };
  await sandbox.ec2(provider).send(new AcceptVpcEndpointConnectionsCommand(accept));
  await sandbox.idle();
  await sandbox.json('mode', 'enforce', '--reason', 'the old script is off');
  await sandbox.idle();
}

/** Makes EC2 refuse an effect, so that it stays pending with its pointer. */
async function recordRefusals(sandbox: Sandbox, serviceId: string) {
  const accept = { service: 'ec2', action: 'AcceptVpcEndpointConnections' };
  await sandbox.setFaults({ ...accept, rate: 1, error: 'UnauthorizedOperation' });
  await sandbox.connect(accounts.allowed, serviceId);
}

/**
 * Stops a sweep before its second page, which has connections of an unregistered service. Its lease has a checkpoint. Slack fails
 * before, so that a notification waits for its next attempt.
 */
async function interruptSweep(sandbox: Sandbox, registeredId: string) {
  const serviceId = await createService(sandbox);
  const pageSize = 1_000;
  for (let created = 0; created < pageSize; created += 50)
    await Promise.all(Array.from({ length: 50 }, () => createEndpoint(sandbox, accounts.unknown, serviceId)));
  await sandbox.idle();
  await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
  await sandbox.advanceClock(60);
  const slack = { service: 'slack', action: '*', rate: 1, error: 'service_unavailable' };
  await sandbox.setFaults(slack);
  await createEndpoint(sandbox, accounts.unknown, registeredId);
  await waitUntil(async () => (await scan(sandbox)).some(({ pk }) => pk.startsWith('NOTIFICATION_RETRY#')));
  const look = { service: 'ec2', action: 'DescribeVpcEndpointConnections' };
  await sandbox.setFaults(slack, { ...look, rate: 1, delayMs: 3_000 });
  sandbox.linkgate('sweep', 'connections').catch(() => {});
  await waitUntil(async () => (await scan(sandbox)).some(({ checkpoint }) => checkpoint !== undefined));
}

async function scan(sandbox: Sandbox): Promise<Item[]> {
  await pause(50);
  const client = new DynamoDBClient(sandbox.config());
  const items: Item[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: 'linkgate-local' }))
    items.push(...Items.map((item) => unmarshall(item) as Item));
  client.destroy();
  return items;
}

function itemKey({ pk, sk }: Item): string {
  return `${pk}\n${sk}`;
}

/** Puts the key and the schema version first, for readers. */
function sortAttributes({ pk, sk, schemaVersion, ...attributes }: Item): object {
  return { pk, sk, schemaVersion, ...Object.fromEntries(Object.entries(attributes).toSorted()) };
}
