import { type AllowlistEntry, allServicesScope } from '../allowlist/entry.ts';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import { shellWord } from '../values/shell-word.ts';
import { primaryReason } from '../verdicts/verdict.ts';
import type { ApprovalView } from './approval-view.ts';
import { type ApprovalKind, approvalKindOf, type ConnectionStatus, statusOf } from './status.ts';

const clock = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

/** @param time ISO 8601 */
export function formatTime(time: string): string {
  return `${clock.format(new Date(time))} UTC`;
}

/** A text for people in which machines wrote times, with each time as people read it. */
export function formatTimesIn(text: string, told: (time: string) => string = formatTime): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (time) => told(time));
}

export function actorName(actor: string): string {
  const [, team, user] = /^slack:([^:]*):(.*)$/.exec(actor) ?? [];
  return user === undefined ? actor.replace(/^mailto:/, '') : `${user} (Slack workspace ${team})`;
}

type Said = NonNullable<ConnectionStatus['settled']>;

/** When somebody said something, and why. */
export function decidedText({ at, reason, ticket }: Pick<Said, 'at' | 'reason' | 'ticket'>): string {
  return `on ${formatTime(at)}${ticket ? ` (ticket ${ticket})` : ''}${reason ? `: “${reason}”` : ''}`;
}

const statusSentences: Readonly<Record<ConnectionStatus['status'], string>> = {
  'awaiting-approval': 'It waits for approval.',
  paused: 'It waits, whatever people say, until what keeps it is over',
  accepting: 'It is to be accepted; EC2 does not show it connected yet.',
  connected: 'EC2 shows it connected.',
  rejecting: 'It is to be rejected; EC2 does not show it rejected yet.',
  rejected: 'EC2 shows it rejected.',
  deregistered:
    'Its service was taken out of linkgate, so nobody decides it here any more; EC2 leaves it waiting.',
  deleted: 'The endpoint is gone.',
  'disconnect-scheduled':
    'It is connected, and is cut when its time is over, unless somebody keeps it connected or extends it.',
  'under-review': 'It is connected, and stays so until somebody decides.',
  'review-paused': 'It is connected, and stays so until what keeps everything is over',
  kept: 'It stays connected.',
  disconnecting: 'It is to be cut; EC2 does not show it rejected yet.',
  disconnected: 'It was cut: EC2 shows it rejected.',
};

/** How a request stands: who settled it, what people have said so far, and what EC2 shows. */
export function statusText(record: ConnectionRecord): string[] {
  const { status, settled, approvals, isExpired } = statusOf(record);
  const isUnsettled = unsettled.has(status);
  const isStopped = status === 'paused' || status === 'review-paused';
  const why = isStopped && record.verdict ? `: ${primaryReason(record.verdict)}.` : '';
  return [
    ...(settled ? [`${resolutionText(record, settled)}.`] : []),
    ...(isUnsettled && approvals
      ? [
          `It takes ${approvals.quorum} approvals, and has ${approvals.words.length}:`,
          ...approvals.words.map((word) => `${actorName(word.by)}, ${decidedText(word)}.`),
        ]
      : []),
    statusSentences[status] + why,
    ...(status === 'disconnect-scheduled' ? putOffIn(record) : []),
    ...(isUnsettled && isExpired ? ['Nobody decided it in time; it can still be decided.'] : []),
  ];
}

const unsettled: ReadonlySet<ConnectionStatus['status']> = new Set([
  'awaiting-approval',
  'paused',
  'disconnect-scheduled',
  'under-review',
  'review-paused',
]);

/** That somebody put off when it is cut. */
function putOffIn({ kept }: ConnectionRecord): string[] {
  return kept
    ? [`${actorName(kept.by)} put that off until ${formatTime(kept.until)}, ${decidedText(kept)}.`]
    : [];
}

/** What a person did by an approval or a denial: of a connection, it is called otherwise. */
export function didOf(record: ConnectionRecord) {
  return approvalKindOf(record) === 'new-connection'
    ? ({ accept: 'approved it', reject: 'denied it' } as const)
    : ({ accept: 'kept it connected', reject: 'disconnected it' } as const);
}

function resolutionText(record: ConnectionRecord, { by, cause, ...said }: Said): string {
  const outcome = record.verdict?.outcome === 'accept' ? 'accept' : 'reject';
  if (by === 'linkgate')
    return `linkgate decided by its policy to ${cause ? 'cut' : outcome} it, ${decidedText(said)}`;
  if (cause) return `${actorName(by)} ${causeText[cause]} ${decidedText(said)}`;
  return `${actorName(by)} ${didOf(record)[outcome]} ${decidedText(said)}`;
}

/** What somebody did by which a connection is cut. */
const causeText: Readonly<Record<NonNullable<Said['cause']>, string>> = {
  policy: 'changed the policy',
  block: 'blocked its account',
  person: 'revoked it',
  service: 'took its service out',
};

/** What the allowlist says of the account, whether or not it still counts. */
export function entryText(entry: AllowlistEntry): string {
  const where = entry.serviceId === allServicesScope ? 'at every service' : 'at this service';
  return `Its entry in the allowlist ${where}: ${termsOf(entry)}${entry.note ? ` (“${entry.note}”)` : ''}.`;
}

/** What allowing the account at the service takes the place of. What blocks it is not replaced by that. */
export function replacedEntryText(entries: readonly AllowlistEntry[]): string[] {
  const entry = entries.find(({ serviceId }) => serviceId !== allServicesScope) ?? entries[0];
  if (entry?.effect !== 'allow') return [];
  return entry.serviceId === allServicesScope
    ? [`There it counts instead of its entry at every service: ${termsOf(entry)}.`]
    : [`This replaces its entry there: ${termsOf(entry)}.`];
}

