import type { ApproverGroup } from '../../../lib/approvers/approver-group.ts';
import { handleLinkRequest } from '../../../lib/channels/approval-link/handle-link-request.ts';
import { createLink, type LinkClaims } from '../../../lib/channels/approval-link/link.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import { cachedSecret } from '../../../lib/runtime/secret.ts';
import type { Service } from '../../../lib/services/service.ts';
import { anEntry, aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../../builders.ts';
import { createTestEnv } from '../../doubles/test-env.ts';

export const address = 'approver@example.com';
export const otherAddress = 'second@example.com';
const approvalRequest = {
  group: 'default',
  requestedAt: noon.toISOString(),
  deadline: secondsAfterNoon(86_400).toISOString(),
  version: 1,
  stage: 'approval-requested',
} as const;

interface LinkTestEnvContents {
  readonly record?: Partial<ConnectionRecord>;
  readonly group?: Partial<ApproverGroup>;
  readonly service?: Partial<Service>;
  readonly entries?: Parameters<typeof anEntry>[0][];
  readonly earlier?: readonly ConnectionRecord[];
}

/** A request that waits for two approvers with email addresses, and calls to handle their links. */
export function createLinkTestEnv({
  record,
  group,
  service,
  entries = [],
  earlier = [],
}: LinkTestEnvContents = {}) {
  const env = createTestEnv({
    services: [aService(service)],
    entries: entries.map(anEntry),
    records: [aRecord({ verdict: aVerdict('ask'), approvalRequest, ...record }), ...earlier],
    groups: [
      { name: 'default', quorum: 1, slackUsers: [], emails: [address, otherAddress], version: 1, ...group },
    ],
  });
  const { connectionsClient: _connectionsClient, ...deps } = env.deps;
  const key = { value: 'a-key', reads: 0 };
  let writes = 0;
  const linkDeps = {
    ...deps,
    table: {
      ...env.table,
      write: (...args: Parameters<typeof env.table.write>) => {
        writes += 1;
        return env.table.write(...args);
      },
    },
    signingKey: cachedSecret(async () => {
      key.reads += 1;
      return key.value;
    }, deps),
  };

  async function send(method: string, event: object) {
    const { response, logFields } = await handleLinkRequest(
      { requestContext: { http: { method } }, ...event },
      linkDeps,
    );
    return { ...response, logFields };
  }
  const follow = (claims?: Partial<LinkClaims>, method = 'GET') =>
    send(method, { rawQueryString: linkQuery(claims) });
  const answer = (form: Record<string, string>, claims?: Partial<LinkClaims>) =>
    send('POST', { rawQueryString: linkQuery(claims), body: new URLSearchParams(form).toString() });
  return Object.assign(env, { app: linkDeps, key, send, follow, answer, writes: () => writes });
}

/** Returns the query of an approval link. */
export function linkQuery(claims: Partial<LinkClaims> = {}, key = 'a-key'): string {
  const granted: LinkClaims = {
    purpose: 'approve',
    endpointId: endpointId(1),
    version: 1,
    address,
    expiresAt: secondsAfterNoon(7 * 86_400).toISOString(),
    ...claims,
  };
  return new URL(createLink('https://example.com/approval', granted, key)).search.slice(1);
}

export const withReason = { reason: 'a customer of ours' };
export const deny = { purpose: 'deny' } as const;
