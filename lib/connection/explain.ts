import { type AuditEntry, historyOf } from '../audit/audit.ts';
import { reasonOf } from '../policy/decide.ts';
import { readService, serviceKey } from '../service/service.ts';
import type { Connection } from './connection.ts';
import { type ConnectionRecord, readRecord, recordKey } from './connection-record.ts';
import { findConnection, type Looking } from './find-connection.ts';

/** A connection as EC2 shows it, beside what linkgate decided of it. */
export interface ConnectionView extends Omit<Connection, 'place'> {
  readonly accountId: string;
  readonly region: string;
  readonly verdict: string | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
}

export interface Explanation {
  /** `service`: the provider's own name for it, where it is registered. */
  readonly connection: ConnectionView & { readonly service?: string };
  readonly verdict: ConnectionRecord['verdict'] | null;
  readonly history: readonly AuditEntry[];
  /** What comes next, or what somebody has to do, in a sentence. */
  readonly next: string;
}

export function viewOf(
  { place, ...connection }: Connection,
  record: ConnectionRecord | undefined,
): ConnectionView {
  const verdict = record?.verdict;
  return {
    ...connection,
    ...place,
    verdict: verdict?.outcome ?? null,
    decidedBy: verdict?.decidedBy ?? null,
    reason: verdict ? reasonOf(verdict) : null,
  };
}

/** The story of one connection: what EC2 shows, what was decided and why, and each step since. */
export async function explain(endpointId: string, deps: Looking): Promise<Explanation | undefined> {
  const { table } = deps;
  const [[item], history] = await Promise.all([
    table.get([recordKey(endpointId)]),
    historyOf(endpointId, table),
  ]);
  const record = item && readRecord(item);
  const shown = await findConnection(endpointId, record, deps);
  const connection = shown ?? (record && connectionOf(record));
  if (!connection) return undefined;
  const [service] = await table.get([serviceKey(connection.serviceId)]);
  return {
    connection: {
      ...viewOf(connection, record),
      ...(service && { service: readService(service).name }),
    },
    verdict: record?.verdict ?? null,
    history: [...history].sort((a, b) => a.time.localeCompare(b.time) || a.sequence - b.sequence),
    next: nextOf(connection, record, { isListed: shown !== undefined, isRegistered: service !== undefined }),
  };
}

function connectionOf(record: ConnectionRecord): Connection {
  const { place, serviceId, endpointId, ownerAccountId, state, requestedAt } = record;
  return { place, serviceId, endpointId, ownerAccountId, state, requestedAt };
}

function nextOf(
  { state, endpointId }: Connection,
  record: ConnectionRecord | undefined,
  { isListed, isRegistered }: { readonly isListed: boolean; readonly isRegistered: boolean },
): string {
  if (!isListed || state === 'deleting' || state === 'deleted')
    return 'The endpoint is gone; nothing is left to do.';
  if (state === 'rejected')
    return 'It stays rejected, also when its account is allowed later: the consumer has to delete it (it costs until then) and create a new endpoint.';
  if (state === 'failed' || state === 'expired')
    return `EC2 shows it as ${state}: the consumer has to create a new endpoint.`;
  if (state === 'available') return 'It is connected.';
  if (state === 'pending') return 'EC2 is connecting it.';
  if (!isRegistered) return 'Its service is not registered, so linkgate does not decide it.';
  const verdict = record?.verdict;
  if (verdict === undefined) return 'It is decided within a minute.';
  if (verdict.outcome === 'accept' || verdict.outcome === 'reject')
    return `EC2 is asked to ${verdict.outcome} it, unless linkgate's mode is observe; what EC2 shows is recorded as soon as it shows it.`;
  if (record?.approval) return `A person has decided it, and it waits all the same: ${reasonOf(verdict)}.`;
  return `It waits for a person: linkgate approve ${endpointId}, or linkgate deny ${endpointId} --reason "…".`;
}
