import { type AllowlistEntry, allServicesScope, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { readService, type Service, serviceKey } from '../../lib/services/service.ts';
import type { indexByKey } from '../../lib/storage/entity.ts';
import type { Endpoint, PrivateLinkState } from '../../sandbox/privatelink/model.ts';

type RequestIdentity = Pick<
  ConnectionRecord,
  'serviceId' | 'ownerAccountId' | 'endpointId' | 'endpointRegion' | 'approvalRequest'
>;

/** The service and the entries of an account at it. */
export interface OraclePolicy {
  readonly service?: Service;
  /** The most specific first. */
  readonly entries: readonly AllowlistEntry[];
}

/** Lists the endpoints of an account at a service. */
export function listAccountEndpoints(
  { endpoints }: PrivateLinkState,
  { serviceId, ownerAccountId }: Pick<RequestIdentity, 'serviceId' | 'ownerAccountId'>,
): Endpoint[] {
  return Object.values(endpoints).filter(
    (endpoint) => endpoint.serviceId === serviceId && endpoint.accountId === ownerAccountId,
  );
}

/** Whether an endpoint is connected once EC2 has carried out its transition. */
export function becomesConnected({ state, next }: Endpoint): boolean {
  return ['pending', 'available'].includes(next?.state ?? state);
}

export function readOraclePolicy(
  { serviceId, ownerAccountId }: RequestIdentity,
  items: Pick<ReturnType<typeof indexByKey>, 'find'>,
): OraclePolicy {
  const service = items.find(serviceKey(serviceId));
  return {
    ...(service && { service: readService(service) }),
    entries: [serviceId, allServicesScope].flatMap((scope) => {
      const item = items.find(entryKey(scope, ownerAccountId));
      return item ? readEntry(item) : [];
    }),
  };
}

/**
 * Returns the expected action for a request, as an independent implementation of the rules. Another check covers
 * the count of endpoints.
 */
export function expectedAction(
  request: RequestIdentity,
  { service, entries }: OraclePolicy,
  approval: ConnectionRecord['personDecision'],
  now: number,
): 'accept' | 'reject' | 'nothing' {
  if (!service || service.pausedAt !== undefined) return 'nothing';
  if (entries.some(({ effect }) => effect === 'block')) return 'reject';
  if (approval) return approval.decision === 'approve' ? 'accept' : 'reject';
  const unanswered = isRejectedOnExpiry(request, { service }, now) ? 'reject' : 'nothing';
  const [entry] = entries;
  if (!entry && service.onUnlisted !== 'ask') return service.onUnlisted === 'reject' ? 'reject' : 'nothing';
  if (!entry) return unanswered;
  return isAllowedByEntry(request, { entries }, now) ? 'accept' : unanswered;
}

/** Whether the most specific entry allows the request, except for its count. */
export function isAllowedByEntry(
  request: Pick<RequestIdentity, 'endpointId' | 'endpointRegion'>,
  { entries: [entry] }: Pick<OraclePolicy, 'entries'>,
  now: number,
): boolean {
  if (entry?.effect !== 'allow') return false;
  const { endpointIds, consumerRegions, expiresAt } = entry;
  return (
    (endpointIds === undefined || endpointIds.includes(request.endpointId)) &&
    (consumerRegions === undefined || consumerRegions.includes(request.endpointRegion ?? '')) &&
    (expiresAt === undefined || Date.parse(expiresAt) > now)
  );
}

/** Whether the deadline has passed and the service rejects on expiry. */
export function isRejectedOnExpiry(
  { approvalRequest }: Pick<RequestIdentity, 'approvalRequest'>,
  { service }: Pick<OraclePolicy, 'service'>,
  now: number,
): boolean {
  return (
    service?.onExpiry === 'reject' &&
    approvalRequest !== undefined &&
    Date.parse(approvalRequest.deadline) <= now
  );
}
