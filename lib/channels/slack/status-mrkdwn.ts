import type { ApprovalView } from '../../approvals/approval-view.ts';
import { connectedCommands } from '../../approvals/connected-actions.ts';
import { type ConnectionStatus, computeConnectionStatus } from '../../approvals/status.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import type { PersonDecision } from '../../connections/person-decision.ts';
import { primaryReason } from '../../verdicts/verdict.ts';
import { joinMarkup, type Markup, markup } from './mrkdwn.ts';

/**
 * Formats a time that Slack shows in each reader's time zone. `date_short` can follow "on", unlike "yesterday" of
 * `date_short_pretty`.
 */
export function slackDate(iso: string): Markup {
  const seconds = Math.floor(new Date(iso).getTime() / 1000);
  return Number.isFinite(seconds)
    ? { markup: `<!date^${seconds}^{date_short} {time}|${new Date(iso).toISOString()}>` }
    : markup`${iso}`;
}

/** Mentions a user of the approvers' workspaces, and formats any other actor as text. */
function formatSlackActor(actor: string, { slackUsers }: Pick<ApproverGroup, 'slackUsers'>): Markup {
  const [, team, user] = /^slack:([TE][A-Z0-9]+):([UW][A-Z0-9]+)$/.exec(actor) ?? [];
  if (user !== undefined && slackUsers.some((slackUser) => slackUser.team === team)) return mentionUser(user);
  return markup`${actor.replace(/^mailto:/, '')}`;
}

export function mentionUser(user: string): Markup {
  return { markup: `<@${user}>` };
}

/** Mentions the Slack users of a group, and only counts its addresses, because a channel must not see them. */
export function approverMentions({ slackUsers, emails }: ApproverGroup): Markup {
  const people = [
    ...slackUsers.map(({ user }) => mentionUser(user)),
    ...(emails.length > 0 ? [markup`${emails.length} by e-mail`] : []),
  ];
  return people.length > 0 ? joinMarkup(people, ', ') : markup`nobody yet`;
}

interface DecisionDetails {
  readonly by: string;
  readonly at: string;
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
}

/** Formats the author, time, ticket and reason of a decision. */
export function decidedByText({ by, at, reason, ticket }: DecisionDetails, group: ApproverGroup): Markup {
  const reasonText = reason ? markup`: ${reason}` : '';
  const ticketText = ticket ? markup` (ticket ${ticket})` : '';
  return markup`${formatSlackActor(by, group)}, ${slackDate(at)}${ticketText}${reasonText}`;
}

