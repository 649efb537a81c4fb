import type { ApproverGroup } from '../approval/approver-group.ts';
import type { AskingService, RequestView } from '../approval/request-view.ts';
import { doubtsIn, factsIn, knownIn, standingIn, when } from '../approval/words.ts';
import type { Mail, MailLinks } from './mails.ts';
import { mailOf } from './text.ts';

/**
 * Tells one approver of an open request, or reminds them of it.
 * @param links theirs; without them the mail gives the command alone.
 */
export function requestMail(view: RequestView, links: MailLinks | undefined): Mail {
  const { record, service, group } = view;
  const { ownerAccountId: account, endpointId, asking } = record;
  const isReminder = asking !== undefined && asking.stage !== 'asked';
  const subject = `${isReminder ? 'Reminder: account' : 'Account'} ${account} asks to connect to ${service.name}`;
  return mailOf(subject, [
    [
      `Account ${account} asks to connect to your endpoint service ${service.name}.`,
      ...standingIn(record),
      ...(isReminder ? [`The approver group ${group.name} was asked on ${when(asking.since)}.`] : []),
    ],
    factsIn(view).map(([name, value]) => `${name}: ${value}`),
    ['Why you are asked', ...bullets(doubtsIn(record))],
    ['This account here before', ...bullets(knownIn(view))],
    ...(links ? choices(links, group) : []),
    ['By the command line', ...commandsFor(endpointId, service, group)],
    ...(links ? [fineprint(links)] : []),
  ]);
}

function choices({ approve, deny }: MailLinks, { quorum }: ApproverGroup): string[][] {
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  return [
    [
      `Approve: the endpoint is let in, and the allowlist stays as it is unless you say otherwise on the page.${everybody}`,
      approve,
    ],
    [
      'Deny: a rejected endpoint stays rejected, and its owner pays for it until they delete it and create a new one.',
      deny,
    ],
  ];
}

function commandsFor(
  endpointId: string,
  { requireTicket }: AskingService,
  { decideIn }: ApproverGroup,
): string[] {
  const ticket = requireTicket ? ' --ticket T' : '';
  return [
    ...(decideIn === 'api' ? ['This group decides by the command line or the API only.'] : []),
    `linkgate approve ${endpointId}${ticket}`,
    `linkgate deny ${endpointId}${ticket} --reason "..."`,
  ];
}

export function fineprint({ until }: MailLinks): string[] {
  return [
    `A link opens a page; nothing is decided before you send its form. Each works once, until ${when(until)}, while the request is open.`,
    'The links are yours: whoever has them decides in your name, so do not forward this mail.',
  ];
}

export function bullets(lines: readonly string[]): string[] {
  return lines.map((line) => `- ${line}`);
}
