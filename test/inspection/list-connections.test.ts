import { describe, expect, test } from '@jest/globals';
import { recordKey } from '../../lib/connections/connection-record.ts';
import { type ListConnectionsQuery, listConnections } from '../../lib/inspection/list-connections.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { aConnection, aRecord, aVerdict, endpointId, hub, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const otherLocation = { accountId: '222222222222', region: 'eu-west-1' };
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

/** Lists endpoints page by page. */
async function listPages(listing: ListConnectionsQuery, pageSize = 1_000) {
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
  test('contains the connections of the requested services, with their verdicts', async () => {
    const env = createTestEnv({ connections, records });
    const { connections: listedConnections } = await listConnections(aListing(), undefined, env.deps);
    expect(listedConnections.map(({ endpointId: id, state, verdict }) => [id, state, verdict])).toEqual([
      [endpointId(1), 'pendingAcceptance', 'ask'],
      [endpointId(2), 'available', null],
      [endpointId(4), 'pendingAcceptance', 'accept'],
    ]);
  });

  test('contains a connection with an unreadable record, without its verdict', async () => {
    const env = createTestEnv({ connections, records });
    const [item] = await env.table.get([recordKey(endpointId(1))]);
    if (!item) throw new Error('nothing is remembered');
    env.put({ ...item, schemaVersion: '2.0' });
    const { connections: listedConnections } = await listConnections(aListing(), undefined, env.deps);
    expect(listedConnections.map(({ verdict }) => verdict)).toEqual([null, null, 'accept']);
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
  });

  test.each<[string, Partial<ListConnectionsQuery>, number[]]>([
    ['filtered by state', { state: 'available' }, [2]],
    ['of connections that await a decision', { waiting: true }, [1]],
    ['without locations', { locations: [] }, []],
  ])('%s contains only those', async (_, query, numbers) => {
    expect(await listPages(aListing(query))).toEqual([numbers.map(endpointId)]);
  });

  test('can be filtered by connections whose state differs from the verdict', async () => {
    const env = createTestEnv({
      connections,
      records: [...records, aRecord({ endpointId: endpointId(2), verdict: aVerdict('reject') })],
    });
    const differing = await listConnections(aListing({ differs: true }), undefined, env.deps);
    expect(differing.connections.map((connection) => connection.endpointId)).toEqual([endpointId(2)]);
    env.mode = 'observe';
    const observeList = await listConnections(aListing({ differs: true }), undefined, env.deps);
    expect(observeList.connections.map((connection) => connection.endpointId)).toEqual(
      [2, 4].map(endpointId),
    );
  });

  test('continues across pages and locations', async () => {
    const pages = await listPages(aListing({ locations: [hub, otherLocation] }), 2);
    expect(pages).toEqual([
      [endpointId(1), endpointId(2)],
      [endpointId(4)],
      [endpointId(1), endpointId(2)],
      [endpointId(4)],
    ]);
  });

  test('filters by service itself when there are more services than an EC2 filter accepts', async () => {
    const env = createTestEnv({ connections });
    const serviceIds = Array.from({ length: 201 }, (_, index) => serviceId(index + 1));
    await listConnections(aListing({ serviceIds }), undefined, env.deps);
    expect(env.ec2.describeCalls).toEqual([{}]);
  });

  test.each(['', 'nonsense', 'bnVsbA', Buffer.from('{"location":-1}').toString('base64url')])(
    'rejects the unknown token `%s`',
    async (token) => {
      await expect(listConnections(aListing(), token, createTestEnv().deps)).rejects.toThrow(
        ExpiredTokenError,
      );
    },
  );
});
