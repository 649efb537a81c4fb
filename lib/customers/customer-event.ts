import type { ConnectionRecord } from '../connections/connection-record.ts';
import { isConnected } from '../privatelink/connection.ts';

/** What the owner of an endpoint may learn of it, each with what only it says. Times are ISO 8601. */
interface CustomerEventDetails {
  /** It was seen, and is decided or about to be. */
  received: object;
  /** People decide it. */
  waiting: object;
  accepted: object;
  rejected: { readonly reason?: string };
  'disconnect-scheduled': {
    readonly disconnectAt: string;
    /** When it was to be cut as it was told before. */
    readonly previousDisconnectAt?: string;
  } & DisconnectDetails;
  /** It was to be cut at a time, and people decide it instead. */
  'disconnect-extended': object;
  /** It was to be cut, and is not any more. */
  'disconnect-cancelled': object;
  /** Its permission runs out so many days later. */
  expiring: { readonly until: string; readonly daysBefore: number };
  disconnected: DisconnectDetails;
}

/** Why a connection ends, as far as its owner is told. */
interface DisconnectDetails {
  /** The words that whoever ends it meant for them. */
  readonly reason?: string;
  /** The service is closed for everybody. */
  readonly isDeregistering?: true;
}

export type CustomerEvent = keyof CustomerEventDetails;
export const customerEvents = [
  'received',
  'waiting',
  'accepted',
  'rejected',
  'disconnect-scheduled',
  'disconnect-extended',
  'disconnect-cancelled',
  'expiring',
  'disconnected',
] as const satisfies readonly CustomerEvent[];

/** What the owner was told last, and what tells it from other news of its kind. */
export interface LastEvent {
  readonly event: CustomerEvent;
  readonly disconnectAt?: string;
  readonly until?: string;
  readonly daysBefore?: number;
}

/** News of one kind, or of any. */
export type NextEvent<Event extends CustomerEvent = CustomerEvent> = {
  readonly [Kind in Event]: { readonly event: Kind } & CustomerEventDetails[Kind];
}[Event];

/** What its owner should know of an endpoint by its record and does not know yet. */
export function nextCustomerEvent(
  record: ConnectionRecord,
  told: LastEvent | undefined,
): NextEvent | undefined {
  const news = computeCustomerEvent(record, told);
  return news && !isEventKnown(news, told) ? news : undefined;
}

/** Whether a change of a record may be news: cheap, and says so too often rather than too seldom. */
export function mayHaveCustomerEvent(before: ConnectionRecord | undefined, after: ConnectionRecord): boolean {
  const isSilent = computeCustomerEvent(after, undefined) === undefined;
  // Who was told of a time has to hear where it holds no longer.
  if (isSilent && before?.revocation === undefined) return false;
  // What was decided while linkgate only observed was told to nobody.
  const isDecidedAnew = before?.verdict?.policyVersions.mode !== after.verdict?.policyVersions.mode;
  return isDecidedAnew || !before || eventKey(before) !== eventKey(after);
}

/** What has to differ for news. */
function eventKey(record: ConnectionRecord): string {
  return JSON.stringify([computeCustomerEvent(record, undefined), record.revocation]);
}

function computeCustomerEvent(record: ConnectionRecord, told: LastEvent | undefined): NextEvent | undefined {
  const { state, verdict, serviceDeregisteredAt } = record;
  // What linkgate never decided it only looks at.
  if (!verdict) return undefined;
  if (serviceDeregisteredAt !== undefined)
    return isConnected(state) && expectsDisconnect(told) ? { event: 'disconnect-cancelled' } : undefined;
  if (state === 'pendingAcceptance') return { event: verdict.outcome === 'ask' ? 'waiting' : 'received' };
  if (state === 'rejected')
    return wasConnected(record, told)
      ? { event: 'disconnected', ...selectDisconnectDetails(record) }
      : { event: 'rejected', ...selectCustomerReason(record) };
  return isConnected(state) ? computeConnectedEvent(record, told) : undefined;
}

function computeConnectedEvent(record: ConnectionRecord, told: LastEvent | undefined): NextEvent | undefined {
  const { verdict, revocation, expiryWarning, acceptRequestedAt } = record;
  // What people decide has no time, whatever was told.
  if (verdict?.outcome === 'ask') return { event: 'disconnect-extended' };
  if (revocation) {
    // What is cut at once is told when it is done; what a pause keeps is to be cut still.
    if (verdict?.outcome !== 'reject' || revocation.disconnectAt <= revocation.since) return undefined;
    const { disconnectAt } = revocation;
    const before = told?.event === 'disconnect-scheduled' ? told.disconnectAt : undefined;
    return {
      event: 'disconnect-scheduled',
      disconnectAt,
      ...(before !== undefined && { previousDisconnectAt: before }),
      ...selectDisconnectDetails(record),
    };
  }
  if (verdict?.outcome !== 'accept') return undefined;
  if (expectsDisconnect(told)) return { event: 'disconnect-cancelled' };
  if (expiryWarning && expiryWarning.until === verdict.until) return { event: 'expiring', ...expiryWarning };
  // What others accepted linkgate has no part in.
  return acceptRequestedAt === undefined ? undefined : { event: 'accepted' };
}

/** Whether its owner was told that it is to be cut, and not yet that it is not. */
function expectsDisconnect(told: LastEvent | undefined): boolean {
  return told?.event === 'disconnect-scheduled' || told?.event === 'disconnect-extended';
}

/** What says of an endpoint that it is connected. */
export const connectedEvents: readonly CustomerEvent[] = [
  'accepted',
  'disconnect-cancelled',
  'expiring',
  'disconnect-scheduled',
  'disconnect-extended',
];

function wasConnected({ revocation, grandfathered }: ConnectionRecord, told: LastEvent | undefined): boolean {
  return (
    revocation !== undefined ||
    grandfathered !== undefined ||
    (told && connectedEvents.includes(told.event)) === true
  );
}

function isEventKnown(news: NextEvent, told: LastEvent | undefined): boolean {
  // Who never heard of a time need not hear that it holds no longer.
  if (news.event === 'disconnect-extended') return told?.event !== 'disconnect-scheduled';
  if (!told) return false;
  switch (news.event) {
    case 'received':
      return told.event === 'received' || told.event === 'waiting';
    case 'accepted':
      return connectedEvents.includes(told.event);
    case 'disconnect-scheduled':
      return told.event === news.event && told.disconnectAt === news.disconnectAt;
    case 'expiring':
      return told.event === news.event && told.until === news.until && told.daysBefore === news.daysBefore;
    default:
      return told.event === news.event;
  }
}

function selectDisconnectDetails(record: ConnectionRecord): DisconnectDetails {
  return {
    ...selectCustomerReason(record),
    ...(record.revocation?.cause === 'service' && { isDeregistering: true }),
  };
}

/** The words that whoever denied or revoked it meant for its owner. No other reason leaves the house. */
function selectCustomerReason({ approval, revokeOrder }: ConnectionRecord): { readonly reason?: string } {
  const denial = approval?.decision === 'deny' ? approval : undefined;
  const reason = denial?.customerMessage ?? revokeOrder?.customerMessage;
  return reason === undefined ? {} : { reason };
}
