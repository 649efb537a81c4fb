import { type AuditEntry, historyOf } from '../audit/audit.ts';
import type { Mode } from '../mode/mode.ts';
import { isStopped, reasonOf, type Verdict } from '../policy/decide.ts';
import type { Outcome } from '../policy/rule.ts';
import { readService, serviceKey } from '../service/service.ts';
import { type Connection, type ConnectionState, isAnswered, isLive } from './connection.ts';
import { type ConnectionRecord, connectionOf, readRecord, recordKey } from './connection-record.ts';
import { findConnection, type Looking } from './find-connection.ts';
import { nextOf } from './what-next.ts';

/** A connection as EC2 shows it, beside what linkgate decided of it. */
export interface ConnectionView extends Omit<Connection, 'place'> {
  readonly accountId: string;
  readonly region: string;
  readonly verdict: string | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  /** Where what EC2 shows is not what linkgate decided: in what, as a sentence. */
  readonly differs: string | null;
  /** ISO 8601: when it is cut, as things stand. */
  readonly cutAt: string | null;
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
  mode: Mode,
): ConnectionView {
  const verdict = record?.verdict;
  return {
    ...connection,
    ...place,
    verdict: verdict?.outcome ?? null,
    decidedBy: verdict?.decidedBy ?? null,
    reason: verdict ? reasonOf(verdict) : null,
    differs: verdict ? differenceOf(connection.state, verdict, mode) : null,
    cutAt:
      isLive(connection.state) && verdict?.outcome === 'reject' ? (record?.revocation?.cutAt ?? null) : null,
  };
}

const would: Readonly<Record<Outcome, string>> = {
  accept: 'linkgate would accept it',
  reject: 'linkgate would reject it',
  ask: 'linkgate would leave it to a person',
  wait: 'linkgate would let it wait',
};

function differenceOf(state: ConnectionState, verdict: Verdict, mode: Mode): string | null {
  const { outcome, until } = verdict;
  if (state === 'pendingAcceptance')
    return mode === 'observe' && (outcome === 'accept' || outcome === 'reject')
      ? `${would[outcome]}, and EC2 still shows it waiting`
      : null;
  if (!isAnswered(state)) return null;
  // It stays until it is cut, and while its service is stopped.
  if (isLive(state) && (isStopped(verdict) || (outcome === 'reject' && until !== undefined))) return null;
  const answer = isLive(state) ? 'accept' : 'reject';
  return outcome === answer ? null : `${would[outcome]}, and EC2 shows it ${state}`;
}

/** The story of one connection: what EC2 shows, what was decided and why, and each step since. */
export async function explain(
  endpointId: string,
  deps: Looking & { readonly mode: () => Promise<Mode> },
): Promise<Explanation | undefined> {
  const { table } = deps;
  const [[item], history, mode] = await Promise.all([
    table.get([recordKey(endpointId)]),
    historyOf(endpointId, table),
    deps.mode(),
  ]);
  const record = item && readRecord(item);
  const shown = await findConnection(endpointId, record, deps);
  const connection = shown ?? (record && connectionOf(record));
  if (!connection) return undefined;
  const [serviceItem] = await table.get([serviceKey(connection.serviceId)]);
  const service = serviceItem && readService(serviceItem);
  return {
    connection: {
      ...viewOf(connection, record, mode),
      ...(service && { service: service.name }),
    },
    verdict: record?.verdict ?? null,
    history: [...history].sort((a, b) => a.time.localeCompare(b.time) || a.sequence - b.sequence),
    next: nextOf(connection, record, {
      isListed: shown !== undefined,
      service,
      mode,
      isRefused: history.at(-1)?.action === 'refused',
    }),
  };
}
