import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';

/**
 * The states of an endpoint connection, in the casing of EC2's responses and filters (AWS PrivateLink guide, concepts; `expired`
 * and `partial` only in the SDK's enum).
 */
export const connectionStates = [
  'pendingAcceptance',
  'pending',
  'available',
  'deleting',
  'deleted',
  'rejected',
  'failed',
  'expired',
  'partial',
] as const;
export const ConnectionState = v.picklist(connectionStates);
export type ConnectionState = v.InferOutput<typeof ConnectionState>;

export const AccountId = v.pipe(v.string(), v.regex(/^\d{12}$/, 'an account id has 12 digits'));
export const EndpointId = v.pipe(
  v.string(),
  v.regex(/^vpce-(?!svc-)[0-9a-f]{8,17}$/, 'an endpoint id looks like vpce-0123456789abcdef0'),
);
export const ServiceId = v.pipe(
  v.string(),
  v.regex(/^vpce-svc-[0-9a-f]{8,17}$/, 'the id of an endpoint service looks like vpce-svc-0123456789abcdef0'),
);

/** An endpoint connection as EC2 shows it to the provider. */
export const Connection = v.object({
  location: AccountRegion,
  serviceId: ServiceId,
  endpointId: EndpointId,
  ownerAccountId: AccountId,
  state: ConnectionState,
  /** ISO 8601: the creation of the endpoint by the consumer. */
  requestedAt: v.string(),
  /** The Region of the consumer's endpoint, if EC2 returns it. */
  endpointRegion: v.exactOptional(v.string()),
  ipAddressType: v.exactOptional(v.string()),
});
export type Connection = v.InferOutput<typeof Connection>;

/** Whether EC2 accepted it: traffic flows, or will flow soon. */
export function isConnected(state: ConnectionState): boolean {
  return state === 'pending' || state === 'available';
}

/** Whether somebody accepted or rejected it. */
export function isAnswered(state: ConnectionState): boolean {
  return isConnected(state) || state === 'rejected';
}

/** Whether the endpoint ended permanently. */
export function isEnded(state: ConnectionState): boolean {
  return state === 'deleted' || state === 'failed' || state === 'expired';
}
