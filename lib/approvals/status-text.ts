import { isLaterStage } from '../connections/approval-request.ts';
import { nextAttemptTime } from '../connections/backoff.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import { isConnected } from '../privatelink/connection.ts';
import { shellWord } from '../values/shell-word.ts';
import {
  asActor,
  asCode,
  asStrong,
  asTime,
  joinStyled,
  markTimes,
  type StyledText,
  styled,
} from '../values/styled-text.ts';
import { isPaused, primaryReason } from '../verdicts/verdict.ts';
import { describeCommand } from './action-text.ts';
import {
  type ConnectionStatus,
  computeConnectionStatus,
  type StatusContext,
  selectApprovalActions,
} from './status.ts';

type StatusName = ConnectionStatus['status'];

/** The label of each status, in every channel. */
export const statusLabels: Readonly<Record<StatusName, string>> = {
  'awaiting-approval': 'Waiting for approval',
  paused: 'On hold',
  accepting: 'Being accepted',
  connected: 'Connected',
  rejecting: 'Being rejected',
  rejected: 'Rejected',
  deregistered: 'Service deregistered',
  deleted: 'Endpoint deleted',
  'disconnect-scheduled': 'Disconnect scheduled',
  'under-review': 'Decision needed',
  'review-paused': 'On hold',
  kept: 'Stays connected',
  disconnecting: 'Being disconnected',
  disconnected: 'Disconnected',
};

/** The label of a decision that linkgate does not apply, in mode `observe`. */
export const notAppliedLabel = 'Decided, not applied';
export const observeModeText = styled`linkgate's mode is observe: it does not change EC2 until ${asCode('linkgate mode enforce')}.`;

/** Whether a decision is pending and the mode is `observe`. */
function isNotApplied({ record, mode }: StatusContext): boolean {
  const { status } = computeConnectionStatus(record);
  const isPending =
    (status === 'accepting' || status === 'rejecting') && record.state === 'pendingAcceptance';
  return mode === 'observe' && (isPending || status === 'disconnecting');
}

export function statusLabel(context: StatusContext): string {
  return isNotApplied(context)
    ? notAppliedLabel
    : statusLabels[computeConnectionStatus(context.record).status];
}

/** Describes the status: decisions, approvals, and the state in EC2, one line each. */
export function statusText(context: StatusContext): StyledText[] {
  const { record } = context;
  const { status, resolution, approvals } = computeConnectionStatus(record);
  const { personDecision, extended } = record;
  // A rule such as a block or a pause has precedence over the decision.
  const overruled = personDecision && resolution?.by !== personDecision.by ? personDecision : undefined;
  return [
    ...(resolution && status !== 'disconnect-scheduled' ? [resolutionText(record, resolution)] : []),
    ...(overruled ? [personDecisionText(overruled)] : []),
    ...(approvals && (approvals.quorum > 1 || !personDecision) ? approvalsText(approvals) : []),
    ...(status === 'disconnect-scheduled' && extended
      ? [styled`${asStrong('Extended until')} ${asTime(extended.until)} ${decidedText(extended)}`]
      : []),
    statusSentence(context),
    ...(isAwaitingApproval(record) ? escalationText(context) : []),
    ...(status === 'disconnect-scheduled' && context.mode === 'observe' ? [observeModeText] : []),
  ];
}

/** Describes the status and the commands that change it, in a few sentences. */
export function nextStepText(context: StatusContext): StyledText {
  const { record, mode } = context;
  const { status } = computeConnectionStatus(record);
  const isOnHold = status === 'paused' || status === 'review-paused';
  const isOpen = record.verdict !== undefined && isAwaitingApproval(record) && !isOnHold;
  const commands = isOpen && context.service ? openCommands(context) : [];
  return joinStyled([
    statusSentence(context),
    ...(isOpen && mode === 'observe' ? [observeModeText] : []),
    ...(commands.length > 0 ? [styled`${joinStyled(commands, '; ')}.`] : []),
  ]);
}

/** Lists the commands of the open actions, each with its effect. */
export function openCommands(context: StatusContext): StyledText[] {
  return isAwaitingApproval(context.record)
    ? selectApprovalActions(context.record).map((action) => describeCommand(action, context))
    : [];
}

