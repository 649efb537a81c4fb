import { type AllowlistEntry, everyService } from '../allowlist/entry.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import { reasonOf } from '../policy/decide.ts';
import type { RequestView } from './request-view.ts';
import { type Standing, standingOf } from './standing.ts';

const clock = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

/** @param time ISO 8601 */
export function when(time: string): string {
  return `${clock.format(new Date(time))} UTC`;
}

export function nameOf(actor: string): string {
  const [, team, user] = /^slack:([^:]*):(.*)$/.exec(actor) ?? [];
  return user === undefined ? actor.replace(/^mailto:/, '') : `${user} (Slack workspace ${team})`;
}

type Said = NonNullable<Standing['settled']>;

/** When somebody said something, and why. */
export function saidIn({ at, reason, ticket }: Omit<Said, 'by'>): string {
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
};

/** How a request stands: who settled it, what people have said so far, and what EC2 shows. */
export function standingIn(record: ConnectionRecord): string[] {
  const { status, settled, approvals, isExpired } = standingOf(record);
  const isUnsettled = status === 'open' || status === 'stopped';
  const kept = status === 'stopped' && record.verdict ? `: ${reasonOf(record.verdict)}.` : '';
  return [
    ...(settled ? [`${settledIn(record, settled)}.`] : []),
    ...(isUnsettled && approvals
      ? [
          `It takes ${approvals.quorum} approvals, and has ${approvals.words.length}:`,
          ...approvals.words.map((word) => `${nameOf(word.by)}, ${saidIn(word)}.`),
        ]
      : []),
    sentences[status] + kept,
    ...(isUnsettled && isExpired ? ['Nobody decided it in time; it can still be decided.'] : []),
  ];
}

function settledIn({ verdict }: ConnectionRecord, { by, ...said }: Said): string {
  const outcome = verdict?.outcome === 'accept' ? 'accept' : 'reject';
  if (by === 'linkgate') return `linkgate decided by its policy to ${outcome} it, ${saidIn(said)}`;
  return `${nameOf(by)} ${outcome === 'accept' ? 'approved' : 'denied'} it ${saidIn(said)}`;
}

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

function endpoints(count: number): string {
  return count === 1 ? '1 endpoint' : `${count} endpoints`;
}

/** One of the account's earlier connections. */
export function earlierIn(record: ConnectionRecord): string {
  return `${record.endpointId}, asked for on ${when(record.requestedAt)}. ${standingIn(record).join(' ')}`;
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
    ...(asking ? [['Decide before', when(asking.deadline)] as const] : []),
  ];
}

/** Why people were asked. How many have approved is told with how it stands. */
export function doubtsIn({ verdict }: ConnectionRecord): string[] {
  return (verdict?.findings ?? []).filter(({ rule }) => rule !== 'quorum').map(({ reason }) => reason);
}

/** What is known of the account at the service from before. */
export function knownIn({ entries, earlier }: RequestView): string[] {
  const known = [...entries.map(entryIn), ...earlier.map(earlierIn)];
  return known.length > 0 ? known : ['None that linkgate remembers.'];
}
