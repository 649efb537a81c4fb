import { actionLabels, explainActions } from '../../approvals/action-text.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
import {
  knownAccountText,
  openReasons,
  questionText,
  reasonHeadings,
  requestFacts,
} from '../../approvals/request-text.ts';
import { type ApprovalAction, type ApprovalKind, computeApprovalKind } from '../../approvals/status.ts';
import { openCommands, statusText } from '../../approvals/status-text.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import { formatTime, type StyledText, writePlain } from '../../values/styled-text.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailLinks, EmailMessage } from './email-sender.ts';

/**
 * Composes an e-mail or a reminder to one approver about an approval request.
 * @param links the links of this approver; without them the e-mail has only the commands
 */
export function requestEmail(view: ApprovalView, links: EmailLinks | undefined, now: Date): EmailMessage {
  const { record, service, group } = view;
  const { approvalRequest } = record;
  const approvalKind = computeApprovalKind(record);
  const isReminder = approvalRequest !== undefined && approvalRequest.stage !== 'approval-requested';
  const subject = requestSubjects[approvalKind](ownerAccountText(view), service.name);
  return composeEmail(emailSubject(subject, isReminder), [
    [
      ...writeLines([questionText(view), ...statusText(view)]),
      ...(isReminder
        ? [`linkgate asked the approver group ${group.name} on ${formatTime(approvalRequest.requestedAt)}.`]
        : []),
    ],
    requestFacts(view).map(([name, value]) => `${name}: ${writePlain(value)}`),
    [reasonHeadings[approvalKind], ...bulletLines(writeLines(openReasons(record)))],
    ['Earlier connections of this account', ...bulletLines(writeLines(knownAccountText(view)))],
    ...(links ? linkParagraphs(view, links, now) : []),
    [
      'On the command line',
      ...(group.decisionChannels === 'api' ? [apiOnlyEmailText] : []),
      ...writeLines(openCommands(view)),
    ],
    ...(links ? [emailFooter(links)] : []),
  ]);
}

function writeLines(lines: readonly StyledText[]): string[] {
  return lines.map((line) => writePlain(line));
}

const requestSubjects: Readonly<Record<ApprovalKind, (account: string, service: string) => string>> = {
  'new-connection': (account, service) => `Account ${account} requests a connection to ${service}`,
  'scheduled-disconnect': (account, service) => `Scheduled disconnect of account ${account} from ${service}`,
  'keep-or-disconnect': (account, service) => `Keep account ${account} connected to ${service}?`,
};

export function emailSubject(subject: string, isReminder: boolean): string {
  return isReminder ? `Reminder: ${subject.charAt(0).toLowerCase()}${subject.slice(1)}` : subject;
}

/** Lists the link of each action, with its effect. */
function linkParagraphs(view: ApprovalView, links: EmailLinks, now: Date): string[][] {
  const effects = new Map(explainActions(view, now).map(({ action, effect }) => [action, effect]));
  return linksByAction(view.record, links).map(([action, link]) => [
    `${actionLabels[action]}: ${writePlain(effects.get(action) ?? [])}`,
    link,
  ]);
}

/** Lists the links of an open request, or of a connected endpoint, with their actions. */
export function linksByAction(
  record: ConnectionRecord,
  { approve, extend, deny }: EmailLinks,
): (readonly [ApprovalAction, string])[] {
  if (computeApprovalKind(record) === 'new-connection')
    return [
      ['approve', approve],
      ['deny', deny],
    ];
  return [
    ['keep', approve],
    ...(extend === undefined ? [] : [['extend', extend] as const]),
    ['disconnect', deny],
  ];
}

export const apiOnlyEmailText = 'This group decides only on the command line or through the API.';

export function emailFooter({ expiresAt }: EmailLinks): string[] {
  return [
    `A link opens a page. Your decision counts only when you submit its form. Each link works once, until ${formatTime(expiresAt)}, while the request is open.`,
    'The links are personal: anybody who has them can decide in your name. Do not forward this e-mail.',
  ];
}

export function bulletLines(lines: readonly string[]): string[] {
  return lines.map((line) => `- ${line}`);
}
