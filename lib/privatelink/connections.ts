import type { Connection, ConnectionState } from './connection.ts';

export interface ConnectionFilter {
  readonly serviceIds?: readonly string[];
  readonly endpointIds?: readonly string[];
  readonly ownerAccountId?: string;
  readonly state?: ConnectionState;
}

export interface ConnectionPage {
  readonly connections: readonly Connection[];
  /** The endpoints that EC2 shows in a form that linkgate cannot read. They exist all the same. */
  readonly unreadable?: readonly string[];
  readonly nextToken?: string;
}

/** What EC2 answered to Accept or Reject of an endpoint: that it took the request, why not, or nothing that tells. */
export type EndpointResult =
  | { readonly endpointId: string; readonly successful: 'unknown' }
  | { readonly endpointId: string; readonly successful: true }
  | { readonly endpointId: string; readonly successful: false; readonly reason: string };

/** EC2 wants fewer calls (`RequestLimitExceeded`): nothing was done. */
export class ThrottledError extends Error {
  override readonly name = 'ThrottledError';
}

/** EC2 refused the whole call and did nothing: for the number of ids, for one of the endpoints, or for the service or the caller. */
export class RefusedCallError extends Error {
  override readonly name = 'RefusedCallError';
  readonly reason: 'size' | 'endpoint' | 'service';
  readonly code: string;

  constructor(
    reason: 'size' | 'endpoint' | 'service',
    code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.reason = reason;
    this.code = code;
  }
}

/** The connections to the endpoint services of one place, for who looks at them. */
export interface Connections {
  /**
   * One page of at most 1,000 connections.
   * @throws ExpiredTokenError, ThrottledError
   */
  page(filter: ConnectionFilter, nextToken?: string): Promise<ConnectionPage>;
}

/** The same for the one who changes them. */
export interface ChangeableConnections extends Connections {
  /**
   * @throws ThrottledError, RefusedCallError, and anything else when it is unknown what EC2 did
   */
  accept(serviceId: string, endpointIds: readonly string[]): Promise<EndpointResult[]>;
  /** As `accept`; an available connection is cut. */
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
  const all: Connection[] = [];
  for await (const page of readConnectionPages(connections, filter)) all.push(...page);
  return all;
}