/** The label of each status. */
export const slackStatusLabels: Readonly<Record<ConnectionStatus['status'], string>> = {
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

/** Lists the commands for a connected endpoint that needs a decision, one on each line. */
export function connectedCommandBullets({ record, service, entries }: ApprovalView): Markup[] {
  return connectedCommands(record, { service: service.name, entries }).map((command) => markup`• ${command}`);
}

/** The data that a status text needs besides the record. */
export type RenderContext = Pick<ApprovalView, 'group' | 'mode'>;

const slackStatusSentences: Readonly<Record<ConnectionStatus['status'], string>> = {
  'awaiting-approval': '',
  paused: 'It is on hold: linkgate applies no decision until the hold ends.',
  accepting: 'linkgate accepts it. This message changes when EC2 shows the new state.',
  connected: 'EC2 shows it connected.',
  rejecting: 'linkgate rejects it. This message changes when EC2 shows the new state.',
  rejected:
    'EC2 shows it rejected. A rejected endpoint stays rejected, and the consumer pays for it until they delete it.',
  deregistered: 'Its service is deregistered, so linkgate no longer decides it. It still waits in EC2.',
  deleted: 'The endpoint is deleted. It needs no decision.',
  'disconnect-scheduled': '',
  'under-review': 'It is connected and stays connected until somebody decides.',
  'review-paused': 'It is on hold: it stays connected until the hold ends.',
  kept: 'It stays connected.',
  disconnecting: 'linkgate disconnects it. This message changes when EC2 shows the new state.',
  disconnected:
    'It is disconnected: EC2 shows it rejected. A rejected endpoint stays rejected, and the consumer pays for it until they delete it.',
};

/** The label of a decision that linkgate does not apply, in mode `observe`. */
export const notAppliedText = 'Decided, not applied';
export const observeModeText = markup`linkgate's mode is observe: it does not change EC2.`;

/** Whether a decision is pending and the mode is `observe`. */
function isNotApplied(record: ConnectionRecord, mode: ApprovalView['mode']): boolean {
  const { status } = computeConnectionStatus(record);
  const isPending =
    (status === 'accepting' || status === 'rejecting') && record.state === 'pendingAcceptance';
  return mode === 'observe' && (isPending || status === 'disconnecting');
}

/** Formats the label of the current status. */
export function requestTitle({ record, mode }: ApprovalView): string {
  return isNotApplied(record, mode)
    ? notAppliedText
    : slackStatusLabels[computeConnectionStatus(record).status];
}

/** Describes the current status: decisions, approvals, and the state in EC2. Empty for a new request. */
export function statusMrkdwn(record: ConnectionRecord, { group, mode }: RenderContext): Markup {
  const { status, resolution, approvals } = computeConnectionStatus(record);
  const { personDecision, verdict } = record;
  const lines: Markup[] = [];
  if (resolution)
    lines.push(markup`*${resolutionLabel(status, resolution)}* by ${decidedByText(resolution, group)}`);
  // A rule such as a block or a pause has precedence over the decision.
  if (personDecision && resolution?.by !== personDecision.by)
    lines.push(
      markup`*${personDecision.decision === 'approve' ? 'Approved' : 'Denied'}* by ${decidedByText(personDecision, group)}`,
    );
  if (approvals && (approvals.quorum > 1 || !personDecision))
    lines.push(
      joinMarkup([
        markup`*${approvals.decisions.length} of ${approvals.quorum} approvals*`,
        ...approvals.decisions.map((decision) => markup`• ${decidedByText(decision, group)}`),
      ]),
    );
  if (status === 'disconnect-scheduled') lines.push(...disconnectExtensionLines(record, { group, mode }));
  const isOnHold = status === 'paused' || status === 'review-paused';
  const holdReason = isOnHold && verdict ? markup` ${primaryReason(verdict)}.` : '';
  lines.push(
    isNotApplied(record, mode) ? observeModeText : markup`${slackStatusSentences[status]}${holdReason}`,
  );
  return joinMarkup(lines.filter(({ markup: line }) => line !== ''));
}

/** Describes the extension of a scheduled disconnect, with a note in mode `observe`. */
function disconnectExtensionLines({ extended }: ConnectionRecord, { group, mode }: RenderContext): Markup[] {
  return [
    ...(extended
      ? [markup`*Extended until* ${slackDate(extended.until)} by ${decidedByText(extended, group)}`]
      : []),
    ...(mode === 'observe' ? [observeModeText] : []),
  ];
}

/** Describes the allowlist change of the decision. An approval allows the account only if every approver chose it. */
export function allowlistChangeText(
  { personDecision, approvals, ownerAccountId, verdict }: ConnectionRecord,
  serviceName: string,
): Markup[] {
  if (!personDecision) return [];
  if (personDecision.block) return [markup`linkgate blocked account ${ownerAccountId} at ${serviceName}.`];
  const decisions: readonly PersonDecision[] = approvals?.decisions ?? [personDecision];
  // An approval does not remove a block.
  if (
    personDecision.decision !== 'approve' ||
    verdict?.outcome === 'reject' ||
    !decisions.every(({ allow }) => allow)
  )
    return [];
  const [until] = decisions.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  const expiry = until === undefined ? '' : markup` until ${slackDate(until)}`;
  return [markup`linkgate added account ${ownerAccountId} to the allowlist of ${serviceName}${expiry}.`];
}

function resolutionLabel(
  status: ConnectionStatus['status'],
  { by, cause }: NonNullable<ConnectionStatus['resolution']>,
): string {
  if (status === 'deleted') return 'Decided';
  if (cause) return disconnectCauseLabels[cause];
  const isRejection = rejectionStatuses.has(status);
  if (by === 'linkgate') return isRejection ? 'Rejected by policy' : 'Accepted by policy';
  if (status === 'kept') return 'Kept connected';
  if (status === 'disconnecting' || status === 'disconnected') return 'Disconnected';
  return isRejection ? 'Denied' : 'Approved';
}

const rejectionStatuses: ReadonlySet<ConnectionStatus['status']> = new Set([
  'rejecting',
  'rejected',
  'disconnecting',
  'disconnected',
]);

/** Describes the cause of a disconnect. */
const disconnectCauseLabels: Readonly<
  Record<NonNullable<NonNullable<ConnectionStatus['resolution']>['cause']>, string>
> = {
  policy: 'Disconnected by policy',
  block: 'Account blocked',
  person: 'Revoked',
  service: 'Service deregistered',
};
