import { type ConnectionRecord, nextAttemptAt } from '../connections/connection-record.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import { shellWord } from '../values/shell-word.ts';
import { isPaused, primaryReason } from '../verdicts/verdict.ts';
import { type NextStepContext, nextStepWhenConnected } from './next-step-when-connected.ts';

/** What comes next of a connection, or what somebody has to do, in a sentence or two. */
export function nextStep(
  connection: Connection,
  record: ConnectionRecord | undefined,
  around: NextStepContext,
): string {
  const { state, endpointId } = connection;
  const { isListed, service, mode, isRefused } = around;
  if (!isListed || state === 'deleting' || state === 'deleted')
    return 'The endpoint is gone; nothing is left to do.';
  if (state === 'rejected')
    return `${formatDisconnected(record)}It stays rejected, also when its account is allowed later: the consumer has to delete it (it costs until then) and create a new endpoint.`;
  if (state === 'failed' || state === 'expired')
    return `EC2 shows it as ${state}: the consumer has to create a new endpoint.`;
  if (isConnected(state)) return nextStepWhenConnected(connection, record, around);
  if (!service) return 'Its service is not registered, so linkgate does not decide it.';
  const verdict = record?.verdict;
  if (verdict === undefined) return 'It is decided within a minute.';
  const again = isRefused && record?.pendingEffect && nextAttemptAt(record.pendingEffect);
  if (mode === 'enforce' && again)
    return `EC2 refused to ${verdict.outcome} it; it is asked again after ${again.toISOString()}.`;
  if (verdict.outcome === 'accept' || verdict.outcome === 'reject')
    return mode === 'enforce'
      ? `EC2 is asked to ${verdict.outcome} it; what EC2 shows is recorded as soon as it shows it.`
      : `linkgate would ${verdict.outcome} it. Its mode is observe, so it leaves that to others until \`linkgate mode enforce\`.`;
  if (service.pausedAt !== undefined)
    return `It waits, since ${service.name} is paused: linkgate resume ${shellWord(service.name)}.`;
  if (isPaused(verdict))
    return `It waits, whatever a person says, and is tried again within a minute or two: ${primaryReason(verdict)}.`;
  const then =
    mode === 'enforce'
      ? ''
      : " linkgate's mode is observe, so EC2 is not asked until `linkgate mode enforce`.";
  const ticket = service.requireTicket ? ' --ticket …' : '';
  return `${formatAwaiting(record?.approvalRequest, service)}: linkgate approve ${endpointId}${ticket}, or linkgate deny ${endpointId} --reason "…"${ticket}.${then}`;
}

/** That it waits for a person, how long, and what comes then. */
function formatAwaiting(approvalRequest: ConnectionRecord['approvalRequest'], { onExpiry }: Service): string {
  if (!approvalRequest) return 'It waits for a person';
  if (approvalRequest.stage === 'expired')
    return `Nobody decided it before ${approvalRequest.deadline}, and it still waits for a person`;
  const then = onExpiry === 'reject' ? 'is rejected then' : 'stays open after that';
  return `It waits for a person until ${approvalRequest.deadline}, and ${then}`;
}

/** Why something that was connected is so no longer. */
function formatDisconnected(record: ConnectionRecord | undefined): string {
  return record?.revocation && record.verdict ? `It was cut: ${primaryReason(record.verdict)}. ` : '';
}