/** What an entry says, and all that it is narrowed to. */
function termsOf({ effect, endpointIds, consumerRegions, maxEndpoints, expiresAt }: AllowlistEntry): string {
  return [
    effect,
    ...(endpointIds ? [`for ${endpoints(endpointIds.length)} alone`] : []),
    ...(consumerRegions ? [`only in ${consumerRegions.join(', ')}`] : []),
    ...(maxEndpoints !== undefined ? [`at most ${endpoints(maxEndpoints)}`] : []),
    ...(expiresAt !== undefined ? [`until ${formatTime(expiresAt)}`] : []),
  ].join(', ');
}

/** What of an entry `linkgate allow` is given, by the names of its options. */
function optionsOf(entry: AllowlistEntry) {
  const { endpointIds, consumerRegions, maxEndpoints, expiresAt, roles, owners, note } = entry;
  return {
    endpoint: endpointIds ?? [],
    'consumer-region': consumerRegions ?? [],
    'max-endpoints': maxEndpoints === undefined ? [] : [String(maxEndpoints)],
    expires: expiresAt === undefined ? [] : [expiresAt],
    role: roles ?? [],
    owner: owners ?? [],
    note: note === undefined ? [] : [note],
  };
}

type Options = Readonly<Record<keyof ReturnType<typeof optionsOf>, readonly string[]>>;

/** The command that writes an entry again with all that it says, but for what is changed: `allow` replaces an entry whole. */
export function allowCommand(entry: AllowlistEntry, serviceName: string, changed: Partial<Options>): string {
  const options = Object.entries<readonly string[]>({ ...optionsOf(entry), ...changed });
  const given = options.flatMap(([name, values]) => values.map((value) => `--${name} ${shellWord(value)}`));
  const at = shellWord(entry.serviceId === allServicesScope ? allServicesScope : serviceName);
  return ['linkgate allow', entry.accountId, `--service ${at}`, ...given].join(' ');
}

function endpoints(count: number): string {
  return count === 1 ? '1 endpoint' : `${count} endpoints`;
}

/** One of the account's earlier connections. */
export function earlierConnectionsText(record: ConnectionRecord): string {
  return `${record.endpointId}, asked for on ${formatTime(record.requestedAt)}. ${statusText(record).join(' ')}`;
}

/** What people are asked, in a sentence. */
export function questionText({ record, service }: Pick<ApprovalView, 'record' | 'service'>): string {
  const { ownerAccountId: account, approvalRequest } = record;
  const to = `your endpoint service ${service.name}`;
  const time = approvalRequest ? ` on ${formatTime(approvalRequest.deadline)}` : '';
  const questions: Readonly<Record<ApprovalKind, string>> = {
    'new-connection': `Account ${account} asks to connect to ${to}.`,
    'scheduled-disconnect': `The connection of account ${account} to ${to} is to be cut${time}.`,
    'keep-or-disconnect': `Account ${account} is connected to ${to}, and nothing that linkgate knows of allows it.`,
  };
  return questions[approvalKindOf(record)];
}

/** What the time that people have is called. */
export function deadlineLabel(record: ConnectionRecord): string {
  if (approvalKindOf(record) === 'scheduled-disconnect') return 'Cut on';
  return isOverdue(record) ? 'Was to be decided before' : 'Decide before';
}

/** Whether nobody decided it in time, though it still can be. */
export function isOverdue({ approvalRequest }: ConnectionRecord): boolean {
  return approvalRequest?.stage === 'expired';
}

/** What is asked for, each with its name. */
export function requestFacts({ record, service }: ApprovalView): (readonly [name: string, value: string])[] {
  const {
    location,
    ownerAccountId,
    endpointId,
    endpointRegion,
    ipAddressType,
    requestedAt,
    approvalRequest,
  } = record;
  return [
    ['Service', `${service.name} (${service.serviceId}) in ${location.region}`],
    ['Account', ownerAccountId],
    ['Endpoint', `${endpointId} in ${endpointRegion ?? location.region}`],
    ['IP address type', ipAddressType ?? 'not said'],
    ['Asked for', formatTime(requestedAt)],
    ...(approvalRequest ? [[deadlineLabel(record), formatTime(approvalRequest.deadline)] as const] : []),
  ];
}

/** What the reasons are for that follow. */
export const reasonHeadings: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'Why you are asked',
  'scheduled-disconnect': 'Why it is to be cut',
  'keep-or-disconnect': 'Why you are asked',
};

/** Why people were asked, each reason once. What speaks for it is none, and how many have approved is told with how it stands. */
export function openReasons({ verdict }: ConnectionRecord): string[] {
  const doubts = (verdict?.findings ?? []).filter(
    ({ rule, outcome }) => rule !== 'quorum' && outcome !== 'accept',
  );
  return [...new Set(doubts.map(({ reason }) => formatTimesIn(reason)))];
}

/** What people's words about a request do. */
export const meaning = {
  approve: 'the endpoint is let in, and the allowlist stays as it is',
  deny: 'a rejected endpoint stays rejected, and its owner pays for it until they delete it and create a new one',
} as const;

/** What is known of the account at the service from before. */
export function knownAccountText({ entries, earlier }: ApprovalView): string[] {
  const known = [...entries.map(entryText), ...earlier.map(earlierConnectionsText)];
  return known.length > 0 ? known : ['None that linkgate remembers.'];
}