/** Formats the author, time, ticket and reason of a decision. The label of a policy's decision names its author. */
function decidedText({
  by,
  at,
  reason,
  ticket,
}: Pick<NonNullable<ConnectionStatus['resolution']>, 'by' | 'at' | 'reason' | 'ticket'>): StyledText {
  return styled`${by === 'linkgate' ? '' : styled`by ${asActor(by)} `}on ${asTime(at)}${ticket ? ` (ticket ${ticket})` : ''}${reason ? styled`: ${markTimes(reason)}` : ''}`;
}

/** Describes the decision that the verdict follows. */
export function resolutionText(
  record: ConnectionRecord,
  resolution: NonNullable<ConnectionStatus['resolution']>,
): StyledText {
  return styled`${asStrong(resolutionLabel(record, resolution))} ${decidedText(resolution)}`;
}

function personDecisionText(decision: PersonDecision): StyledText {
  return styled`${asStrong(decision.decision === 'approve' ? 'Approved' : 'Denied')} ${decidedText(decision)}`;
}

/** Describes the decision that closed a request; a pause may hold it. */
export function closingDecisionText(record: ConnectionRecord): StyledText | undefined {
  const { resolution } = computeConnectionStatus(record);
  if (resolution) return resolutionText(record, resolution);
  return record.personDecision && personDecisionText(record.personDecision);
}

function resolutionLabel(
  record: ConnectionRecord,
  { by, cause }: NonNullable<ConnectionStatus['resolution']>,
): string {
  if (cause === 'policy' && by !== 'linkgate') return 'Disconnected after a change of policy';
  if (cause) return disconnectCauseLabels[cause];
  const outcome = record.verdict?.outcome === 'accept' ? 'accept' : 'reject';
  if (by === 'linkgate') return outcome === 'accept' ? 'Accepted by policy' : 'Rejected by policy';
  const { status } = computeConnectionStatus(record);
  if (status === 'kept') return 'Kept connected';
  if (status === 'disconnecting' || status === 'disconnected') return 'Disconnected';
  return outcome === 'accept' ? 'Approved' : 'Denied';
}

/** Names the act that caused a disconnect. */
const disconnectCauseLabels: Readonly<
  Record<NonNullable<NonNullable<ConnectionStatus['resolution']>['cause']>, string>
> = {
  policy: 'Disconnected by policy',
  block: 'Account blocked',
  person: 'Revoked',
  service: 'Service deregistered',
};

function approvalsText({ decisions, quorum }: NonNullable<ConnectionStatus['approvals']>): StyledText[] {
  return [
    [asStrong(`${decisions.length} of ${quorum} approvals`)],
    ...decisions.map((decision: PersonDecision) => styled`• ${decidedText(decision)}`),
  ];
}

/** Describes the reminders and the escalation so far. */
function escalationText({ record: { approvalRequest }, group }: StatusContext): StyledText[] {
  if (!approvalRequest || approvalRequest.stage === 'approval-requested') return [];
  const escalateTo = group?.escalateTo === group?.name ? undefined : group?.escalateTo;
  return isLaterStage(approvalRequest.stage, 'reminded') && escalateTo !== undefined
    ? [styled`linkgate escalated it to ${escalateTo}.`]
    : [styled`linkgate reminded the approvers.`];
}

/** Describes what EC2 shows, and what happens next without a person. */
export function statusSentence(context: StatusContext): StyledText {
  return statusSentences[computeConnectionStatus(context.record).status](context);
}

