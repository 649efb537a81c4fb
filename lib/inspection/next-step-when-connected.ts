import type { AllowlistEntry } from '../allowlist/entry.ts';
import { connectedCommands } from '../approvals/connected-actions.ts';
import { nextAttemptTime } from '../connections/backoff.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import type { Mode } from '../mode/mode.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import { isPaused, primaryReason } from '../verdicts/verdict.ts';

/** The data that determines the next step. */
export interface NextStepContext {
  readonly isListed: boolean;
  readonly service: Service | undefined;
  /** The allowlist entry of the account. */
  readonly entry?: AllowlistEntry | undefined;
  readonly mode: Mode;
  /** EC2 refused the last call. */
  readonly isRefused: boolean;
}

/** Describes the next step of a connected endpoint: its disconnect time, if it has one, and the commands that change it. */
export function nextStepWhenConnected(
  { state, requestedAt }: Connection,
  record: ConnectionRecord | undefined,
  { service, entry, mode, isRefused }: NextStepContext,
): string {
  const is = state === 'available' ? 'It is connected' : 'EC2 is connecting it';
  if (!service) return `${is}. Its service is not registered, so linkgate does not manage it.`;
  const verdict = record?.verdict;
  if (!record || !verdict)
    return requestedAt < service.registeredAt
      ? `${is}, and stays: it is older than the registration of its service.`
      : `${is}. linkgate decides with the next sweep whether it stays.`;
  const why = primaryReason(verdict);
  if (isPaused(verdict)) return `${is}, and linkgate disconnects nothing for now: ${why}.`;
  switch (verdict.outcome) {
    case 'accept':
      return `${is}, and stays: ${why}.${formatExpiry(verdict.until)}`;
    case 'reject':
      return isDisconnectAhead(record)
        ? `${is} until ${verdict.until}, and is disconnected then: ${why}. ${formatNextCommands(record, entry, service.name)}`
        : `${is}. ${formatDisconnecting(record, mode, isRefused)}`;
    case 'ask':
    case 'hold':
      if (!isAwaitingApproval(record))
        return `${is}: ${externalAcceptText}. linkgate decides within a minute whether it stays.`;
      return `${is}, and stays until an approver decides${formatAwaitingSince(record)}: ${why}. ${formatNextCommands(record, entry, service.name)}`;
    default:
      throw verdict.outcome satisfies never;
  }
}

const externalAcceptText = 'somebody accepted it outside linkgate';

function isDisconnectAhead({ verdict, pendingEffect }: ConnectionRecord): boolean {
  return verdict?.until !== undefined && pendingEffect === undefined;
}

function formatExpiry(until: string | undefined): string {
  return until === undefined
    ? ''
    : ` That permission expires at ${until}; linkgate warns the approvers 14 days, 7 days and 1 day before.`;
}

function formatNextCommands(
  record: ConnectionRecord,
  entry: AllowlistEntry | undefined,
  service: string,
): string {
  return `${connectedCommands(record, { service, entries: entry ? [entry] : [] }).join('; ')}.`;
}

function formatDisconnecting(
  { verdict, pendingEffect }: ConnectionRecord,
  mode: NextStepContext['mode'],
  isRefused: boolean,
): string {
  const why = verdict ? primaryReason(verdict) : '';
  if (mode === 'observe')
    return `linkgate would disconnect it: ${why}. Its mode is observe, so it does not change EC2 until \`linkgate mode enforce\`.`;
  const again = isRefused && pendingEffect && nextAttemptTime(pendingEffect);
  return again
    ? `EC2 refused to reject it; linkgate tries again after ${again.toISOString()}.`
    : `linkgate is disconnecting it: ${why}.`;
}

function formatAwaitingSince({ approvalRequest }: ConnectionRecord): string {
  return approvalRequest ? ` (requested at ${approvalRequest.requestedAt})` : '';
}
