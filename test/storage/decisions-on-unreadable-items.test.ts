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
import { ask } from '../api/ask.ts';
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
import { aSituation, because } from '../channels/approval-link/fixtures.ts';
import { createSlackTestEnv } from '../channels/slack/fixtures.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const request = aRequest();
const remedyOf = ({ pk, sk }: Key) => `linkgate item remove ${shellWord(pk)} ${shellWord(sk)}`;
const newer = (key: Key): Item => ({ ...key, schemaVersion: '2.0', version: 1 });

function aWorldWithRequest() {
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
  ['the set of its endpoints that count', endpointQuotaKey(request)],
  ['the last switch of the mode', modeKey],
  ['the memory of the table', identityKey],
])('a request whose decision rests on %s, which cannot be read,', (_what, key) => {
  test('is on hold, by a finding that names the item, and is written down once', async () => {
    const world = aWorldWithRequest();
    world.put(newer(key));
    expect(await decideConnection(request, world.deps)).toMatchObject({
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
    world.wait(61);
    expect(await decideConnection(request, world.deps)).toMatchObject({ outcome: 'hold', isNew: false });
    expect(await world.actions(endpointId(1))).toEqual(['requested', 'decided']);
  });

  test('is decided once the item can be read, a minute later at most', async () => {
    const world = aWorldWithRequest();
    const [before] = await world.table.get([key]);
    world.put(newer(key));
    await decideConnection(request, world.deps);
    await world.table.write([before ? { put: before } : { remove: key }]);
    world.wait(61);
    expect(await decideConnection(request, world.deps)).toMatchObject({ outcome: 'accept' });
  });

  test('is decided by no person meanwhile, who is told which item it is', async () => {
    const world = aWorldWithRequest();
    world.put(newer(key));
    await decideConnection(request, world.deps);
    const path = `/connections/${endpointId(1)}/decision`;
    expect(await ask(world, 'POST', path, { decision: 'approve' })).toMatchObject({
      status: 409,
      body: { error: { code: 'UnreadableItem', message: expect.stringContaining(remedyOf(key)) } },
    });
  });

  test('is decided by nobody in Slack or by a link either, who are told the same', async () => {
    const slack = createSlackTestEnv({ connections: [request], entries: [anEntry({ maxEndpoints: 3 })] });
    slack.put(newer(key));
    await slack.click(actionIds.approve);
    expect(slack.answers).toMatchObject([{ text: expect.stringContaining(remedyOf(key)) }]);
    const command = await slack.command(`deny ${endpointId(1)} no contract`);
    expect(command).toMatchObject({ json: { text: expect.stringContaining(remedyOf(key)) } });
    expect(slack.errors).toHaveLength(2);

    const situation = aSituation({ entries: [{ maxEndpoints: 3 }] });
    situation.put(newer(key));
    const { statusCode, body } = await situation.answer(because);
    expect(statusCode).toBe(409);
    expect(body.replaceAll('&#39;', "'")).toContain(remedyOf(key));
    expect(situation.errors).toHaveLength(1);
  });
});

test.each([
  ['the group that decides', groupKey('default'), remedyOf(groupKey('default'))],
  ['the record, which stays', recordKey(endpointId(1)), 'is not removed, since it holds what people decided'],
])('a click on a request is told that %s cannot be read', async (_what, key, told) => {
  const slack = createSlackTestEnv();
  slack.put(newer(key));
  await slack.click(actionIds.deny);
  expect(slack.answers).toMatchObject([{ text: expect.stringContaining(told) }]);
});

test('the form of a denial says that an item which came meanwhile cannot be read', async () => {
  const slack = createSlackTestEnv();
  await slack.click(actionIds.deny);
  const key = entryKey(serviceId(1), consumer);
  slack.put(newer(key));
  const { json } = await slack.submit(slack.views[0], { reason: 'no contract' });
  expect(json).toMatchObject({ view: { title: { text: 'Not decided' } } });
  expect(JSON.stringify(json)).toContain(remedyOf(key));
});

describe('a connection that lives, at a service that cannot be read,', () => {
  const connection = aConnection({ state: 'available' });

  test('stays, with what was decided of it before on hold', async () => {
    const record = aRecord({
      state: 'available',
      verdict: aVerdict('accept'),
      acceptRequestedAt: '2026-11-20T00:00:00.000Z',
    });
    const world = createTestEnv({ services: [aService()], connections: [connection], records: [record] });
    world.put(newer(serviceKey(serviceId(1))));
    expect((await decideConnection(connection, world.deps)).outcome).toBe('hold');
    world.put(serviceItem(aService({ policyRevision: 2, version: 2 })), entryItem(anEntry()));
    expect((await decideConnection(connection, world.deps)).outcome).toBe('accept');
  });

  test('and that was never decided is left as it is, so that it passes for older than the service later', async () => {
    const world = createTestEnv({ services: [aService()], connections: [connection] });
    world.put(newer(serviceKey(serviceId(1))));
    await expect(decideConnection(connection, world.deps)).rejects.toThrow('deploy the newer version');
    expect(await world.record(endpointId(1))).toBeUndefined();
  });
});

test('what was decided before an entry came that cannot be read is not carried out', async () => {
  const verdict = aVerdict('accept', { policyVersions: { service: 1, entry: 0, wildcardEntry: 1, mode: 0 } });
  const record = aRecord({ verdict, effect: { action: 'accept', asked: 0 } });
  const world = createTestEnv({
    services: [aService()],
    entries: [anEntry({ serviceId: '*' })],
    connections: [request],
    records: [record],
  });
  world.put(newer(entryKey(serviceId(1), consumer)));
  await applyVerdicts(hub, world.deps);
  expect(world.ec2.calls).toEqual([]);
  expect(world.published).toMatchObject([{ type: 'Connection Request' }]);
});

describe('beside a group or a customer that cannot be read', () => {
  test('nobody is unsubscribed whom it may name', async () => {
    const world = createTestEnv();
    world.subscriptions.set('bob@example.com', { arn: 'arn:1', readers: ['bob@example.com'] });
    world.consumerSubscriptions.set('ops@hooli.example', { arn: 'arn:2', readers: ['ops@hooli.example'] });
    world.put(newer({ pk: 'APPROVERS', sk: 'ops' }), newer({ pk: 'CUSTOMER', sk: 'hooli' }));
    const group = { slackUsers: [], emails: ['alice@example.com'] };
    expect(await ask(world, 'PUT', '/approvers/default', group)).toMatchObject({ status: 200 });
    const customer = { accounts: [consumer], contact: { email: 'ops@initech.example' } };
    expect(await ask(world, 'PUT', '/customers/initech', customer)).toMatchObject({ status: 200 });
    expect([...world.subscriptions.keys()]).toContain('bob@example.com');
    expect([...world.consumerSubscriptions.keys()]).toContain('ops@hooli.example');
  });
});
