import { describe, expect, test } from '@jest/globals';
import { entryItem, entryKey } from '../../lib/allowlist/entry.ts';
import { groupKey } from '../../lib/approvers/approver-group.ts';
import { actionIds } from '../../lib/channels/slack/actions.ts';
import { recordKey } from '../../lib/connections/connection-record.ts';
import { modeKey } from '../../lib/mode/mode.ts';
import { endpointQuotaKey } from '../../lib/policy/endpoint-quota.ts';
import { applyVerdicts } from '../../lib/reconcile/apply-verdicts.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { serviceItem, serviceKey } from '../../lib/services/service.ts';
import type { Item, Key } from '../../lib/storage/table.ts';
import { identityKey } from '../../lib/storage/table-identity.ts';
import { shellWord } from '../../lib/values/shell-word.ts';
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
import { createLinkTestEnv, withReason } from '../channels/approval-link/fixtures.ts';
import { createSlackTestEnv } from '../channels/slack/fixtures.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const request = aRequest();
const removeCommand = ({ pk, sk }: Key) => `linkgate item remove ${shellWord(pk)} ${shellWord(sk)}`;
const newer = (key: Key): Item => ({ ...key, schemaVersion: '2.0', version: 1 });

function createEnvWithRequest() {
  return createTestEnv({
    services: [aService()],
    entries: [anEntry({ maxEndpoints: 3 })],
    connections: [request],
  });
}

describe.each([
  ['the service', serviceKey(serviceId(1))],
  ["the account's entry at the service", entryKey(serviceId(1), consumer)],
  ["the account's entry at every service", entryKey('*', consumer)],
  ['the endpoint quota of its account', endpointQuotaKey(request)],
  ['the last switch of the mode', modeKey],
  ['the identity of the table', identityKey],
])('a request whose decision needs %s, which is unreadable,', (_what, key) => {
  test('is on hold with a finding that names the item, and is recorded once', async () => {
    const env = createEnvWithRequest();
    env.put(newer(key));
    expect(await decideConnection(request, env.deps)).toMatchObject({
      outcome: 'hold',
      isNew: true,
      record: {
        verdict: {
          findings: [
            { rule: 'item-is-unreadable', reason: expect.stringContaining(`\`${key.pk}\` \`${key.sk}\``) },
          ],
        },
      },
    });
    env.advanceSeconds(61);
    expect(await decideConnection(request, env.deps)).toMatchObject({ outcome: 'hold', isNew: false });
    expect(await env.actions(endpointId(1))).toEqual(['requested', 'decided']);
  });

  test('is decided once the item can be read, a minute later at most', async () => {
    const env = createEnvWithRequest();
    const [before] = await env.table.get([key]);
    env.put(newer(key));
    await decideConnection(request, env.deps);
    await env.table.write([before ? { put: before } : { remove: key }]);
    env.advanceSeconds(61);
    expect(await decideConnection(request, env.deps)).toMatchObject({ outcome: 'accept' });
  });

  test('cannot be decided through the API, and the response has the command that removes the item', async () => {
    const env = createEnvWithRequest();
    env.put(newer(key));
    await decideConnection(request, env.deps);
    const path = `/connections/${endpointId(1)}/decision`;
    expect(await callApi(env, `POST ${path}`, { decision: 'approve' })).toMatchObject({
      status: 409,
      body: { error: { code: 'UnreadableItem', message: expect.stringContaining(removeCommand(key)) } },
    });
  });

  test('cannot be decided in Slack or by an approval link, and the answer has the same command', async () => {
    const slack = createSlackTestEnv({ connections: [request], entries: [anEntry({ maxEndpoints: 3 })] });
    slack.put(newer(key));
    await slack.click(actionIds.approve);
    expect(slack.answers).toMatchObject([{ text: expect.stringContaining(removeCommand(key)) }]);
    const command = await slack.command(`deny ${endpointId(1)} no contract`);
    expect(command).toMatchObject({ json: { text: expect.stringContaining(removeCommand(key)) } });
    expect(slack.errors).toHaveLength(2);

    const linkEnv = createLinkTestEnv({ entries: [{ maxEndpoints: 3 }] });
    linkEnv.put(newer(key));
    const { statusCode, body } = await linkEnv.answer(withReason);
    expect(statusCode).toBe(409);
    expect(body.replaceAll('&#39;', "'")).toContain(removeCommand(key));
    expect(linkEnv.errors).toHaveLength(1);
  });
});

