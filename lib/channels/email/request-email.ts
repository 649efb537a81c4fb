import type { ApprovalView, ServiceSummary } from '../../approvals/approval-view.ts';
import {
  type ConnectedAction,
  connectedCommands,
  connectedLabels,
  describeConnectedAction,
} from '../../approvals/connected-commands.ts';
import { type ApprovalKind, computeApprovalKind } from '../../approvals/status.ts';
import {
  actionExplanations,
  formatTime,
  knownAccountText,
  openReasons,
  questionText,
  reasonHeadings,
  requestFacts,
  statusText,
} from '../../approvals/status-text.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailLinks, EmailMessage } from './email-sender.ts';

/**
 * Tells one approver of an open request or of a connection that is in question, or reminds them of it.
 * @param links theirs; without them the mail gives the command alone.
 */
export function requestEmail(view: ApprovalView, links: EmailLinks | undefined, now: Date): EmailMessage {
  const { record, service, group } = view;
  const { endpointId, approvalRequest } = record;
  const approvalKind = computeApprovalKind(record);
  const isReminder = approvalRequest !== undefined && approvalRequest.stage !== 'approval-requested';
  const subject = requestSubjects[approvalKind](record.ownerAccountId, service.name);
  return composeEmail(emailSubject(subject, isReminder), [
    [
      questionText(view),
      ...statusText(record),
      ...(isReminder
        ? [`The approver group ${group.name} was asked on ${formatTime(approvalRequest.since)}.`]
        : []),
    ],
    requestFacts(view).map(([name, value]) => `${name}: ${value}`),
    [reasonHeadings[approvalKind], ...bulletLines(openReasons(record))],
    ['This account here before', ...bulletLines(knownAccountText(view))],
    ...(links
      ? approvalKind === 'new-connection'
        ? requestLinkParagraphs(links, group)
        : connectedLinkParagraphs(view, links, now)
      : []),
    [
      'By the command line',
      ...(approvalKind === 'new-connection'
        ? requestCommandLines(endpointId, service, group)
        : connectedCommandLines(view)),
    ],
    ...(links ? [emailFooter(links)] : []),
  ]);
}

const requestSubjects: Readonly<Record<ApprovalKind, (account: string, service: string) => string>> = {
  'new-connection': (account, service) => `Account ${account} asks to connect to ${service}`,
  'scheduled-disconnect': (account, service) =>
    `The connection of account ${account} to ${service} will be cut`,
  'keep-or-disconnect': (account, service) => `May account ${account} stay connected to ${service}?`,
};

export function emailSubject(subject: string, isReminder: boolean): string {
  return isReminder ? `Reminder: ${subject.charAt(0).toLowerCase()}${subject.slice(1)}` : subject;
}

function requestLinkParagraphs({ approve, deny }: EmailLinks, { quorum }: ApproverGroup): string[][] {
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  return [
    [`Approve: ${actionExplanations.approve} unless you say otherwise on the page.${everybody}`, approve],
    [`Deny: ${actionExplanations.deny}.`, deny],
  ];
}

/** Each link about a connection, with what it does. */
function connectedLinkParagraphs(
  { record, group: { quorum } }: ApprovalView,
  links: EmailLinks,
  now: Date,
): string[][] {
  const everybody =
    quorum > 1 ? ` It takes ${quorum} people to keep it; one extends it, and one disconnects it.` : '';
  return linksByAnswer(links).map(([answer, link]) => [
    `${connectedLabels[answer]}: ${describeConnectedAction(answer, record, now)}${answer === 'keep' ? everybody : ''}`,
    link,
  ]);
}

/** The links about a connection, by what they answer. */
export function linksByAnswer({ approve, extend, deny }: EmailLinks): (readonly [ConnectedAction, string])[] {
  return [
    ['keep', approve],
    ...(extend === undefined ? [] : [['extend', extend] as const]),
    ['disconnect', deny],
  ];
}

const apiOnlyEmailText = 'This group decides by the command line or the API only.';

function connectedCommandLines({ record, service, entries, group }: ApprovalView): string[] {
  const commands = connectedCommands(record, { service: service.name, entries });
  return [...(group.decisionChannels === 'api' ? [apiOnlyEmailText] : []), ...commands];
}

function requestCommandLines(
  endpointId: string,
  { requireTicket }: ServiceSummary,
  { decisionChannels }: ApproverGroup,
): string[] {
  const ticket = requireTicket ? ' --ticket T' : '';
  return [
    ...(decisionChannels === 'api' ? [apiOnlyEmailText] : []),
    `linkgate approve ${endpointId}${ticket}`,
    `linkgate deny ${endpointId}${ticket} --reason "..."`,
  ];
}

export function emailFooter({ expiresAt }: EmailLinks): string[] {
  return [
    `A link opens a page; nothing is decided before you send its form. Each works once, until ${formatTime(expiresAt)}, while it is open.`,
    'The links are yours: whoever has them decides in your name, so do not forward this mail.',
  ];
}

export function bulletLines(lines: readonly string[]): string[] {
  return lines.map((line) => `- ${line}`);
}
