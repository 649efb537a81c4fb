import type * as v from 'valibot';
import { formatAccountRegion } from '../locations/account-region.ts';
import { AccountId, EndpointId, ServiceId } from '../privatelink/connection.ts';
import { parseEach, type ReadDeps } from '../storage/entity.ts';
import { index } from '../storage/pointer-index.ts';
import type { Write } from '../storage/table.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  PendingEffect,
  readRecord,
  recordKey,
} from './connection-record.ts';
import { nextReevaluation } from './next-reevaluation.ts';

const pendingEffectEntries = {
  endpointId: EndpointId,
  serviceId: ServiceId,
  ownerAccountId: AccountId,
  action: PendingEffect.entries.action,
};

/** The records of a location with a pending effect, with all keys for the EC2 call. */
export const pendingEffects = index({
  name: 'PENDING_EFFECT',
  entries: pendingEffectEntries,
  formatPartition: formatAccountRegion,
  pointer: ({ location, endpointId, serviceId, ownerAccountId, pendingEffect }: ConnectionRecord) =>
    pendingEffect && {
      of: location,
      sk: endpointId,
      target: { endpointId, serviceId, ownerAccountId, action: pendingEffect.action },
    },
});
export type PendingEffectPointer = v.InferOutput<v.ObjectSchema<typeof pendingEffectEntries, undefined>>;

/** The records of a location that linkgate re-evaluates at a time, sorted by that time. */
export const reevaluations = index({
  name: 'REEVALUATE_AT',
  entries: { endpointId: EndpointId },
  formatPartition: formatAccountRegion,
  pointer(record: ConnectionRecord) {
    const time = nextReevaluation(record);
    const { location, endpointId } = record;
    return time === undefined
      ? undefined
      : { of: location, sk: `${time}#${endpointId}`, target: { endpointId } };
  },
});

/** The records that await an approver group. */
export const awaitingApproval = index({
  name: 'AWAITING_APPROVAL',
  entries: { endpointId: EndpointId },
  formatPartition: (group: string) => group,
  pointer(record: ConnectionRecord) {
    const group = awaitedGroup(record);
    return group === undefined
      ? undefined
      : { of: group, sk: record.endpointId, target: { endpointId: record.endpointId } };
  },
});

/** Returns the approver group that an open request awaits. */
export function awaitedGroup(record: ConnectionRecord | undefined): string | undefined {
  return record?.approvalRequest && isAwaitingApproval(record) ? record.approvalRequest.group : undefined;
}

/** All records of an account at a service, sorted by the time of the request. */
export const connectionsByAccount = index({
  name: 'BY_ACCOUNT',
  entries: { endpointId: EndpointId },
  formatPartition: ({ ownerAccountId, serviceId }: AccountAtService) => `${ownerAccountId}#${serviceId}`,
  pointer: ({ ownerAccountId, serviceId, requestedAt, endpointId }: ConnectionRecord) => ({
    of: { ownerAccountId, serviceId },
    sk: byAccountSortKey({ requestedAt, endpointId }),
    target: { endpointId },
  }),
});

type AccountAtService = Pick<ConnectionRecord, 'ownerAccountId' | 'serviceId'>;
type RequestTime = Pick<ConnectionRecord, 'requestedAt' | 'endpointId'>;

function byAccountSortKey({ requestedAt, endpointId }: RequestTime): string {
  return `${requestedAt}#${endpointId}`;
}

/** Builds the writes that update all pointers to a record. */
export function recordIndexWrites(before: ConnectionRecord | undefined, after: ConnectionRecord): Write[] {
  return [pendingEffects, awaitingApproval, connectionsByAccount, reevaluations].flatMap(({ writes }) =>
    writes(before, after),
  );
}

/** Lists the account's records at a service that are older than the given record, newest first. */
export async function listEarlierConnections(
  record: AccountAtService & RequestTime,
  limit: number,
  { table, reportError }: ReadDeps,
): Promise<ConnectionRecord[]> {
  const earlier = { limit, newestFirst: true, after: byAccountSortKey(record) };
  for await (const page of connectionsByAccount.list(record, { table, reportError }, earlier)) {
    const keys = page.map(({ endpointId }) => recordKey(endpointId));
    const records = parseEach(await table.get(keys), readRecord, reportError);
    return records.sort((a, b) => b.requestedAt.localeCompare(a.requestedAt));
  }
  return [];
}
