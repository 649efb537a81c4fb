import type { ApproverGroup } from '../../../lib/approvers/approver-group.ts';
import { type LinkClaims, linkTo } from '../../../lib/channels/approval-link/link.ts';
import { handleLinkRequest } from '../../../lib/channels/approval-link/receive-request.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import { cachedSecret } from '../../../lib/runtime/secret.ts';
import type { Service } from '../../../lib/services/service.ts';
import { anEntry, aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../../builders.ts';
import { createTestEnv } from '../../doubles/test-env.ts';

export const address = 'approver@example.com';
export const other = 'second@example.com';
const approvalRequest = {
  group: 'default',
  since: noon.toISOString(),
  deadline: secondsAfterNoon(86_400).toISOString(),
  version: 1,
  stage: 'approval-requested',
} as const;

interface Situation {
  readonly record?: Partial<ConnectionRecord>;
  readonly group?: Partial<ApproverGroup>;
  readonly service?: Partial<Service>;
  readonly entries?: Parameters<typeof anEntry>[0][];
  readonly earlier?: readonly ConnectionRecord[];
}

/** A request that was left to two people with addresses, and what they need to answer it. */
export function aSituation({ record, group, service, entries = [], earlier = [] }: Situation = {}) {
  const world = createTestEnv({
    services: [aService(service)],
    entries: entries.map(anEntry),
    records: [aRecord({ verdict: aVerdict('ask'), approvalRequest, ...record }), ...earlier],
    groups: [{ name: 'default', quorum: 1, slackUsers: [], emails: [address, other], version: 1, ...group }],
  });
  const { connectionsIn: _connectionsIn, ...deps } = world.deps;
  const key = { kept: 'a-key', reads: 0 };
  let writes = 0;
  const app = {
    ...deps,
    table: {
      ...world.table,
      write: (...args: Parameters<typeof world.table.write>) => {
        writes += 1;
        return world.table.write(...args);
      },
    },
    signingKey: cachedSecret(async () => {
      key.reads += 1;
      return key.kept;
    }, deps),
  };

  async function send(method: string, event: object) {
    const { response, told } = await handleLinkRequest(
      { requestContext: { http: { method } }, ...event },
      app,
    );
    return { ...response, told };
  }
  const follow = (claims?: Partial<LinkClaims>, method = 'GET') =>
    send(method, { rawQueryString: queryFor(claims) });
  const answer = (form: Record<string, string>, claims?: Partial<LinkClaims>) =>
    send('POST', { rawQueryString: queryFor(claims), body: new URLSearchParams(form).toString() });
  return Object.assign(world, { app, key, send, follow, answer, writes: () => writes });
}

/** The query of a link that linkgate made. */
export function queryFor(claims: Partial<LinkClaims> = {}, key = 'a-key'): string {
  const granted: LinkClaims = {
    purpose: 'approve',
    endpointId: endpointId(1),
    version: 1,
    address,
    expiresAt: secondsAfterNoon(7 * 86_400).toISOString(),
    ...claims,
  };
  return new URL(linkTo('https://example.com/approval', granted, key)).search.slice(1);
}

export const because = { reason: 'a customer of ours' };
export const deny = { purpose: 'deny' } as const;
