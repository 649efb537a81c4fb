import type { Connection } from '../../lib/privatelink/connection.ts';
import type {
  ChangeableConnections,
  ConnectionFilter,
  EndpointResult,
} from '../../lib/privatelink/connections.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';

export interface Ec2ChangeCall {
  readonly action: 'accept' | 'reject';
  readonly serviceId: string;
  readonly endpointIds: readonly string[];
}

/** The connections of one location in EC2, with the responses to accept and reject calls. */
export interface FakeConnections extends ChangeableConnections {
  /** Adds connections, or replaces those with the same endpoint ids. */
  show(...connections: readonly Connection[]): void;
  removeConnection(endpointId: string): void;
  state(endpointId: string): Connection['state'] | undefined;
  /** The filter of each page read. */
  readonly describeCalls: ConnectionFilter[];
  /** All accept and reject calls, failed ones too. */
  readonly calls: Ec2ChangeCall[];
  /** Returns EC2's response to a call. `take` makes the change and returns success; the default calls it. */
  respond: (call: Ec2ChangeCall, take: () => EndpointResult[]) => EndpointResult[];
  /** Runs before each page read. */
  beforePage: (filter: ConnectionFilter, nextToken: string | undefined) => void;
  pageSize: number;
  /** The ids of endpoints whose descriptions linkgate cannot parse. */
  unreadable: readonly string[];
}

export function fakeConnections(...described: readonly Connection[]): FakeConnections {
  const connections = new Map<string, Connection>();

  async function change(call: Ec2ChangeCall): Promise<EndpointResult[]> {
    double.calls.push(call);
    return double.respond(call, () =>
      call.endpointIds.map((endpointId) => {
        const connection = connections.get(endpointId);
        if (!connection) return { endpointId, successful: false, reason: 'InvalidVpcEndpointId.NotFound: ' };
        const state = call.action === 'accept' ? 'pending' : 'rejected';
        connections.set(endpointId, { ...connection, state });
        return { endpointId, successful: true };
      }),
    );
  }

  const double: FakeConnections = {
    show(...more) {
      for (const connection of more) connections.set(connection.endpointId, connection);
    },
    removeConnection(endpointId) {
      connections.delete(endpointId);
    },
    state: (endpointId) => connections.get(endpointId)?.state,
    describeCalls: [],
    calls: [],
    respond: (_call, take) => take(),
    beforePage: () => {},
    pageSize: 1_000,
    unreadable: [],
    async page(filter, nextToken) {
      double.describeCalls.push(filter);
      double.beforePage(filter, nextToken);
      const matching = [...connections.values()].filter((connection) => matchesFilter(connection, filter));
      const start = nextToken === undefined ? 0 : Number(nextToken);
      if (Number.isNaN(start)) throw new ExpiredTokenError();
      const end = start + double.pageSize;
      return {
        connections: matching
          .slice(start, end)
          .filter((each) => !double.unreadable.includes(each.endpointId)),
        unreadable: double.unreadable,
        ...(end < matching.length && { nextToken: String(end) }),
      };
    },
    accept: (serviceId, endpointIds) => change({ action: 'accept', serviceId, endpointIds }),
    reject: (serviceId, endpointIds) => change({ action: 'reject', serviceId, endpointIds }),
  };
  double.show(...described);
  return double;
}

function matchesFilter(
  { serviceId, endpointId, ownerAccountId, state }: Connection,
  filter: ConnectionFilter,
): boolean {
  return (
    (filter.serviceIds?.includes(serviceId) ?? true) &&
    (filter.endpointIds?.includes(endpointId) ?? true) &&
    (filter.ownerAccountId ?? ownerAccountId) === ownerAccountId &&
    (filter.state ?? state) === state
  );
}
