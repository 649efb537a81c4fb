import { describe, expect, test } from '@jest/globals';
import { recordKey } from '../../lib/connections/connection-record.ts';
import { type ListConnectionsQuery, listConnections } from '../../lib/inspection/list-connections.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { aConnection, aRecord, aVerdict, endpointId, hub, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const elsewhere = { accountId: '222222222222', region: 'eu-west-1' };
const connections = [
  aConnection(),
  aConnection({ endpointId: endpointId(2), state: 'available' }),
  aConnection({ endpointId: endpointId(3), serviceId: serviceId(9) }),
  aConnection({ endpointId: endpointId(4) }),
];
const records = [
  aRecord({ verdict: aVerdict('ask') }),
  aRecord({ endpointId: endpointId(4), verdict: aVerdict('accept') }),
];

function aListing(listing: Partial<ListConnectionsQuery> = {}): ListConnectionsQuery {
  return { locations: [hub], serviceIds: [serviceId(1)], waiting: false, differs: false, ...listing };
}

/** The endpoints of a listing's pages, page by page. */
async function pagesOf(listing: ListConnectionsQuery, pageSize = 1_000) {
  const env = createTestEnv({ connections, records });
  env.ec2.pageSize = pageSize;
  const pages: string[][] = [];
  let token: string | undefined;
  do {
    const page = await listConnections(listing, token, env.deps);
    pages.push(page.connections.map((connection) => connection.endpointId));
    token = page.nextToken;
  } while (token !== undefined);
  return pages;
}

describe('a list of connections', () => {
  test('has those of the services asked for, beside their verdicts', async () => {
    const env = createTestEnv({ connections, records });
    const { connections: listed } = await listConnections(aListing(), undefined, env.deps);
    expect(listed.map(({ endpointId: id, state, verdict }) => [id, state, verdict])).toEqual([
      [endpointId(1), 'pendingAcceptance', 'ask'],
      [endpointId(2), 'available', null],
      [endpointId(4), 'pendingAcceptance', 'accept'],
    ]);
  });

  test('has one whose record this version cannot read, without its verdict', async () => {
    const env = createTestEnv({ connections, records });
    const [item] = await env.table.get([recordKey(endpointId(1))]);
    if (!item) throw new Error('nothing is remembered');
    env.put({ ...item, schemaVersion: '2.0' });
    const { connections: listed } = await listConnections(aListing(), undefined, env.deps);
    expect(listed.map(({ verdict }) => verdict)).toEqual([null, null, 'accept']);
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
  });

  test('of one state has no other', async () => {
    expect(await pagesOf(aListing({ state: 'available' }))).toEqual([[endpointId(2)]]);
  });

  test('of those that wait has only requests that a person may decide', async () => {
    expect(await pagesOf(aListing({ waiting: true }))).toEqual([[endpointId(1)]]);
  });

  test('of those that differ has only what EC2 shows otherwise than linkgate decided it', async () => {
    const env = createTestEnv({
      connections,
      records: [...records, aRecord({ endpointId: endpointId(2), verdict: aVerdict('reject') })],
    });
    const differing = await listConnections(aListing({ differs: true }), undefined, env.deps);
    expect(differing.connections.map((connection) => connection.endpointId)).toEqual([endpointId(2)]);
    env.mode = 'observe';
    const observing = await listConnections(aListing({ differs: true }), undefined, env.deps);
    expect(observing.connections.map((connection) => connection.endpointId)).toEqual([2, 4].map(endpointId));
  });

  test('goes on from page to page and from place to place', async () => {
    const pages = await pagesOf(aListing({ locations: [hub, elsewhere] }), 2);
    expect(pages).toEqual([
      [endpointId(1), endpointId(2)],
      [endpointId(4)],
      [endpointId(1), endpointId(2)],
      [endpointId(4)],
    ]);
  });

  test('of no place is empty', async () => {
    expect(await pagesOf(aListing({ locations: [] }))).toEqual([[]]);
  });

  test('tells services apart itself where there are more than EC2 takes in a filter', async () => {
    const env = createTestEnv({ connections });
    const serviceIds = Array.from({ length: 201 }, (_, index) => serviceId(index + 1));
    await listConnections(aListing({ serviceIds }), undefined, env.deps);
    expect(env.ec2.describeCalls).toEqual([{}]);
  });

  test.each(['', 'nonsense', 'bnVsbA', Buffer.from('{"location":-1}').toString('base64url')])(
    'refuses the token `%s`, which it did not give out',
    async (token) => {
      await expect(listConnections(aListing(), token, createTestEnv().deps)).rejects.toThrow(
        ExpiredTokenError,
      );
    },
  );
});
