import { describe, expect, test } from '@jest/globals';
import { loadApprovalViews } from '../../lib/approvals/approval-view.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { setCustomer } from '../../lib/customers/set-customer.ts';
import { modeChangeItem } from '../../lib/mode/mode.ts';
import type { Table } from '../../lib/storage/table.ts';
import {
  aGroup,
  alice,
  aModeChange,
  anApprovalRequest,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const request = (number: number, record: Partial<ConnectionRecord> = {}) =>
  aRecord({
    endpointId: endpointId(number),
    requestedAt: secondsAfterNoon(number).toISOString(),
    verdict: aVerdict('ask'),
    ...record,
  });

function createEnvWith(
  records: readonly ConnectionRecord[],
  contents: Parameters<typeof createTestEnv>[0] = {},
): TestEnv {
  return createTestEnv({ services: [aService()], records, ...contents });
}

/** A table that counts its gets and queries. */
function countReads({ table }: TestEnv) {
  const reads = { gets: 0, queries: 0 };
  const countingTable: Table = {
    ...table,
    get(keys) {
      if (keys.length > 0) reads.gets++;
      return table.get(keys);
    },
    query(pk, options) {
      reads.queries++;
      return table.query(pk, options);
    },
  };
  return { table: countingTable, reads };
}

describe('an approval view has', () => {
  test('the request, its service, its approver group, the entries of the account and the mode', async () => {
    const entries = [anEntry({ effect: 'allow', note: 'a customer' }), anEntry({ serviceId: '*' })];
    const otherEntry = anEntry({ accountId: '333333333333' });
    const groups = [aGroup({ quorum: 2 }), aGroup({ name: 'ops' })];
    const env = createEnvWith([request(1)], { entries: [...entries, otherEntry], groups });
    env.put(modeChangeItem(aModeChange({ mode: 'observe' })));
    expect(await loadApprovalViews([request(1)], env.deps)).toEqual([
      {
        record: request(1),
        service: aService(),
        group: groups[0],
        entries,
        earlierConnections: [],
        mode: 'observe',
      },
    ]);
  });

  test('the earlier connections of the account, newest first, and none after the request', async () => {
    const atOtherService = request(3, { serviceId: serviceId(2) });
    const ofOtherAccount = request(4, { ownerAccountId: '333333333333' });
    const env = createEnvWith([
      request(1),
      request(2),
      atOtherService,
      ofOtherAccount,
      request(5),
      request(6),
    ]);
    const [view] = await loadApprovalViews([request(5)], env.deps);
    expect(view?.earlierConnections.map((record) => record.endpointId)).toEqual([
      endpointId(2),
      endpointId(1),
    ]);
  });

  test('the current approver group, not the one at the time of the request', async () => {
    const env = createEnvWith([request(1)], {
      services: [aService({ approvers: 'ops' })],
      groups: [aGroup(), aGroup({ name: 'ops' })],
    });
    const [view] = await loadApprovalViews([request(1)], env.deps);
    expect(view?.group.name).toBe('ops');
  });
});

test('an approval view of a deregistered service has the service id as its name, and the group of the approval request', async () => {
  const deregistered = request(1, {
    approvalRequest: anApprovalRequest({ group: 'ops' }),
    serviceDeregisteredAt: noon.toISOString(),
  });
  const env = createEnvWith([deregistered], { services: [], groups: [aGroup({ name: 'ops' })] });
  expect(await loadApprovalViews([deregistered], env.deps)).toMatchObject([
    { service: { serviceId: serviceId(1), name: serviceId(1) }, group: { name: 'ops' } },
  ]);
});

describe('the approval views of many requests', () => {
  test('keep their order, and are read in batches except for earlier connections', async () => {
    const records = [3, 1, 2].map((number) => request(number));
    const env = createEnvWith(records);
    const { table, reads } = countReads(env);
    const views = await loadApprovalViews(records, { ...env.deps, table });
    expect(views.map(({ record }) => record.endpointId)).toEqual([3, 1, 2].map(endpointId));
    // The policy inputs, the groups, and the earlier records of each account that has any.
    expect(reads).toEqual({ gets: 2 + 2, queries: 3 });
  });

  test('leave out requests whose service or group is missing', async () => {
    const [orphan, groupless] = [
      request(2, { serviceId: serviceId(2) }),
      request(3, { serviceId: serviceId(3) }),
    ];
    const services = [aService(), aService({ serviceId: serviceId(3), approvers: 'nobody' })];
    const env = createEnvWith([request(1), orphan, groupless], { services });
    const views = await loadApprovalViews([orphan, request(1), groupless], env.deps);
    expect(views.map(({ record }) => record.endpointId)).toEqual([endpointId(1)]);
  });
});

describe('without earlier connections, a view', () => {
  test('has the customer that has the account, which costs no additional read', async () => {
    const env = createEnvWith([request(1), request(2)]);
    await setCustomer('initech', { accounts: [consumer] }, alice, env.deps);
    const { table, reads } = countReads(env);
    const [view] = await loadApprovalViews([request(2)], { ...env.deps, table }, { withHistory: false });
    expect(view).toMatchObject({ customer: 'initech', earlierConnections: [] });
    expect(reads).toEqual({ gets: 2, queries: 0 });
    await setCustomer('initech', { accounts: [] }, alice, env.deps);
    expect((await loadApprovalViews([request(2)], env.deps))[0]).not.toHaveProperty('customer');
  });
});
