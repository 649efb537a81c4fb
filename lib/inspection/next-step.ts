import { nextAttemptTime } from '../connections/backoff.ts';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import { shellWord } from '../values/shell-word.ts';
import { isPaused, primaryReason } from '../verdicts/verdict.ts';
import { type NextStepContext, nextStepWhenConnected } from './next-step-when-connected.ts';

/** Describes the next step of a connection, or the command for it, in a sentence or two. */
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
    return `${formatDisconnected(record)}It stays rejected, even if its account is allowed later: the consumer has to delete it (AWS charges for it until then) and create a new endpoint.`;
  if (state === 'failed' || state === 'expired')
    return `EC2 shows it as ${state}: the consumer has to create a new endpoint.`;
  if (isConnected(state)) return nextStepWhenConnected(connection, record, around);
  if (!service) return 'Its service is not registered, so linkgate does not decide it.';
  const verdict = record?.verdict;
  if (verdict === undefined) return 'linkgate decides it within a minute.';
  const again = isRefused && record?.pendingEffect && nextAttemptTime(record.pendingEffect);
  if (mode === 'enforce' && again)
    return `EC2 refused to ${verdict.outcome} it; linkgate tries again after ${again.toISOString()}.`;
  if (verdict.outcome === 'accept' || verdict.outcome === 'reject')
    return mode === 'enforce'
      ? `linkgate asks EC2 to ${verdict.outcome} it, and records the new state once EC2 shows it.`
      : `linkgate would ${verdict.outcome} it. Its mode is observe, so it does not change EC2 until \`linkgate mode enforce\`.`;
  if (service.pausedAt !== undefined)
    return `It waits while ${service.name} is paused: linkgate resume ${shellWord(service.name)}.`;
  if (isPaused(verdict))
    return `It waits, whatever an approver decides, and linkgate tries again within two minutes: ${primaryReason(verdict)}.`;
  const then =
    mode === 'enforce'
      ? ''
      : " linkgate's mode is observe, so it does not change EC2 until `linkgate mode enforce`.";
  const ticket = service.requireTicket ? ' --ticket …' : '';
  return `${formatAwaiting(record?.approvalRequest, service)}: linkgate approve ${endpointId}${ticket}, or linkgate deny ${endpointId} --reason "…"${ticket}.${then}`;
}

/** Describes a request that awaits approval until its deadline. */
function formatAwaiting(approvalRequest: ConnectionRecord['approvalRequest'], { onExpiry }: Service): string {
  if (!approvalRequest) return 'It awaits approval';
  if (approvalRequest.stage === 'expired')
    return `Nobody decided it before ${approvalRequest.deadline}, and it still awaits approval`;
  const then = onExpiry === 'reject' ? 'is rejected then' : 'stays open after that';
  return `It awaits approval until ${approvalRequest.deadline}, and ${then}`;
}

/** Describes the reason of a past disconnect. */
function formatDisconnected(record: ConnectionRecord | undefined): string {
  return record?.revocation && record.verdict
    ? `linkgate disconnected it: ${primaryReason(record.verdict)}. `
    : '';
}
