import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accounts } from '../sandbox.ts';
import type { ServiceContext } from './harness.ts';

const group = 'approvers: {auditors: {emails: [auditor@example.com]}}';
const customer = "customers: {hooli: {accounts: ['777777777777']}}";

/** Applies a policy file, and then the same without its group and its customer. */
export async function runPolicies({ linkgate, serviceId }: ServiceContext) {
  const folder = mkdtempSync(join(tmpdir(), 'linkgate-policy-'));
  const file = join(folder, 'policy.yml');
  const services = `services: {payments: {id: ${serviceId}}}`;
  const allow = `allow: [{account: '${accounts.unknown}', services: payments, maxEndpoints: 2}]`;
  for (const parts of [
    [group, customer, services, allow],
    [services, allow],
  ]) {
    writeFileSync(file, ['version: 1', ...parts].join('\n'));
    await linkgate.json('simulate', '-f', file);
    await linkgate.json('plan', '-f', file);
    await linkgate.json('apply', '-f', file, '--yes');
    await linkgate.idle();
  }
  await linkgate.linkgate('export');
  rmSync(folder, { recursive: true });
}
