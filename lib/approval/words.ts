import { type AllowlistEntry, everyService } from '../allowlist/entry.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import { reasonOf } from '../policy/decide.ts';
import { shellWord } from '../shell-word.ts';
import type { RequestView } from './request-view.ts';
import { type Matter, matterOf, type Standing, standingOf } from './standing.ts';

const clock = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

/** @param time ISO 8601 */
export function when(time: string): string {
  return `${clock.format(new Date(time))} UTC`;
}

/** A text for people in which machines wrote times, with each time as people read it. */
export function withTimes(text: string, told: (time: string) => string = when): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (time) => told(time));
}

export function nameOf(actor: string): string {
  const [, team, user] = /^slack:([^:]*):(.*)$/.exec(actor) ?? [];
  return user === undefined ? actor.replace(/^mailto:/, '') : `${user} (Slack workspace ${team})`;
}

type Said = NonNullable<Standing['settled']>;

/** When somebody said something, and why. */
export function saidIn({ at, reason, ticket }: Pick<Said, 'at' | 'reason' | 'ticket'>): string {
  return `on ${when(at)}${ticket ? ` (ticket ${ticket})` : ''}${reason ? `: “${reason}”` : ''}`;
}

const sentences: Readonly<Record<Standing['status'], string>> = {
  open: 'It waits for approval.',
  stopped: 'It waits, whatever people say, until what keeps it is over',
  accepting: 'It is to be accepted; EC2 does not show it connected yet.',
  connected: 'EC2 shows it connected.',
  rejecting: 'It is to be rejected; EC2 does not show it rejected yet.',
  rejected: 'EC2 shows it rejected.',
  abandoned:
    'Its service was taken out of linkgate, so nobody decides it here any more; EC2 leaves it waiting.',
  gone: 'The endpoint is gone.',
  ending:
    'It is connected, and is cut when its time is over, unless somebody keeps it connected or extends it.',
  doubted: 'It is connected, and stays so until somebody decides.',
  halted: 'It is connected, and stays so until what keeps everything is over',
  staying: 'It stays connected.',
  cutting: 'It is to be cut; EC2 does not show it rejected yet.',
  cut: 'It was cut: EC2 shows it rejected.',
};

/** How a request stands: who settled it, what people have said so far, and what EC2 shows. */
export function standingIn(record: ConnectionRecord): string[] {
  const { status, settled, approvals, isExpired } = standingOf(record);
  const isUnsettled = unsettled.has(status);
  const isStopped = status === 'stopped' || status === 'halted';
  const why = isStopped && record.verdict ? `: ${reasonOf(record.verdict)}.` : '';
  return [
    ...(settled ? [`${settledIn(record, settled)}.`] : []),
    ...(isUnsettled && approvals
      ? [
          `It takes ${approvals.quorum} approvals, and has ${approvals.words.length}:`,
          ...approvals.words.map((word) => `${nameOf(word.by)}, ${saidIn(word)}.`),
        ]
      : []),
    sentences[status] + why,
    ...(status === 'ending' ? putOffIn(record) : []),
    ...(isUnsettled && isExpired ? ['Nobody decided it in time; it can still be decided.'] : []),
  ];
}

const unsettled: ReadonlySet<Standing['status']> = new Set([
  'open',
  'stopped',
  'ending',
  'doubted',
  'halted',
]);

/** That somebody put off when it is cut. */
function putOffIn({ kept }: ConnectionRecord): string[] {
  return kept ? [`${nameOf(kept.by)} put that off until ${when(kept.until)}, ${saidIn(kept)}.`] : [];
}

/** What a person did by an approval or a denial: of a connection, it is called otherwise. */
export function didOf(record: ConnectionRecord) {
  return matterOf(record) === 'request'
    ? ({ accept: 'approved it', reject: 'denied it' } as const)
    : ({ accept: 'kept it connected', reject: 'disconnected it' } as const);
}

function settledIn(record: ConnectionRecord, { by, cause, ...said }: Said): string {
  const outcome = record.verdict?.outcome === 'accept' ? 'accept' : 'reject';
  if (by === 'linkgate')
    return `linkgate decided by its policy to ${cause ? 'cut' : outcome} it, ${saidIn(said)}`;
  if (cause) return `${nameOf(by)} ${causedBy[cause]} ${saidIn(said)}`;
  return `${nameOf(by)} ${didOf(record)[outcome]} ${saidIn(said)}`;
}

