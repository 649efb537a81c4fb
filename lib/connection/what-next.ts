import { isStopped, reasonOf } from '../policy/decide.ts';
import type { Service } from '../service/service.ts';
import { shellWord } from '../shell-word.ts';
import { type Connection, isLive } from './connection.ts';
import { type ConnectionRecord, leftAloneUntil } from './connection-record.ts';
import { type Around, nextOfLive } from './next-of-live.ts';

/** What comes next of a connection, or what somebody has to do, in a sentence or two. */
export function nextOf(connection: Connection, record: ConnectionRecord | undefined, around: Around): string {
  const { state, endpointId } = connection;
  const { isListed, service, mode, isRefused } = around;
  if (!isListed || state === 'deleting' || state === 'deleted')
    return 'The endpoint is gone; nothing is left to do.';
  if (state === 'rejected')
    return `${wasCut(record)}It stays rejected, also when its account is allowed later: the consumer has to delete it (it costs until then) and create a new endpoint.`;
  if (state === 'failed' || state === 'expired')
    return `EC2 shows it as ${state}: the consumer has to create a new endpoint.`;
  if (isLive(state)) return nextOfLive(connection, record, around);
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
    return `It waits, since ${service.name} is paused: linkgate resume ${shellWord(service.name)}.`;
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

/** Why something that was connected is so no longer. */
function wasCut(record: ConnectionRecord | undefined): string {
  return record?.revocation && record.verdict ? `It was cut: ${reasonOf(record.verdict)}. ` : '';
}
