import type { Approval } from '../approval/approval.ts';
import type { ApproverGroup } from '../approval/approver-group.ts';
import { connectedCommands } from '../approval/connected.ts';
import type { RequestView } from '../approval/request-view.ts';
import { type Standing, standingOf } from '../approval/standing.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import { reasonOf } from '../policy/decide.ts';
import { joined, type Markup, markup } from './boundary.ts';

/** A time as each reader's Slack shows it: in their own zone, and in words that can follow "on", as "yesterday" cannot. */
export function dateOf(iso: string): Markup {
  const seconds = Math.floor(new Date(iso).getTime() / 1000);
  return Number.isFinite(seconds)
    ? { markup: `<!date^${seconds}^{date_short} {time}|${new Date(iso).toISOString()}>` }
    : markup`${iso}`;
}

/** Somebody of the approvers' workspaces as a mention, everybody else as text. */
function whoIs(actor: string, { slackUsers }: Pick<ApproverGroup, 'slackUsers'>): Markup {
  const [, team, user] = /^slack:([TE][A-Z0-9]+):([UW][A-Z0-9]+)$/.exec(actor) ?? [];
  if (user !== undefined && slackUsers.some((known) => known.team === team)) return mention(user);
  return markup`${actor.replace(/^mailto:/, '')}`;
}

export function mention(user: string): Markup {
  return { markup: `<@${user}>` };
}

/** Whom a group names in Slack; addresses are nothing for a channel to read, and only counted. */
export function peopleIn({ slackUsers, emails }: ApproverGroup): Markup {
  const people = [
    ...slackUsers.map(({ user }) => mention(user)),
    ...(emails.length > 0 ? [markup`${emails.length} by e-mail`] : []),
  ];
  return people.length > 0 ? joined(people, ', ') : markup`nobody yet`;
}

interface Said {
  readonly by: string;
  readonly at: string;
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
}

/** Who said it, when and why. */
export function saidBy({ by, at, reason, ticket }: Said, group: ApproverGroup): Markup {
  const because = reason ? markup`: ${reason}` : '';
  const named = ticket ? markup` (ticket ${ticket})` : '';
  return markup`${whoIs(by, group)}, ${dateOf(at)}${named}${because}`;
}

/** How a request stands, in a word. */
export const nameOf: Readonly<Record<Standing['status'], string>> = {
  open: 'Waiting for approval',
  stopped: 'On hold',
  accepting: 'Being accepted',
  connected: 'Connected',
  rejecting: 'Being rejected',
  rejected: 'Rejected',
  abandoned: 'Given up',
  gone: 'Gone',
  ending: 'Will be cut',
  doubted: 'To be decided',
  halted: 'On hold',
  staying: 'Stays connected',
  cutting: 'Being cut',
  cut: 'Cut',
};

/** The commands about a connection that is in question, one to a line. */
export function connectedCommandsIn({ record, service, entries }: RequestView): Markup[] {
  return connectedCommands(record, { service: service.name, entries }).map((command) => markup`• ${command}`);
}

/** What a request is shown with, beside its record. */
export type Showing = Pick<RequestView, 'group' | 'mode'>;

const sentences: Readonly<Record<Standing['status'], string>> = {
  open: '',
  stopped: 'It waits, whatever people say, until what keeps it is over.',
  accepting: 'It is to be accepted: the message changes once AWS shows that.',
  connected: 'AWS shows it connected.',
  rejecting: 'It is to be rejected: the message changes once AWS shows that.',
  rejected: 'AWS shows it rejected. It stays so: the consumer pays for it until they delete it.',
  abandoned:
    'Its service was taken out of linkgate, so nobody decides it here any more. AWS leaves it waiting.',
  gone: 'The endpoint is gone; there is nothing left to decide.',
  ending: '',
  doubted: 'It is connected, and stays so until somebody decides.',
  halted: 'It is connected, and stays so until what keeps everything is over.',
  staying: 'It stays connected.',
  cutting: 'It is to be cut: the message changes once AWS shows that.',
  cut: 'It was cut: AWS shows it rejected. It stays so: the consumer pays for it until they delete it.',
};

