import { type AuditEntry, historyOf } from '../audit/audit.ts';
import type { Mode } from '../mode/mode.ts';
import { isStopped, reasonOf } from '../policy/decide.ts';
import type { Outcome } from '../policy/rule.ts';
import { readService, type Service, serviceKey } from '../service/service.ts';
import { type Connection, type ConnectionState, isAnswered, isLive } from './connection.ts';
import {
  type ConnectionRecord,
  connectionOf,
  leftAloneUntil,
  readRecord,
  recordKey,
} from './connection-record.ts';
import { findConnection, type Looking } from './find-connection.ts';

/** A connection as EC2 shows it, beside what linkgate decided of it. */
export interface ConnectionView extends Omit<Connection, 'place'> {
  readonly accountId: string;
  readonly region: string;
  readonly verdict: string | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  /** Where what EC2 shows is not what linkgate decided: in what, as a sentence. */
  readonly differs: string | null;
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
    differs: verdict ? differenceOf(connection.state, verdict.outcome, mode) : null,
  };
}

const would: Readonly<Record<Outcome, string>> = {
  accept: 'linkgate would accept it',
  reject: 'linkgate would reject it',
  ask: 'linkgate would leave it to a person',
  wait: 'linkgate would let it wait',
};

function differenceOf(state: ConnectionState, outcome: Outcome, mode: Mode): string | null {
  if (state === 'pendingAcceptance')
    return mode === 'observe' && (outcome === 'accept' || outcome === 'reject')
      ? `${would[outcome]}, and EC2 still shows it waiting`
      : null;
  if (!isAnswered(state)) return null;
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

/** What else says what comes next. */
interface Around {
  readonly isListed: boolean;
  readonly service: Service | undefined;
  readonly mode: Mode;
  /** EC2 was asked, and would not. */
  readonly isRefused: boolean;
}

function nextOf(
  { state, endpointId }: Connection,
  record: ConnectionRecord | undefined,
  { isListed, service, mode, isRefused }: Around,
): string {
  if (!isListed || state === 'deleting' || state === 'deleted')
    return 'The endpoint is gone; nothing is left to do.';
  if (state === 'rejected')
    return 'It stays rejected, also when its account is allowed later: the consumer has to delete it (it costs until then) and create a new endpoint.';
  if (state === 'failed' || state === 'expired')
    return `EC2 shows it as ${state}: the consumer has to create a new endpoint.`;
  if (state === 'available') return 'It is connected.';
  if (state === 'pending') return 'EC2 is connecting it.';
  if (!service) return 'Its service is not registered, so linkgate does not decide it.';
  const verdict = record?.verdict;
  if (verdict === undefined) return 'It is decided within a minute.';
  const again = isRefused && record?.effect && leftAloneUntil(record.effect);
  if (mode === 'act' && again)
    return `EC2 refused to ${verdict.outcome} it; it is asked again after ${again.toISOString()}.`;
  if (verdict.outcome === 'accept' || verdict.outcome === 'reject')
    return mode === 'act'
      ? `EC2 is asked to ${verdict.outcome} it; what EC2 shows is recorded as soon as it shows it.`
      : `linkgate would ${verdict.outcome} it. Its mode is observe, so it leaves that to others until \`linkgate mode act\`.`;
  if (service.pausedAt !== undefined)
    return `It waits, since ${service.name} is paused: linkgate resume ${service.name}.`;
  if (isStopped(verdict))
    return `It waits, whatever a person says, and is tried again within a minute or two: ${reasonOf(verdict)}.`;
  const then =
    mode === 'act' ? '' : " linkgate's mode is observe, so EC2 is not asked until `linkgate mode act`.";
  const ticket = service.requireTicket ? ' --ticket …' : '';
  return `${waits(record?.asking, service)}: linkgate approve ${endpointId}${ticket}, or linkgate deny ${endpointId} --reason "…"${ticket}.${then}`;
}

/** That it waits for a person, how long, and what comes then. */
function waits(asking: ConnectionRecord['asking'], { onExpiry }: Service): string {
  if (!asking) return 'It waits for a person';
  if (asking.stage === 'expired')
    return `Nobody decided it before ${asking.deadline}, and it still waits for a person`;
  const then = onExpiry === 'reject' ? 'is rejected then' : 'stays open after that';
  return `It waits for a person until ${asking.deadline}, and ${then}`;
}
