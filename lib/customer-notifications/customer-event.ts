import type { ConnectionRecord } from '../connections/connection-record.ts';
import { isConnected } from '../privatelink/connection.ts';

/** The details of each customer event. Times are ISO 8601. */
interface CustomerEventDetails {
  /** linkgate has recorded the request and has not decided it yet. */
  received: object;
  /** Approvers decide the request. */
  waiting: object;
  accepted: object;
  rejected: { readonly reason?: string };
  'disconnect-scheduled': {
    readonly disconnectAt: string;
    /** The disconnect time in the previous notification. */
    readonly previousDisconnectAt?: string;
  } & DisconnectDetails;
  /** Cancels the announced disconnect, because approvers decide. */
  'disconnect-extended': object;
  /** Cancels the announced disconnect, because the connection stays. */
  'disconnect-cancelled': object;
  /** Its allowlist entry expires. */
  expiring: { readonly until: string; readonly daysBefore: number };
  disconnected: DisconnectDetails;
}

/** The cause of a disconnect, limited to the details that the customer may know. */
interface DisconnectDetails {
  /** The customer message of the person who decided it. */
  readonly reason?: string;
  /** The service is being deregistered. */
  readonly isDeregistering?: true;
}

export type CustomerEvent = keyof CustomerEventDetails;

/** An event of one kind, or of any. */
export type NextEvent<Event extends CustomerEvent = CustomerEvent> = {
  readonly [Kind in Event]: { readonly event: Kind } & CustomerEventDetails[Kind];
}[Event];

/** Formats an event with the times that distinguish events of one kind, separated by spaces. */
export function eventVersion(news: NextEvent): string {
  if (news.event === 'disconnect-scheduled') return `${news.event} ${news.disconnectAt}`;
  return news.event === 'expiring' ? `${news.event} ${news.until} ${news.daysBefore}` : news.event;
}

/**
 * @param emailed the version of the last event, by the address that got it.
 * @returns the last event that this address knows: a new contact does not know the events of a connected endpoint, and needs no
 * past ones.
 */
export function selectKnownEvent(
  emailed: Readonly<Record<string, string>>,
  address: string,
): string | undefined {
  const [version] = Object.values(emailed);
  return emailed[address] ?? (isConnectedEvent(version) ? 'accepted' : version);
}

/**
 * @param known the version of the last event that the customer knows.
 * @returns the event that the record shows, undefined if the customer knows it.
 */
export function nextCustomerEvent(
  record: ConnectionRecord,
  known: string | undefined,
): NextEvent | undefined {
  const news = computeCustomerEvent(record, known);
  return news && !isEventKnown(news, known) ? news : undefined;
}

/** Whether a change of a record may be an event. It reads no item, and prefers false positives. */
export function mayHaveCustomerEvent(before: ConnectionRecord | undefined, after: ConnectionRecord): boolean {
  const isSilent = computeCustomerEvent(after, undefined) === undefined;
  // A customer who knows a disconnect time also needs to know of its cancellation.
  if (isSilent && before?.revocation === undefined) return false;
  // A verdict in mode observe caused no notification.
  const isDecidedAnew = before?.verdict?.policyVersions.mode !== after.verdict?.policyVersions.mode;
  return isDecidedAnew || !before || eventKey(before) !== eventKey(after);
}

/** Identifies the event that a record shows. */
function eventKey(record: ConnectionRecord): string {
  return JSON.stringify([computeCustomerEvent(record, undefined), record.revocation]);
}

function computeCustomerEvent(record: ConnectionRecord, known: string | undefined): NextEvent | undefined {
  const { state, verdict, serviceDeregisteredAt } = record;
  // A record without a verdict has no events.
  if (!verdict) return undefined;
  if (serviceDeregisteredAt !== undefined)
    return isConnected(state) && expectsDisconnect(known) ? { event: 'disconnect-cancelled' } : undefined;
  if (state === 'pendingAcceptance') return { event: verdict.outcome === 'ask' ? 'waiting' : 'received' };
  if (state === 'rejected')
    return wasConnected(record, known)
      ? { event: 'disconnected', ...selectDisconnectDetails(record) }
      : { event: 'rejected', ...selectCustomerReason(record) };
  return isConnected(state) ? computeConnectedEvent(record, known) : undefined;
}

function computeConnectedEvent(record: ConnectionRecord, known: string | undefined): NextEvent | undefined {
  const { verdict, revocation, expiryWarning, acceptRequestedAt } = record;
  // A connection that awaits a decision has no disconnect time, even if a notification announced one.
  if (verdict?.outcome === 'ask') return { event: 'disconnect-extended' };
  if (revocation) {
    // An immediate disconnect is an event once EC2 shows it. A pause postpones a disconnect without cancelling it.
    if (verdict?.outcome !== 'reject' || revocation.disconnectAt <= revocation.since) return undefined;
    const { disconnectAt } = revocation;
    const [kind, before] = known?.split(' ') ?? [];
    return {
      event: 'disconnect-scheduled',
      disconnectAt,
      ...(kind === 'disconnect-scheduled' && before !== undefined && { previousDisconnectAt: before }),
      ...selectDisconnectDetails(record),
    };
  }
  if (verdict?.outcome !== 'accept') return undefined;
  if (expectsDisconnect(known)) return { event: 'disconnect-cancelled' };
  if (expiryWarning && expiryWarning.until === verdict.until) return { event: 'expiring', ...expiryWarning };
  // A connection that somebody accepted outside linkgate causes no event.
  return acceptRequestedAt === undefined ? undefined : { event: 'accepted' };
}

/** Whether the last notification announced a disconnect. */
function expectsDisconnect(known = ''): boolean {
  return known.startsWith('disconnect-scheduled') || known === 'disconnect-extended';
}

/** Whether a version is of an event of a connected endpoint. */
function isConnectedEvent(version = ''): boolean {
  return /^(accepted|expiring|disconnect-)/.test(version);
}

function wasConnected({ revocation, grandfathered }: ConnectionRecord, known: string | undefined): boolean {
  return (revocation ?? grandfathered) !== undefined || known === 'disconnected' || isConnectedEvent(known);
}

function isEventKnown(news: NextEvent, known: string | undefined): boolean {
  switch (news.event) {
    case 'received':
      return known === 'received' || known === 'waiting';
    case 'accepted':
      return isConnectedEvent(known);
    case 'disconnect-extended':
      // Without an announced time linkgate cannot postpone a disconnect.
      return !known?.startsWith('disconnect-scheduled');
    default:
      return known === eventVersion(news);
  }
}

function selectDisconnectDetails(record: ConnectionRecord): DisconnectDetails {
  return {
    ...selectCustomerReason(record),
    ...(record.revocation?.cause === 'service' && { isDeregistering: true }),
  };
}

/** Selects the customer message of the denial or the revocation. A customer receives no other reason. */
function selectCustomerReason({ personDecision, revokeOrder }: ConnectionRecord): {
  readonly reason?: string;
} {
  const denial = personDecision?.decision === 'deny' ? personDecision : undefined;
  const reason = denial?.customerMessage ?? revokeOrder?.customerMessage;
  return reason === undefined ? {} : { reason };
}