/** In a word, of what is decided while linkgate leaves EC2 as it is. */
export const notApplied = 'Decided, not applied';
export const leftAlone = markup`linkgate's mode is observe: EC2 is left as it is.`;

/** Whether it is decided, and linkgate does nothing of that in EC2. */
function isLeftAlone(record: ConnectionRecord, mode: RequestView['mode']): boolean {
  const { status } = standingOf(record);
  const isToCome = (status === 'accepting' || status === 'rejecting') && record.state === 'pendingAcceptance';
  return mode === 'observe' && (isToCome || status === 'cutting');
}

/** How a request stands, in a few words. */
export function titleIn({ record, mode }: RequestView): string {
  return isLeftAlone(record, mode) ? notApplied : nameOf[standingOf(record).status];
}

/** How a request stands: what people said, who settled it, and what AWS shows. Empty where nothing has happened yet. */
export function standingIn(record: ConnectionRecord, { group, mode }: Showing): Markup {
  const { status, settled, approvals } = standingOf(record);
  const { approval, verdict } = record;
  const lines: Markup[] = [];
  if (settled) lines.push(markup`*${settledAs(status, settled)}* by ${saidBy(settled, group)}`);
  // What comes before a person's word, such as a block or a pause.
  if (approval && settled?.by !== approval.by)
    lines.push(
      markup`*${approval.decision === 'approve' ? 'Approved' : 'Denied'}* by ${saidBy(approval, group)}`,
    );
  if (approvals && (approvals.quorum > 1 || !approval))
    lines.push(
      joined([
        markup`*${approvals.words.length} of ${approvals.quorum} approvals*`,
        ...approvals.words.map((word) => markup`• ${saidBy(word, group)}`),
      ]),
    );
  if (status === 'ending') lines.push(...endingIn(record, { group, mode }));
  const isStopped = status === 'stopped' || status === 'halted';
  const kept = isStopped && verdict ? markup` ${reasonOf(verdict)}.` : '';
  lines.push(isLeftAlone(record, mode) ? leftAlone : markup`${sentences[status]}${kept}`);
  return joined(lines.filter(({ markup: line }) => line !== ''));
}

/** Who put off when it is cut, and whether it is cut at all. */
function endingIn({ kept }: ConnectionRecord, { group, mode }: Showing): Markup[] {
  return [
    ...(kept ? [markup`*Put off until* ${dateOf(kept.until)} by ${saidBy(kept, group)}`] : []),
    ...(mode === 'observe' ? [leftAlone] : []),
  ];
}

/** What the word that closed a request made of the allowlist. All who approved have to have said so. */
export function entryChangeIn(
  { approval, approvals, ownerAccountId, verdict }: ConnectionRecord,
  serviceName: string,
): Markup[] {
  if (!approval) return [];
  if (approval.block) return [markup`Account ${ownerAccountId} was blocked at ${serviceName}.`];
  const words: readonly Approval[] = approvals?.words ?? [approval];
  // An approval that met a block left the block as it is.
  if (approval.decision !== 'approve' || verdict?.outcome === 'reject' || !words.every(({ allow }) => allow))
    return [];
  const [until] = words.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  const time = until === undefined ? '' : markup` until ${dateOf(until)}`;
  return [markup`Account ${ownerAccountId} was put on the allowlist of ${serviceName}${time}.`];
}

function settledAs(status: Standing['status'], { by, cause }: NonNullable<Standing['settled']>): string {
  if (status === 'gone') return 'Decided';
  if (cause) return causes[cause];
  const isRejection = rejections.has(status);
  if (by === 'linkgate') return isRejection ? 'Rejected by policy' : 'Accepted by policy';
  if (status === 'staying') return 'Kept connected';
  if (status === 'cutting' || status === 'cut') return 'Disconnected';
  return isRejection ? 'Denied' : 'Approved';
}

const rejections: ReadonlySet<Standing['status']> = new Set(['rejecting', 'rejected', 'cutting', 'cut']);

/** What a connection is cut for. */
const causes: Readonly<Record<NonNullable<NonNullable<Standing['settled']>['cause']>, string>> = {
  policy: 'Cut by policy',
  block: 'Account blocked',
  person: 'Revoked',
  service: 'Service taken out',
};
