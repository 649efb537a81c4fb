import type { ApprovalView } from '../../approvals/approval-view.ts';
import { connectedCommands } from '../../approvals/connected-commands.ts';
import { type ConnectionStatus, computeConnectionStatus } from '../../approvals/status.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import type { PersonDecision } from '../../connections/person-decision.ts';
import { primaryReason } from '../../verdicts/verdict.ts';
import { joinMarkup, type Markup, markup } from './mrkdwn.ts';

/** A time as each reader's Slack shows it: in their own zone, and in words that can follow "on", as "yesterday" cannot. */
export function slackDate(iso: string): Markup {
  const seconds = Math.floor(new Date(iso).getTime() / 1000);
  return Number.isFinite(seconds)
    ? { markup: `<!date^${seconds}^{date_short} {time}|${new Date(iso).toISOString()}>` }
    : markup`${iso}`;
}

/** Somebody of the approvers' workspaces as a mention, everybody else as text. */
function formatSlackActor(actor: string, { slackUsers }: Pick<ApproverGroup, 'slackUsers'>): Markup {
  const [, team, user] = /^slack:([TE][A-Z0-9]+):([UW][A-Z0-9]+)$/.exec(actor) ?? [];
  if (user !== undefined && slackUsers.some((known) => known.team === team)) return mentionUser(user);
  return markup`${actor.replace(/^mailto:/, '')}`;
}

export function mentionUser(user: string): Markup {
  return { markup: `<@${user}>` };
}

/** Whom a group names in Slack; addresses are nothing for a channel to read, and only counted. */
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

/** Who said it, when and why. */
export function decidedByText({ by, at, reason, ticket }: DecisionDetails, group: ApproverGroup): Markup {
  const because = reason ? markup`: ${reason}` : '';
  const named = ticket ? markup` (ticket ${ticket})` : '';
  return markup`${formatSlackActor(by, group)}, ${slackDate(at)}${named}${because}`;
}

/** How a request stands, in a word. */
export const slackStatusLabels: Readonly<Record<ConnectionStatus['status'], string>> = {
  'awaiting-approval': 'Waiting for approval',
  paused: 'On hold',
  accepting: 'Being accepted',
  connected: 'Connected',
  rejecting: 'Being rejected',
  rejected: 'Rejected',
  deregistered: 'Given up',
  deleted: 'Gone',
  'disconnect-scheduled': 'Will be cut',
  'under-review': 'To be decided',
  'review-paused': 'On hold',
  kept: 'Stays connected',
  disconnecting: 'Being cut',
  disconnected: 'Cut',
};

/** The commands about a connection that is in question, one to a line. */
export function connectedCommandBullets({ record, service, entries }: ApprovalView): Markup[] {
  return connectedCommands(record, { service: service.name, entries }).map((command) => markup`• ${command}`);
}

/** What a request is shown with, beside its record. */
export type RenderContext = Pick<ApprovalView, 'group' | 'mode'>;

const slackStatusSentences: Readonly<Record<ConnectionStatus['status'], string>> = {
  'awaiting-approval': '',
  paused: 'It waits, whatever people say, until what keeps it is over.',
  accepting: 'It is to be accepted: the message changes once AWS shows that.',
  connected: 'AWS shows it connected.',
  rejecting: 'It is to be rejected: the message changes once AWS shows that.',
  rejected: 'AWS shows it rejected. It stays so: the consumer pays for it until they delete it.',
  deregistered:
    'Its service was taken out of linkgate, so nobody decides it here any more. AWS leaves it waiting.',
  deleted: 'The endpoint is gone; there is nothing left to decide.',
  'disconnect-scheduled': '',
  'under-review': 'It is connected and stays connected until somebody decides.',
  'review-paused': 'It is connected, and stays so until what keeps everything is over.',
  kept: 'It stays connected.',
  disconnecting: 'It is to be cut: the message changes once AWS shows that.',
  disconnected:
    'It was cut: AWS shows it rejected. It stays so: the consumer pays for it until they delete it.',
};

