import type { ApprovalView, ServiceSummary } from '../../approvals/approval-view.ts';
import {
  type ConnectedAction,
  connectedCommands,
  connectedLabels,
  describeConnectedAction,
} from '../../approvals/connected-actions.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
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
 * Composes an e-mail or a reminder to one approver about an approval request.
 * @param links the links of this approver; without them the e-mail has only the commands
 */
export function requestEmail(view: ApprovalView, links: EmailLinks | undefined, now: Date): EmailMessage {
  const { record, service, group } = view;
  const { endpointId, approvalRequest } = record;
  const approvalKind = computeApprovalKind(record);
  const isReminder = approvalRequest !== undefined && approvalRequest.stage !== 'approval-requested';
  const subject = requestSubjects[approvalKind](ownerAccountText(view), service.name);
  return composeEmail(emailSubject(subject, isReminder), [
    [
      questionText(view),
      ...statusText(record),
      ...(isReminder
        ? [`linkgate asked the approver group ${group.name} on ${formatTime(approvalRequest.requestedAt)}.`]
        : []),
    ],
    requestFacts(view).map(([name, value]) => `${name}: ${value}`),
    [reasonHeadings[approvalKind], ...bulletLines(openReasons(record))],
    ['Earlier connections of this account', ...bulletLines(knownAccountText(view))],
    ...(links
      ? approvalKind === 'new-connection'
        ? requestLinkParagraphs(links, group)
        : connectedLinkParagraphs(view, links, now)
      : []),
    [
      'On the command line',
      ...(approvalKind === 'new-connection'
        ? requestCommandLines(endpointId, service, group)
        : connectedCommandLines(view)),
    ],
    ...(links ? [emailFooter(links)] : []),
  ]);
}

const requestSubjects: Readonly<Record<ApprovalKind, (account: string, service: string) => string>> = {
  'new-connection': (account, service) => `Account ${account} requests a connection to ${service}`,
  'scheduled-disconnect': (account, service) => `Scheduled disconnect of account ${account} from ${service}`,
  'keep-or-disconnect': (account, service) => `Keep account ${account} connected to ${service}?`,
};

export function emailSubject(subject: string, isReminder: boolean): string {
  return isReminder ? `Reminder: ${subject.charAt(0).toLowerCase()}${subject.slice(1)}` : subject;
}

function requestLinkParagraphs({ approve, deny }: EmailLinks, { quorum }: ApproverGroup): string[][] {
  const quorumText = quorum > 1 ? ` ${quorum} people have to approve; one denial is enough to deny.` : '';
  return [
    [
      `Approve: ${actionExplanations.approve} unless you also allow the account on the page.${quorumText}`,
      approve,
    ],
    [`Deny: ${actionExplanations.deny}.`, deny],
  ];
}

/** Lists each link about a connected endpoint, with its effect. */
function connectedLinkParagraphs(
  { record, group: { quorum } }: ApprovalView,
  links: EmailLinks,
  now: Date,
): string[][] {
  const quorumText =
    quorum > 1 ? ` ${quorum} people have to keep it; one person can extend or disconnect it.` : '';
  return linksByAnswer(links).map(([answer, link]) => [
    `${connectedLabels[answer]}: ${describeConnectedAction(answer, record, now)}${answer === 'keep' ? quorumText : ''}`,
    link,
  ]);
}

/** Maps the links about a connected endpoint by action. */
export function linksByAnswer({ approve, extend, deny }: EmailLinks): (readonly [ConnectedAction, string])[] {
  return [
    ['keep', approve],
    ...(extend === undefined ? [] : [['extend', extend] as const]),
    ['disconnect', deny],
  ];
}

export const apiOnlyEmailText = 'This group decides only on the command line or through the API.';

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
    `A link opens a page. Your decision counts only when you submit its form. Each link works once, until ${formatTime(expiresAt)}, while the request is open.`,
    'The links are personal: anybody who has them can decide in your name. Do not forward this e-mail.',
  ];
}

export function bulletLines(lines: readonly string[]): string[] {
  return lines.map((line) => `- ${line}`);
}
