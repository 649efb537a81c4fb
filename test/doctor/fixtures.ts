import { beforeEach, expect, test } from '@jest/globals';
import { defaultGroup, type GroupSettings, setGroup } from '../../lib/approvers/approver-group.ts';
import { setOperationsRecipients } from '../../lib/approvers/operations-recipients.ts';
import { setCustomer } from '../../lib/customers/set-customer.ts';
import { type CheckCursor, type CheckPage, runDoctorPage } from '../../lib/doctor/doctor.ts';
import type { DoctorResult } from '../../lib/doctor/doctor-result.ts';
import type { Service } from '../../lib/services/service.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
import { aConfiguration, alice, aService, consumer, hub } from '../builders.ts';
import { aDeployment, secureStrings } from '../doubles/fake-deployment.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

export const address = 'alice@example.com';
export const contactAddress = 'ops@initech.example';
export const channel = 'C01APPROVALS';

export let env: TestEnv;
beforeEach(() => createHealthyEnv(aService()));

/** A service, approvers in Slack and by email, a customer contact, and a finished sweep of each scope. */
export async function createHealthyEnv(...services: Service[]) {
  env = createTestEnv({ services });
  env.services.setConfiguration(aConfiguration());
  env.secrets.set('slack/bot-token', ['xoxb-current']);
  await setApprovers({ slackChannel: channel, emails: [address] });
  env.subscriptions.set(address, { arn: 'arn:1', filterAddresses: [address] });
  await setContact({ email: contactAddress });
  env.customerSubscriptions.set(contactAddress, { arn: 'arn:2', filterAddresses: [contactAddress] });
  await setOperationsRecipients({ emails: [address] }, alice, env.deps);
  env.operationsSubscriptions.set(address, { arn: 'arn:3', filterAddresses: [address] });
  await finishBothSweeps();
}

export function deploy(changed: Parameters<typeof aDeployment>[0]) {
  env.deps.deployment = aDeployment(changed);
}

/** Stores the secrets with these types. */
export function storeSecretTypes(changed: Readonly<Record<string, string | undefined>>) {
  const types = Object.entries({ ...secureStrings, ...changed }).filter(([, type]) => type !== undefined);
  deploy({ parameters: async () => new Map(types as [string, string][]) });
}

export function setApprovers(settings: Partial<GroupSettings>, name = defaultGroup) {
  return setGroup(name, { quorum: 1, slackUsers: [], emails: [], ...settings }, alice, env.deps);
}

export function setContact(contact?: { email: string } | { topicArn: string }) {
  return setCustomer('initech', { accounts: [consumer], ...(contact && { contact }) }, alice, env.deps);
}

export async function finishBothSweeps() {
  for (const scope of ['pending', 'full'] as const)
    await (await acquireSweepLease(hub, scope, env.deps))?.release();
}

export async function runDoctor(): Promise<DoctorResult[]> {
  const checks: DoctorResult[] = [];
  let next: CheckCursor | undefined = { next: 'deployment' };
  while (next) {
    const page: CheckPage = await runDoctorPage(next, env.deps);
    checks.push(...page.checks);
    next = page.next;
  }
  return checks;
}

export async function listProblems() {
  return (await runDoctor()).filter(({ status }) => status !== 'ok');
}

export const text = (part: string) => expect.stringContaining(part);
/** A problem with this part of its remedy, and with other properties. */
const problem =
  (status: string) =>
  (name: string, remedy = '', rest: object = {}) => ({ name, status, remedy: text(remedy), ...rest });
export const failed = problem('failed');
export const warned = problem('warning');

type ProblemCase = readonly [cause: string, arrange: () => unknown, ...problems: object[]];

/** Tests that the doctor reports exactly these problems of an otherwise healthy deployment. */
export function testProblems(...cases: readonly ProblemCase[]) {
  test.each<ProblemCase>(cases)('reports %s', async (_cause, arrange, ...problems) => {
    await arrange();
    expect(await listProblems()).toMatchObject(problems);
  });
}

/** Tests that the doctor reports no problem. */
export function testPasses(...cases: readonly (readonly [cause: string, arrange: () => unknown])[]) {
  test.each(cases)('passes %s', async (_cause, arrange) => {
    await arrange();
    expect(await listProblems()).toEqual([]);
  });
}

/** Makes the methods of this name fail. */
export function rejectCalls<T extends object>(
  port: T,
  method: keyof T & string,
  error = new Error('no answer'),
) {
  Object.assign(port, { [method]: () => Promise.reject(error) });
}
