import { readAllPages } from '../api-client.ts';
import { type Connection, ConnectionPage } from '../api-views.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
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

interface ConnectionsOptions extends CommonOptions {
  readonly service?: string;
  readonly account?: string;
  readonly state?: string;
  readonly waiting?: true | undefined;
  readonly drifted?: true | undefined;
}

export function listConnections({ open }: HandlerDeps) {
  return async ({ service, account, state, waiting, drifted, ...common }: ConnectionsOptions) => {
    const { api, output } = await open(common);
    const connections = await readAllPages(api, ['connections'], ConnectionPage, (page) => page.connections, {
      service,
      account,
      state,
      waiting: waiting && 'true',
      differs: drifted && 'true',
    });
    output.result(
      { connections },
      connections.length === 0
        ? describeNoConnections({ waiting, drifted })
        : formatConnectionTables(connections, output),
    );
  };
}

function describeNoConnections({
  waiting,
  drifted,
}: Pick<ConnectionsOptions, 'waiting' | 'drifted'>): string {
  if (waiting) return 'nobody waits for a decision';
  return drifted
    ? 'EC2 shows every connection as linkgate decided it'
    : 'there are no such connections: a consumer makes one with `aws ec2 create-vpc-endpoint`';
}

/** Renders a table for each service. The reason is below each connection, because a terminal has no room for another column. */
function formatConnectionTables(connections: readonly Connection[], output: Output): string {
  return [...Map.groupBy(connections, ({ serviceId }) => serviceId)]
    .map(([serviceId, serviceConnections]) => {
      const title = serviceLabel({ service: serviceConnections[0]?.service, serviceId });
      const rows = serviceConnections.map(
        ({
          endpointId,
          ownerAccountId,
          customer,
          state,
          verdict,
          decidedBy,
          reason,
          differs,
          status,
          deadline,
          disconnectAt,
        }) => ({
          cells: [
            endpointId,
            accountLabel(ownerAccountId, customer),
            color(state, output.paint),
            color(verdict ?? '-', output.paint),
            shortActor(decidedBy ?? '-'),
          ],
          below: [
            status && formatStatus({ status, deadline, disconnectAt }, output),
            reason && output.paint('dim', formatTimes(reason)),
            differs && output.paint('yellow', differs),
          ]
            .filter(Boolean)
            .join('\n'),
        }),
      );
      const head = ['ENDPOINT', 'ACCOUNT', 'STATE', 'VERDICT', 'DECIDED BY'];
      return `${output.paint('bold', title)}\n${table(head, rows, output)}`;
    })
    .join('\n\n');
}

/** Formats the label of a status, with its disconnect time or its deadline. */
function formatStatus(
  { status, deadline, disconnectAt }: Pick<Connection, 'status' | 'deadline' | 'disconnectAt'>,
  { paint }: Output,
): string {
  const label = statusLabel(status ?? '');
  if (disconnectAt) return paint('yellow', `${label}, disconnects at ${time(disconnectAt)}`);
  return deadline ? paint('yellow', `${label}, until ${time(deadline)}`) : label;
}
