import { Connection } from '../api-views.ts';
import {
  accountLabel,
  color,
  formatTimes,
  type Output,
  serviceLabel,
  shortActor,
  statusLabel,
  table,
  time,
} from '../output.ts';
import type { Session } from '../session.ts';

interface ConnectionsOptions {
  readonly service?: string;
  readonly account?: string;
  readonly state?: string;
  readonly waiting?: true;
  readonly drifted?: true;
}

export async function listConnections({ api, output }: Session, options: ConnectionsOptions) {
  const { service, account, state, waiting, drifted } = options;
  const connections = await api.list(['connections'], 'connections', Connection, {
    service,
    account,
    state,
    waiting: waiting && 'true',
    differs: drifted && 'true',
  });
  output.result(
    { connections },
    connections.length === 0 ? describeNoConnections(options) : formatConnectionTables(connections, output),
  );
}

function describeNoConnections({ waiting, drifted }: ConnectionsOptions): string {
  if (waiting) return 'nobody waits for a decision';
  return drifted
    ? 'EC2 shows every connection as linkgate decided it'
    : 'there are no such connections: a consumer makes one with `aws ec2 create-vpc-endpoint`';
}

/** Renders a table for each service. The reason is below each connection, because a terminal has no room for another column. */
function formatConnectionTables(connections: readonly Connection[], output: Output): string {
  const head = ['ENDPOINT', 'ACCOUNT', 'STATE', 'VERDICT', 'DECIDED BY'];
  return [...Map.groupBy(connections, ({ serviceId }) => serviceId)]
    .map(([serviceId, serviceConnections]) => {
      const title = serviceLabel({ service: serviceConnections[0]?.service, serviceId });
      const rows = serviceConnections.map((connection) => formatConnectionRow(connection, output));
      return `${output.paint('bold', title)}\n${table(head, rows, output)}`;
    })
    .join('\n\n');
}

function formatConnectionRow(connection: Connection, output: Output) {
  const { endpointId, ownerAccountId, customer, state, verdict, decidedBy, reason, differs } = connection;
  return {
    cells: [
      endpointId,
      accountLabel(ownerAccountId, customer),
      color(state, output.paint),
      color(verdict ?? '-', output.paint),
      shortActor(decidedBy ?? '-'),
    ],
    below: [
      formatStatus(connection, output),
      reason && output.paint('dim', formatTimes(reason)),
      differs && output.paint('yellow', differs),
    ]
      .filter(Boolean)
      .join('\n'),
  };
}

/** Formats the label of a status, with its disconnect time or its deadline. */
function formatStatus({ status, deadline, disconnectAt }: Connection, { paint }: Output) {
  if (!status) return undefined;
  const label = statusLabel(status);
  if (disconnectAt) return paint('yellow', `${label}, disconnects at ${time(disconnectAt)}`);
  return deadline ? paint('yellow', `${label}, until ${time(deadline)}`) : label;
}