test.each([
  ['the group that decides', groupKey('default'), removeCommand(groupKey('default'))],
  ['the record, which cannot be removed,', recordKey(endpointId(1)), "it holds people's decisions"],
])('a click on a button is answered that %s is unreadable', async (_what, key, expectedText) => {
  const slack = createSlackTestEnv();
  slack.put(newer(key));
  await slack.click(actionIds.deny);
  expect(slack.answers).toMatchObject([{ text: expect.stringContaining(expectedText) }]);
});

test('the denial form in Slack reports an item that has become unreadable', async () => {
  const slack = createSlackTestEnv();
  await slack.click(actionIds.deny);
  const key = entryKey(serviceId(1), consumer);
  slack.put(newer(key));
  const { json } = await slack.submit(slack.views[0], { reason: 'no contract' });
  expect(json).toMatchObject({ view: { title: { text: 'Not decided' } } });
  expect(JSON.stringify(json)).toContain(removeCommand(key));
});

describe('a connection at a service whose item is unreadable', () => {
  const connection = aConnection({ state: 'available' });

  test('stays connected, with the verdict hold until the item can be read', async () => {
    const record = aRecord({
      state: 'available',
      verdict: aVerdict('accept'),
      acceptRequestedAt: '2026-11-20T00:00:00.000Z',
    });
    const env = createTestEnv({ services: [aService()], connections: [connection], records: [record] });
    env.put(newer(serviceKey(serviceId(1))));
    expect((await decideConnection(connection, env.deps)).outcome).toBe('hold');
    env.put(serviceItem(aService({ policyRevision: 2, version: 2 })), entryItem(anEntry()));
    expect((await decideConnection(connection, env.deps)).outcome).toBe('accept');
  });

  test('is not recorded if it has no record yet, so that it later counts as older than the registration', async () => {
    const env = createTestEnv({ services: [aService()], connections: [connection] });
    env.put(newer(serviceKey(serviceId(1))));
    await expect(decideConnection(connection, env.deps)).rejects.toThrow('deploy the newer version');
    expect(await env.record(endpointId(1))).toBeUndefined();
  });
});

test('a verdict is decided again, and not applied, if an entry became unreadable after it', async () => {
  const verdict = aVerdict('accept', { policyVersions: { service: 1, entry: 0, wildcardEntry: 1, mode: 0 } });
  const record = aRecord({ verdict, pendingEffect: { action: 'accept', attempts: 0 } });
  const env = createTestEnv({
    services: [aService()],
    entries: [anEntry({ serviceId: '*' })],
    connections: [request],
    records: [record],
  });
  env.put(newer(entryKey(serviceId(1), consumer)));
  await applyVerdicts(hub, env.deps);
  expect(env.ec2.calls).toEqual([]);
  expect(env.published).toMatchObject([{ type: 'Connection Request' }]);
});

describe('with an unreadable group or customer', () => {
  test('no address that it may name is unsubscribed', async () => {
    const env = createTestEnv();
    env.subscriptions.set('bob@example.com', { arn: 'arn:1', filterAddresses: ['bob@example.com'] });
    env.customerSubscriptions.set('ops@hooli.example', {
      arn: 'arn:2',
      filterAddresses: ['ops@hooli.example'],
    });
    env.put(newer({ pk: 'APPROVERS', sk: 'ops' }), newer({ pk: 'CUSTOMER', sk: 'hooli' }));
    const group = { slackUsers: [], emails: ['alice@example.com'] };
    expect(await callApi(env, 'PUT /approvers/default', group)).toMatchObject({ status: 200 });
    const customer = { accounts: [consumer], contact: { email: 'ops@initech.example' } };
    expect(await callApi(env, 'PUT /customers/initech', customer)).toMatchObject({ status: 200 });
    expect([...env.subscriptions.keys()]).toContain('bob@example.com');
    expect([...env.customerSubscriptions.keys()]).toContain('ops@hooli.example');
  });
});
