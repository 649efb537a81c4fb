import type { ApproverGroup } from '../approval/approver-group.ts';
import {
  type ConnectedAnswer,
  connectedCommands,
  connectedLabels,
  describeAnswer,
} from '../approval/connected.ts';
import type { AskingService, RequestView } from '../approval/request-view.ts';
import { type Matter, matterOf } from '../approval/standing.ts';
import {
  doubtsIn,
  factsIn,
  knownIn,
  meaning,
  questionIn,
  reasonsTitles,
  standingIn,
  when,
} from '../approval/words.ts';
import type { Mail, MailLinks } from './mails.ts';
import { mailOf } from './text.ts';

/**
 * Tells one approver of an open request or of a connection that is in question, or reminds them of it.
 * @param links theirs; without them the mail gives the command alone.
 */
export function requestMail(view: RequestView, links: MailLinks | undefined, now: Date): Mail {
  const { record, service, group } = view;
  const { endpointId, asking } = record;
  const matter = matterOf(record);
  const isReminder = asking !== undefined && asking.stage !== 'asked';
  const subject = subjects[matter](record.ownerAccountId, service.name);
  return mailOf(subjectOf(subject, isReminder), [
    [
      questionIn(view),
      ...standingIn(record),
      ...(isReminder ? [`The approver group ${group.name} was asked on ${when(asking.since)}.`] : []),
    ],
    factsIn(view).map(([name, value]) => `${name}: ${value}`),
    [reasonsTitles[matter], ...bullets(doubtsIn(record))],
    ['This account here before', ...bullets(knownIn(view))],
    ...(links ? (matter === 'request' ? choices(links, group) : connectedChoices(view, links, now)) : []),
    [
      'By the command line',
      ...(matter === 'request' ? commandsFor(endpointId, service, group) : connectedCommandsFor(view)),
    ],
    ...(links ? [fineprint(links)] : []),
  ]);
}

const subjects: Readonly<Record<Matter, (account: string, service: string) => string>> = {
  request: (account, service) => `Account ${account} asks to connect to ${service}`,
  ending: (account, service) => `The connection of account ${account} to ${service} will be cut`,
  doubted: (account, service) => `May account ${account} stay connected to ${service}?`,
};

export function subjectOf(subject: string, isReminder: boolean): string {
  return isReminder ? `Reminder: ${subject.charAt(0).toLowerCase()}${subject.slice(1)}` : subject;
}

function choices({ approve, deny }: MailLinks, { quorum }: ApproverGroup): string[][] {
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  return [
    [`Approve: ${meaning.approve} unless you say otherwise on the page.${everybody}`, approve],
    [`Deny: ${meaning.deny}.`, deny],
  ];
}

/** Each link about a connection, with what it does. */
function connectedChoices(
  { record, group: { quorum } }: RequestView,
  links: MailLinks,
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
export function linksByAnswer({ approve, extend, deny }: MailLinks): (readonly [ConnectedAnswer, string])[] {
  return [
    ['keep', approve],
    ...(extend === undefined ? [] : [['extend', extend] as const]),
    ['disconnect', deny],
  ];
}

const byCommandAlone = 'This group decides by the command line or the API only.';

function connectedCommandsFor({ record, service, entries, group }: RequestView): string[] {
  const commands = connectedCommands(record, { service: service.name, entries });
  return [...(group.decideIn === 'api' ? [byCommandAlone] : []), ...commands];
}

function commandsFor(
  endpointId: string,
  { requireTicket }: AskingService,
  { decideIn }: ApproverGroup,
): string[] {
  const ticket = requireTicket ? ' --ticket T' : '';
  return [
    ...(decideIn === 'api' ? [byCommandAlone] : []),
    `linkgate approve ${endpointId}${ticket}`,
    `linkgate deny ${endpointId}${ticket} --reason "..."`,
  ];
}

export function fineprint({ until }: MailLinks): string[] {
  return [
    `A link opens a page; nothing is decided before you send its form. Each works once, until ${when(until)}, while it is open.`,
    'The links are yours: whoever has them decides in your name, so do not forward this mail.',
  ];
}

export function bullets(lines: readonly string[]): string[] {
  return lines.map((line) => `- ${line}`);
}