const statusSentences: Readonly<Record<StatusName, (context: StatusContext) => StyledText>> = {
  'awaiting-approval': describeAwaiting,
  paused: ({ record, service }) =>
    styled`It is on hold, whatever approvers decide: ${formatReason(record)}. ${
      service?.pausedAt === undefined
        ? 'linkgate tries again within two minutes.'
        : styled`${asCode(`linkgate resume ${shellWord(service.name)}`)} ends the pause.`
    }`,
  accepting: (context) =>
    isConnected(context.record.state)
      ? describeConnected(context, 'EC2 is connecting it.')
      : describePending(context, 'accept', 'linkgate accepts it; EC2 does not show it connected yet.'),
  connected: (context) => describeConnected(context, 'EC2 shows it connected.'),
  rejecting: (context) =>
    describePending(context, 'reject', 'linkgate rejects it; EC2 does not show it rejected yet.'),
  rejected: () => styled`EC2 shows it rejected. ${rejectedText}`,
  deregistered: () => unregisteredText,
  deleted: ({ record: { state } }) =>
    state === 'failed' || state === 'expired'
      ? styled`EC2 shows it ${state}: the consumer has to create a new endpoint.`
      : styled`The endpoint is deleted; nothing is left to do.`,
  'disconnect-scheduled': describeScheduledDisconnect,
  'under-review': ({ record }) =>
    styled`It is connected and stays connected until somebody decides${overdueText(record)}.`,
  'review-paused': ({ record }) =>
    styled`It is connected and stays connected while decisions are on hold: ${formatReason(record)}.`,
  kept: ({ record }) => styled`It stays connected.${expiryText(record)}`,
  disconnecting: (context) =>
    describePending(context, 'disconnect', 'linkgate disconnects it; EC2 does not show it rejected yet.'),
  disconnected: () => styled`It is disconnected: EC2 shows it rejected. ${rejectedText}`,
};

const rejectedText =
  'It stays rejected, even if its account is allowed later: its owner pays for it until they delete it, and has to create a new endpoint.';
const unregisteredText = styled`Its service is not registered, so linkgate does not decide it.`;

function describeAwaiting({ record, service }: StatusContext): StyledText {
  const { approvalRequest, verdict } = record;
  if (!service) return unregisteredText;
  if (!verdict) return styled`linkgate decides it within a minute.`;
  if (!approvalRequest) return styled`It waits for approval.`;
  if (approvalRequest.stage === 'expired') return styled`It still waits for approval${overdueText(record)}.`;
  const then =
    service.onExpiry === 'reject' ? 'linkgate then rejects it permanently' : 'stays open after that';
  return styled`It waits for approval until ${asTime(approvalRequest.deadline)}, and ${then}.`;
}

function describeScheduledDisconnect({ record }: StatusContext): StyledText {
  const { revocation, verdict } = record;
  const unless = isAwaitingApproval(record) ? ', unless somebody keeps it connected or extends it' : '';
  return styled`It is connected until ${asTime(revocation?.disconnectAt ?? verdict?.until ?? '')}. linkgate disconnects it then${unless}.`;
}

function overdueText({ approvalRequest }: ConnectionRecord): StyledText {
  return approvalRequest?.stage === 'expired'
    ? styled`: nobody decided before ${asTime(approvalRequest.deadline)}`
    : [];
}

/** Describes a decision that EC2 does not show yet. */
function describePending(context: StatusContext, action: string, pending: string): StyledText {
  const { record, service, isRefused } = context;
  if (!service) return unregisteredText;
  if (isNotApplied(context)) return styled`linkgate would ${action} it. ${observeModeText}`;
  const again = isRefused && record.pendingEffect && nextAttemptTime(record.pendingEffect);
  return again
    ? styled`EC2 refused to ${record.pendingEffect?.action ?? action} it; linkgate tries again after ${asTime(again.toISOString())}.`
    : [pending];
}

/** Describes a connected endpoint that needs no decision of a person. */
function describeConnected({ record, service, mode }: StatusContext, connected: string): StyledText {
  const { verdict, requestedAt } = record;
  if (!service) return styled`${connected} Its service is not registered, so linkgate does not manage it.`;
  if (!verdict)
    return requestedAt < (service.registeredAt ?? '')
      ? styled`${connected} It stays: it is older than the registration of its service.`
      : styled`${connected} linkgate decides with the next sweep whether it stays.`;
  if (isPaused(verdict))
    return styled`${connected} linkgate disconnects nothing for now: ${formatReason(record)}.`;
  if (verdict.outcome === 'accept') return styled`${connected}${expiryText(record)}`;
  return verdict.outcome === 'reject' && mode === 'observe'
    ? styled`${connected} linkgate would disconnect it. ${observeModeText}`
    : styled`${connected} Somebody accepted it outside linkgate; linkgate decides within a minute whether it stays.`;
}

function expiryText({ verdict }: ConnectionRecord): StyledText {
  return verdict?.until === undefined
    ? []
    : styled` That permission expires on ${asTime(verdict.until)}; linkgate warns the approvers 14 days, 7 days and 1 day before.`;
}

function formatReason({ verdict }: ConnectionRecord): StyledText {
  return markTimes(verdict ? primaryReason(verdict) : '');
}
