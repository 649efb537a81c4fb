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
  const [was, is] = [before && standingFor(before, undefined), standingFor(after, undefined)];
  if (is === undefined && was?.event !== 'will-be-cut') return false;
  // What was decided while linkgate only observed was told to nobody.
  const isDecidedAnew = before?.verdict?.consulted.mode !== after.verdict?.consulted.mode;
  return isDecidedAnew || JSON.stringify(was) !== JSON.stringify(is);
}

function standingFor(record: ConnectionRecord, told: Known | undefined): News | undefined {
  const { state, verdict, abandonedAt } = record;
  // What linkgate never decided it only looks at.
  if (!verdict || abandonedAt !== undefined) return undefined;
  if (state === 'pendingAcceptance') return { event: verdict.outcome === 'ask' ? 'waiting' : 'received' };
  if (state === 'rejected')
    return wasConnected(record, told)
      ? { event: 'cut', ...endingIn(record) }
      : { event: 'rejected', ...reasonIn(record) };
  return isLive(state) ? standingOfLive(record, told) : undefined;
}

function standingOfLive(record: ConnectionRecord, told: Known | undefined): News | undefined {
  const { verdict, revocation, warned, acceptAskedAt } = record;
  if (revocation) {
    // What is cut at once is told when it is done; what people are asked about has no time.
    if (verdict?.outcome !== 'reject' || revocation.cutAt <= revocation.since) return undefined;
    const { cutAt } = revocation;
    const before = told?.event === 'will-be-cut' ? told.cutAt : undefined;
    return { event: 'will-be-cut', cutAt, ...(before !== undefined && { before }), ...endingIn(record) };
  }
  if (verdict?.outcome !== 'accept') return undefined;
  if (told?.event === 'will-be-cut') return { event: 'stays' };
  if (warned && warned.until === verdict.until) return { event: 'expiring', ...warned };
  // What others accepted linkgate has no part in.
  return acceptAskedAt === undefined ? undefined : { event: 'accepted' };
}

const eventsOfConnected: readonly ConsumerEvent[] = ['accepted', 'stays', 'expiring', 'will-be-cut'];

function wasConnected({ revocation, adopted }: ConnectionRecord, told: Known | undefined): boolean {
  return (
    revocation !== undefined ||
    adopted !== undefined ||
    (told && eventsOfConnected.includes(told.event)) === true
  );
}

function isKnown(news: News, told: Known | undefined): boolean {
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

/** The words that whoever denied it meant for its owner. No other reason leaves the house. */
function reasonIn({ approval }: ConnectionRecord): { readonly reason?: string } {
  const reason = approval?.decision === 'deny' ? approval.toConsumer : undefined;
  return reason === undefined ? {} : { reason };
}