/** In a word, of what is decided while linkgate leaves EC2 as it is. */
export const notAppliedText = 'Decided, not applied';
export const observeModeText = markup`linkgate's mode is observe: EC2 is left as it is.`;

/** Whether it is decided, and linkgate does nothing of that in EC2. */
function isNotApplied(record: ConnectionRecord, mode: ApprovalView['mode']): boolean {
  const { status } = computeConnectionStatus(record);
  const isToCome = (status === 'accepting' || status === 'rejecting') && record.state === 'pendingAcceptance';
  return mode === 'observe' && (isToCome || status === 'disconnecting');
}

/** How a request stands, in a few words. */
export function requestTitle({ record, mode }: ApprovalView): string {
  return isNotApplied(record, mode)
    ? notAppliedText
    : slackStatusLabels[computeConnectionStatus(record).status];
}

/** How a request stands: what people said, who settled it, and what AWS shows. Empty where nothing has happened yet. */
export function statusMrkdwn(record: ConnectionRecord, { group, mode }: RenderContext): Markup {
  const { status, resolution, approvals } = computeConnectionStatus(record);
  const { approval, verdict } = record;
  const lines: Markup[] = [];
  if (resolution)
    lines.push(markup`*${resolutionLabel(status, resolution)}* by ${decidedByText(resolution, group)}`);
  // What comes before a person's word, such as a block or a pause.
  if (approval && resolution?.by !== approval.by)
    lines.push(
      markup`*${approval.decision === 'approve' ? 'Approved' : 'Denied'}* by ${decidedByText(approval, group)}`,
    );
  if (approvals && (approvals.quorum > 1 || !approval))
    lines.push(
      joinMarkup([
        markup`*${approvals.decisions.length} of ${approvals.quorum} approvals*`,
        ...approvals.decisions.map((word) => markup`• ${decidedByText(word, group)}`),
      ]),
    );
  if (status === 'disconnect-scheduled') lines.push(...disconnectExtensionLines(record, { group, mode }));
  const isStopped = status === 'paused' || status === 'review-paused';
  const kept = isStopped && verdict ? markup` ${primaryReason(verdict)}.` : '';
  lines.push(isNotApplied(record, mode) ? observeModeText : markup`${slackStatusSentences[status]}${kept}`);
  return joinMarkup(lines.filter(({ markup: line }) => line !== ''));
}

/** Who put off when it is cut, and whether it is cut at all. */
function disconnectExtensionLines({ extended }: ConnectionRecord, { group, mode }: RenderContext): Markup[] {
  return [
    ...(extended
      ? [markup`*Put off until* ${slackDate(extended.until)} by ${decidedByText(extended, group)}`]
      : []),
    ...(mode === 'observe' ? [observeModeText] : []),
  ];
}

/** What the word that closed a request made of the allowlist. All who approved have to have said so. */
export function allowlistChangeText(
  { approval, approvals, ownerAccountId, verdict }: ConnectionRecord,
  serviceName: string,
): Markup[] {
  if (!approval) return [];
  if (approval.block) return [markup`Account ${ownerAccountId} was blocked at ${serviceName}.`];
  const words: readonly PersonDecision[] = approvals?.decisions ?? [approval];
  // An approval that met a block left the block as it is.
  if (approval.decision !== 'approve' || verdict?.outcome === 'reject' || !words.every(({ allow }) => allow))
    return [];
  const [until] = words.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  const time = until === undefined ? '' : markup` until ${slackDate(until)}`;
  return [markup`Account ${ownerAccountId} was put on the allowlist of ${serviceName}${time}.`];
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

/** What a connection is cut for. */
const disconnectCauseLabels: Readonly<
  Record<NonNullable<NonNullable<ConnectionStatus['resolution']>['cause']>, string>
> = {
  policy: 'Cut by policy',
  block: 'Account blocked',
  person: 'Revoked',
  service: 'Service taken out',
};