/** What somebody did by which a connection is cut. */
const causedBy: Readonly<Record<NonNullable<Said['cause']>, string>> = {
  policy: 'changed the policy',
  block: 'blocked its account',
  person: 'revoked it',
  service: 'took its service out',
};

/** What the allowlist says of the account, whether or not it still counts. */
export function entryIn(entry: AllowlistEntry): string {
  const where = entry.serviceId === everyService ? 'at every service' : 'at this service';
  return `Its entry in the allowlist ${where}: ${termsOf(entry)}${entry.note ? ` (“${entry.note}”)` : ''}.`;
}

/** What allowing the account at the service takes the place of. What blocks it is not replaced by that. */
export function replacedIn(entries: readonly AllowlistEntry[]): string[] {
  const entry = entries.find(({ serviceId }) => serviceId !== everyService) ?? entries[0];
  if (entry?.effect !== 'allow') return [];
  return entry.serviceId === everyService
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
    ...(expiresAt !== undefined ? [`until ${when(expiresAt)}`] : []),
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
  const at = shellWord(entry.serviceId === everyService ? everyService : serviceName);
  return ['linkgate allow', entry.accountId, `--service ${at}`, ...given].join(' ');
}

function endpoints(count: number): string {
  return count === 1 ? '1 endpoint' : `${count} endpoints`;
}

/** One of the account's earlier connections. */
export function earlierIn(record: ConnectionRecord): string {
  return `${record.endpointId}, asked for on ${when(record.requestedAt)}. ${standingIn(record).join(' ')}`;
}

/** What people are asked, in a sentence. */
export function questionIn({ record, service }: Pick<RequestView, 'record' | 'service'>): string {
  const { ownerAccountId: account, asking } = record;
  const to = `your endpoint service ${service.name}`;
  const time = asking ? ` on ${when(asking.deadline)}` : '';
  const questions: Readonly<Record<Matter, string>> = {
    request: `Account ${account} asks to connect to ${to}.`,
    ending: `The connection of account ${account} to ${to} is to be cut${time}.`,
    doubted: `Account ${account} is connected to ${to}, and nothing that linkgate knows of allows it.`,
  };
  return questions[matterOf(record)];
}

/** What the time that people have is called. */
export function deadlineNameOf(record: ConnectionRecord): string {
  if (matterOf(record) === 'ending') return 'Cut on';
  return isLate(record) ? 'Was to be decided before' : 'Decide before';
}

/** Whether nobody decided it in time, though it still can be. */
export function isLate({ asking }: ConnectionRecord): boolean {
  return asking?.stage === 'expired';
}

/** What is asked for, each with its name. */
export function factsIn({ record, service }: RequestView): (readonly [name: string, value: string])[] {
  const { place, ownerAccountId, endpointId, endpointRegion, ipAddressType, requestedAt, asking } = record;
  return [
    ['Service', `${service.name} (${service.serviceId}) in ${place.region}`],
    ['Account', ownerAccountId],
    ['Endpoint', `${endpointId} in ${endpointRegion ?? place.region}`],
    ['IP address type', ipAddressType ?? 'not said'],
    ['Asked for', when(requestedAt)],
    ...(asking ? [[deadlineNameOf(record), when(asking.deadline)] as const] : []),
  ];
}

/** What the reasons are for that follow. */
export const reasonsTitles: Readonly<Record<Matter, string>> = {
  request: 'Why you are asked',
  ending: 'Why it is to be cut',
  doubted: 'Why you are asked',
};

/** Why people were asked, each reason once. What speaks for it is none, and how many have approved is told with how it stands. */
export function doubtsIn({ verdict }: ConnectionRecord): string[] {
  const doubts = (verdict?.findings ?? []).filter(
    ({ rule, outcome }) => rule !== 'quorum' && outcome !== 'accept',
  );
  return [...new Set(doubts.map(({ reason }) => withTimes(reason)))];
}

/** What people's words about a request do. */
export const meaning = {
  approve: 'the endpoint is let in, and the allowlist stays as it is',
  deny: 'a rejected endpoint stays rejected, and its owner pays for it until they delete it and create a new one',
} as const;

/** What is known of the account at the service from before. */
export function knownIn({ entries, earlier }: RequestView): string[] {
  const known = [...entries.map(entryIn), ...earlier.map(earlierIn)];
  return known.length > 0 ? known : ['None that linkgate remembers.'];
}
