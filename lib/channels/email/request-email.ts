import type { ApprovalView, ServiceSummary } from '../../approvals/approval-view.ts';
import {
  type ConnectedAnswer,
  connectedCommands,
  connectedLabels,
  describeAnswer,
} from '../../approvals/connected-commands.ts';
import { type ApprovalKind, approvalKindOf } from '../../approvals/status.ts';
import {
  formatTime,
  knownAccountText,
  meaning,
  openReasons,
  questionText,
  reasonHeadings,
  requestFacts,
  statusText,
} from '../../approvals/status-text.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailLinks, Mail } from './email-sender.ts';

/**
 * Tells one approver of an open request or of a connection that is in question, or reminds them of it.
 * @param links theirs; without them the mail gives the command alone.
 */
export function requestEmail(view: ApprovalView, links: EmailLinks | undefined, now: Date): Mail {
  const { record, service, group } = view;
  const { endpointId, approvalRequest } = record;
  const approvalKind = approvalKindOf(record);
  const isReminder = approvalRequest !== undefined && approvalRequest.stage !== 'approval-requested';
  const subject = subjects[approvalKind](record.ownerAccountId, service.name);
  return composeEmail(subjectOf(subject, isReminder), [
    [
      questionText(view),
      ...statusText(record),
      ...(isReminder
        ? [`The approver group ${group.name} was asked on ${formatTime(approvalRequest.since)}.`]
        : []),
    ],
    requestFacts(view).map(([name, value]) => `${name}: ${value}`),
    [reasonHeadings[approvalKind], ...bullets(openReasons(record))],
    ['This account here before', ...bullets(knownAccountText(view))],
    ...(links
      ? approvalKind === 'new-connection'
        ? choices(links, group)
        : connectedChoices(view, links, now)
      : []),
    [
      'By the command line',
      ...(approvalKind === 'new-connection'
        ? commandsFor(endpointId, service, group)
        : connectedCommandsFor(view)),
    ],
    ...(links ? [emailFooter(links)] : []),
  ]);
}

const subjects: Readonly<Record<ApprovalKind, (account: string, service: string) => string>> = {
  'new-connection': (account, service) => `Account ${account} asks to connect to ${service}`,
  'scheduled-disconnect': (account, service) =>
    `The connection of account ${account} to ${service} will be cut`,
  'keep-or-disconnect': (account, service) => `May account ${account} stay connected to ${service}?`,
};

export function subjectOf(subject: string, isReminder: boolean): string {
  return isReminder ? `Reminder: ${subject.charAt(0).toLowerCase()}${subject.slice(1)}` : subject;
}

function choices({ approve, deny }: EmailLinks, { quorum }: ApproverGroup): string[][] {
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  return [
    [`Approve: ${meaning.approve} unless you say otherwise on the page.${everybody}`, approve],
    [`Deny: ${meaning.deny}.`, deny],
  ];
}

/** Each link about a connection, with what it does. */
function connectedChoices(
  { record, group: { quorum } }: ApprovalView,
  links: EmailLinks,
  now: Date,
): string[][] {
  const everybody =
    quorum > 1 ? ` It takes ${quorum} people to keep it; one extends it, and one disconnects it.` : '';
  return linksByAnswer(links).map(([answer, link]) => [
    `${connectedLabels[answer]}: ${describeAnswer(answer, record, now)}${answer === 'keep' ? everybody : ''}`,
    link,
  ]);
}

/** The links about a connection, by what they answer. */
export function linksByAnswer({ approve, extend, deny }: EmailLinks): (readonly [ConnectedAnswer, string])[] {
  return [
    ['keep', approve],
    ...(extend === undefined ? [] : [['extend', extend] as const]),
    ['disconnect', deny],
  ];
}

const byCommandAlone = 'This group decides by the command line or the API only.';

function connectedCommandsFor({ record, service, entries, group }: ApprovalView): string[] {
  const commands = connectedCommands(record, { service: service.name, entries });
  return [...(group.decisionChannels === 'api' ? [byCommandAlone] : []), ...commands];
}

function commandsFor(
  endpointId: string,
  { requireTicket }: ServiceSummary,
  { decisionChannels }: ApproverGroup,
): string[] {
  const ticket = requireTicket ? ' --ticket T' : '';
  return [
    ...(decisionChannels === 'api' ? [byCommandAlone] : []),
    `linkgate approve ${endpointId}${ticket}`,
    `linkgate deny ${endpointId}${ticket} --reason "..."`,
  ];
}

export function emailFooter({ until }: EmailLinks): string[] {
  return [
    `A link opens a page; nothing is decided before you send its form. Each works once, until ${formatTime(until)}, while it is open.`,
    'The links are yours: whoever has them decides in your name, so do not forward this mail.',
  ];
}

export function bullets(lines: readonly string[]): string[] {
  return lines.map((line) => `- ${line}`);
}
