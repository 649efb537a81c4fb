import type { AllowlistEntry } from '../allowlist/entry.ts';
import { connectedCommands } from '../approvals/connected-commands.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  nextAttemptAt,
} from '../connections/connection-record.ts';
import type { Mode } from '../mode/mode.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import { isPaused, primaryReason } from '../verdicts/verdict.ts';

/** What else says what comes next. */
export interface NextStepContext {
  readonly isListed: boolean;
  readonly service: Service | undefined;
  /** What the allowlist says of the account, where it says something. */
  readonly entry?: AllowlistEntry | undefined;
  readonly mode: Mode;
  /** EC2 was asked, and would not. */
  readonly isRefused: boolean;
}

/** What comes next of a connection that lives: whether it stays, and if not, until when and which commands change that. */
export function nextStepWhenConnected(
  { state, requestedAt }: Connection,
  record: ConnectionRecord | undefined,
  { service, entry, mode, isRefused }: NextStepContext,
): string {
  const is = state === 'available' ? 'It is connected' : 'EC2 is connecting it';
  if (!service) return `${is}. Its service is not registered, so that linkgate does not look after it.`;
  const verdict = record?.verdict;
  if (!record || !verdict)
    return requestedAt < service.registeredAt
      ? `${is}, and stays: it is older than the registration of its service.`
      : `${is}. Whether it stays is decided with the next pass.`;
  const why = primaryReason(verdict);
  if (isPaused(verdict)) return `${is}, and nothing is cut for now: ${why}.`;
  switch (verdict.outcome) {
    case 'accept':
      return `${is}, and stays: ${why}.${formatExpiry(verdict.until)}`;
    case 'reject':
      return isDisconnectAhead(record)
        ? `${is} until ${verdict.until}, and is cut then: ${why}. ${formatNextCommands(record, entry, service.name)}`
        : `${is}. ${formatDisconnecting(record, mode, isRefused)}`;
    case 'ask':
    case 'hold':
      if (!isAwaitingApproval(record))
        return `${is}: ${externalAcceptText}. Whether it stays is decided within a minute.`;
      return `${is}, and stays until somebody decides${formatAwaitingSince(record)}: ${why}. ${formatNextCommands(record, entry, service.name)}`;
    default:
      throw verdict.outcome satisfies never;
  }
}

const externalAcceptText = 'somebody accepted it while linkgate left it to people';

function isDisconnectAhead({ verdict, pendingEffect }: ConnectionRecord): boolean {
  return verdict?.until !== undefined && pendingEffect === undefined;
}

function formatExpiry(until: string | undefined): string {
  return until === undefined
    ? ''
    : ` That permission expires at ${until}; people are warned 14 days, 7 days and 1 day before.`;
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
    return `linkgate would cut it: ${why}. Its mode is observe, so it leaves that to others until \`linkgate mode enforce\`.`;
  const again = isRefused && pendingEffect && nextAttemptAt(pendingEffect);
  return again
    ? `EC2 refused to reject it; it is asked again after ${again.toISOString()}.`
    : `It is being cut: ${why}.`;
}

function formatAwaitingSince({ approvalRequest }: ConnectionRecord): string {
  return approvalRequest ? `, which people are asked since ${approvalRequest.since}` : '';
}
