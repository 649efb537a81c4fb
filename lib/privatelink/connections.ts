import type { Connection, ConnectionState } from './connection.ts';

export interface ConnectionFilter {
  readonly serviceIds?: readonly string[];
  readonly endpointIds?: readonly string[];
  readonly ownerAccountId?: string;
  readonly state?: ConnectionState;
}

export interface ConnectionPage {
  readonly connections: readonly Connection[];
  /** Existing endpoints with a description that linkgate cannot parse. */
  readonly unreadable?: readonly string[];
  readonly nextToken?: string;
}

/** EC2's answer to Accept or Reject for one endpoint: successful, unsuccessful with a reason, or unknown. */
export type EndpointResult =
  | { readonly endpointId: string; readonly successful: 'unknown' }
  | { readonly endpointId: string; readonly successful: true }
  | { readonly endpointId: string; readonly successful: false; readonly reason: string };

/** EC2 throttled the call (`RequestLimitExceeded`) and did nothing. */
export class ThrottledError extends Error {
  override readonly name = 'ThrottledError';
}

/** EC2 refused the whole call and changed no connection: because of the number of ids, one endpoint, or the service or caller. */
export class RefusedCallError extends Error {
  override readonly name = 'RefusedCallError';
  readonly reason: 'size' | 'endpoint' | 'service';
  readonly code: string;

  constructor(reason: RefusedCallError['reason'], code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.code = code;
  }
}

/** Read access to the connections of one location. */
export interface Connections {
  /**
   * One page of at most 1,000 connections.
   * @throws ExpiredTokenError, ThrottledError
   */
  page(filter: ConnectionFilter, nextToken?: string): Promise<ConnectionPage>;
}

/** Write access, only for apply-verdicts. */
export interface ChangeableConnections extends Connections {
  /**
   * @throws ThrottledError, RefusedCallError, and any other error if the result is unknown
   */
  accept(serviceId: string, endpointIds: readonly string[]): Promise<EndpointResult[]>;
  /** Like `accept`. Disconnects a connected endpoint. */
  reject(serviceId: string, endpointIds: readonly string[]): Promise<EndpointResult[]>;
}

export async function* readConnectionPages(
  connections: Connections,
  filter: ConnectionFilter,
): AsyncIterable<readonly Connection[]> {
  let nextToken: string | undefined;
  do {
    const page = await connections.page(filter, nextToken);
    yield page.connections;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}

export async function listAllConnections(
  connections: Connections,
  filter: ConnectionFilter,
): Promise<Connection[]> {
  return (await Array.fromAsync(readConnectionPages(connections, filter))).flat();
}
