import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModifyVpcEndpointServicePermissionsCommand } from '@aws-sdk/client-ec2';
import { accounts, createEndpoint, createService, provider, type Sandbox } from '../e2e/sandbox.ts';

const { allowed, limited } = accounts;
const service = ['--service', 'tenancies'];

interface ServiceView {
  readonly service: { readonly serviceId: string };
}

/** Connects endpoints that lose their permission soon or within two days, at a service with externally changed principals. */
export async function startScheduledDisconnects(sandbox: Sandbox) {
  const serviceId = await createService(sandbox);
  const rules = ['--grace', '1h', '--on-external-accept', 'adopt', '--principals', 'managed', '--yes'];
  await sandbox.json('service', 'add', serviceId, '--name', 'tenancies', ...rules);
  const addition = { ServiceId: serviceId, AddAllowedPrincipals: [`arn:aws:iam::${limited}:role/network`] };
  await sandbox.ec2(provider).send(new ModifyVpcEndpointServicePermissionsCommand(addition));
  await sandbox.json('allow', limited, ...service, '--expires', '8d');
  await sandbox.json('allow', allowed, ...service);
  await sandbox.idle();
  await Promise.all([limited, allowed].map((account) => createEndpoint(sandbox, account, serviceId)));
  await sandbox.idle();
  await sandbox.json('allowlist', 'remove', allowed, ...service);
  await sandbox.idle();
}

/**
 * Creates connections with a scheduled disconnect, an extension or a revocation, by a policy file with customers. Delivery
 * to one of two customers fails.
 */
export async function finishScheduledDisconnects(sandbox: Sandbox) {
  const contact = ['--contact-topic', `arn:aws:sns:us-east-1:${limited}:linkgate-nowhere`];
  await sandbox.json('customer', 'set', 'hooli', '--account', limited, ...contact);
  await confirmSubscription(sandbox, 'ops@initech.example');
  const { serviceId } = (await sandbox.json<ServiceView>('service', 'show', 'tenancies')).service;
  await sandbox.json('service', 'add', serviceId, '--grace', '72h');
  const policy = [
    `services: {tenancies: {id: ${serviceId}, principals: managed, grace: 72h}}`,
    'allow:',
    `  - {account: '666666666666', services: tenancies, roles: ['arn:aws:iam::666666666666:role/network']}`,
  ];
  const quotaOverride = '  - {customer: initech, services: tenancies, maxEndpoints: 9, note: contract 42}';
  await apply(sandbox, [...policy, quotaOverride]);
  const endpointIds: string[] = [];
  for (const account of [allowed, allowed, limited])
    endpointIds.push(await createEndpoint(sandbox, account, serviceId));
  await sandbox.waitForBatch();
  const [extended = '', revoked = ''] = endpointIds;
  await sandbox.json('revoke', revoked, '--reason', 'no contract');
  await apply(sandbox, policy);
  await sandbox.waitForBatch();
  await sandbox.json('extend', extended, '--until', '6d', '--reason', 'they move on Friday');
  await sandbox.idle();
}

/** Applies a policy file with one customer and more sections. */
async function apply(sandbox: Sandbox, more: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'linkgate-policy-'));
  const file = join(folder, 'policy.yml');
  const initech = `customers: {initech: {accounts: ['${allowed}'], contact: {email: ops@initech.example}, contractEnds: 2030-12-31}}`;
  writeFileSync(file, ['version: 1', initech, ...more].join('\n'));
  await sandbox.json('apply', '-f', file, '--take-ownership', '--yes');
  rmSync(folder, { recursive: true });
  await sandbox.idle();
}

/** Sets a customer with an email contact, and confirms its subscription. */
async function confirmSubscription(sandbox: Sandbox, address: string) {
  await sandbox.json('customer', 'set', 'initech', '--account', allowed, '--contact-email', address);
  const { text = '' } = (await sandbox.mails()).find(({ to }) => to === address) ?? {};
  await fetch(/^http\S+$/m.exec(text)?.[0] ?? '');
}
