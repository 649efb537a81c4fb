import { type AllowlistEntry, allServicesScope, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { readService, type Service, serviceKey } from '../../lib/services/service.ts';
import type { indexByKey } from '../../lib/storage/entity.ts';

type RequestIdentity = Pick<
  ConnectionRecord,
  'serviceId' | 'ownerAccountId' | 'endpointId' | 'endpointRegion' | 'approvalRequest'
>;

/** What the table says of an account at a service. */
export interface OraclePolicy {
  readonly service?: Service;
  /** The most specific first. */
  readonly entries: readonly AllowlistEntry[];
}

export function readOraclePolicy(
  { serviceId, ownerAccountId }: RequestIdentity,
  found: Pick<ReturnType<typeof indexByKey>, 'find'>,
): OraclePolicy {
  const service = found.find(serviceKey(serviceId));
  return {
    ...(service && { service: readService(service) }),
    entries: [serviceId, allServicesScope].flatMap((at) => {
      const item = found.find(entryKey(at, ownerAccountId));
      return item ? readEntry(item) : [];
    }),
  };
}

/**
 * What may become of a request, said once more and in other words than the rules, to hold them against. How many endpoints
 * an account may have is watched apart.
 */
export function expectedAction(
  request: RequestIdentity,
  { service, entries }: OraclePolicy,
  approval: ConnectionRecord['approval'],
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

/** Whether the most specific entry allows it, apart from how many it counts. */
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

/** Whether nobody decided it in time, and its service rejects such. */
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
