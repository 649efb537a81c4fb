import { isLive } from '../connection/connection.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';

/** What the owner of an endpoint may learn of it, each with what only it says. Times are ISO 8601. */
interface Details {
  /** It was seen, and is decided or about to be. */
  received: object;
  /** People decide it. */
  waiting: object;
  accepted: object;
  rejected: { readonly reason?: string };
  'will-be-cut': {
    readonly cutAt: string;
    /** When it was to be cut as it was told before. */
    readonly before?: string;
  } & Ending;
  /** It was to be cut at a time, and people decide it instead. */
  'put-off': object;
  /** It was to be cut, and is not any more. */
  stays: object;
  /** Its permission runs out so many days later. */
  expiring: { readonly until: string; readonly days: number };
  cut: Ending;
}

/** Why a connection ends, as far as its owner is told. */
interface Ending {
  /** The words that whoever ends it meant for them. */
  readonly reason?: string;
  /** The service is closed for everybody. */
  readonly isClosing?: true;
}

export type ConsumerEvent = keyof Details;
export const consumerEvents = [
  'received',
  'waiting',
  'accepted',
  'rejected',
  'will-be-cut',
  'put-off',
  'stays',
  'expiring',
  'cut',
] as const satisfies readonly ConsumerEvent[];

/** What the owner was told last, and what tells it from other news of its kind. */
export interface Known {
  readonly event: ConsumerEvent;
  readonly cutAt?: string;
  readonly until?: string;
  readonly days?: number;
}

/** News of one kind, or of any. */
export type News<Event extends ConsumerEvent = ConsumerEvent> = {
  readonly [Kind in Event]: { readonly event: Kind } & Details[Kind];
}[Event];

/** What its owner should know of an endpoint by its record and does not know yet. */
export function newsOf(record: ConnectionRecord, told: Known | undefined): News | undefined {
  const news = standingFor(record, told);
  return news && !isKnown(news, told) ? news : undefined;
}

/** Whether a change of a record may be news: cheap, and says so too often rather than too seldom. */
export function mayBeNews(before: ConnectionRecord | undefined, after: ConnectionRecord): boolean {
  const isSilent = standingFor(after, undefined) === undefined;
  // Who was told of a time has to hear where it holds no longer.
  if (isSilent && before?.revocation === undefined) return false;
  // What was decided while linkgate only observed was told to nobody.
  const isDecidedAnew = before?.verdict?.consulted.mode !== after.verdict?.consulted.mode;
  return isDecidedAnew || !before || gistOf(before) !== gistOf(after);
}

/** What has to differ for news. */
function gistOf(record: ConnectionRecord): string {
  return JSON.stringify([standingFor(record, undefined), record.revocation]);
}

function standingFor(record: ConnectionRecord, told: Known | undefined): News | undefined {
  const { state, verdict, abandonedAt } = record;
  // What linkgate never decided it only looks at.
  if (!verdict) return undefined;
  if (abandonedAt !== undefined) return isLive(state) && expectsCut(told) ? { event: 'stays' } : undefined;
  if (state === 'pendingAcceptance') return { event: verdict.outcome === 'ask' ? 'waiting' : 'received' };
  if (state === 'rejected')
    return wasConnected(record, told)
      ? { event: 'cut', ...endingIn(record) }
      : { event: 'rejected', ...reasonIn(record) };
  return isLive(state) ? standingOfLive(record, told) : undefined;
}

function standingOfLive(record: ConnectionRecord, told: Known | undefined): News | undefined {
  const { verdict, revocation, warned, acceptAskedAt } = record;
  // What people decide has no time, whatever was told.
  if (verdict?.outcome === 'ask') return { event: 'put-off' };
  if (revocation) {
    // What is cut at once is told when it is done; what a pause keeps is to be cut still.
    if (verdict?.outcome !== 'reject' || revocation.cutAt <= revocation.since) return undefined;
    const { cutAt } = revocation;
    const before = told?.event === 'will-be-cut' ? told.cutAt : undefined;
    return { event: 'will-be-cut', cutAt, ...(before !== undefined && { before }), ...endingIn(record) };
  }
  if (verdict?.outcome !== 'accept') return undefined;
  if (expectsCut(told)) return { event: 'stays' };
  if (warned && warned.until === verdict.until) return { event: 'expiring', ...warned };
  // What others accepted linkgate has no part in.
  return acceptAskedAt === undefined ? undefined : { event: 'accepted' };
}

/** Whether its owner was told that it is to be cut, and not yet that it is not. */
function expectsCut(told: Known | undefined): boolean {
  return told?.event === 'will-be-cut' || told?.event === 'put-off';
}

/** What says of an endpoint that it is connected. */
export const eventsOfConnected: readonly ConsumerEvent[] = [
  'accepted',
  'stays',
  'expiring',
  'will-be-cut',
  'put-off',
];

function wasConnected({ revocation, adopted }: ConnectionRecord, told: Known | undefined): boolean {
  return (
    revocation !== undefined ||
    adopted !== undefined ||
    (told && eventsOfConnected.includes(told.event)) === true
  );
}

function isKnown(news: News, told: Known | undefined): boolean {
  // Who never heard of a time need not hear that it holds no longer.
  if (news.event === 'put-off') return told?.event !== 'will-be-cut';
  if (!told) return false;
  switch (news.event) {
    case 'received':
      return told.event === 'received' || told.event === 'waiting';
    case 'accepted':
      return eventsOfConnected.includes(told.event);
    case 'will-be-cut':
      return told.event === news.event && told.cutAt === news.cutAt;
    case 'expiring':
      return told.event === news.event && told.until === news.until && told.days === news.days;
    default:
      return told.event === news.event;
  }
}

function endingIn(record: ConnectionRecord): Ending {
  return { ...reasonIn(record), ...(record.revocation?.cause === 'service' && { isClosing: true }) };
}

/** The words that whoever denied or revoked it meant for its owner. No other reason leaves the house. */
function reasonIn({ approval, revoked }: ConnectionRecord): { readonly reason?: string } {
  const denial = approval?.decision === 'deny' ? approval : undefined;
  const reason = denial?.toConsumer ?? revoked?.toConsumer;
  return reason === undefined ? {} : { reason };
}
