import * as v from 'valibot';
import type { ExportedPolicy } from '../../lib/policy-as-code/export.ts';
import { ServiceName } from '../../lib/services/service.ts';
import { type Connection, type Service, ServiceResponse } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { showControls, unmarkDeep } from '../control-characters.ts';
import { readStoredPolicy } from '../plan/plan-client.ts';
import { writePolicyFile } from '../policy-file/write-policy-file.ts';
import { isConnected, readConnections } from '../read-connections.ts';
import type { Session } from '../session.ts';

interface ExportOptions {
  readonly service?: string;
  readonly fromConnections?: string;
}

export async function exportPolicy(session: Session, { service, fromConnections }: ExportOptions) {
  if (fromConnections !== undefined) return exportFromConnections(fromConnections, session);
  const whole = await readStoredPolicy(session);
  const policy = service === undefined ? whole : selectService(whole, service);
  session.output.result({ document: withoutManagers(policy) }, writePolicyFile(unmarkDeep(policy)));
}

/** Selects a service with its entries, their customers and its approver groups. */
function selectService({ groups, services, customers, entries }: ExportedPolicy, nameOrId: string) {
  const service =
    services.find(({ serviceId }) => serviceId === nameOrId) ??
    services.find(({ name }) => name === nameOrId);
  if (!service)
    throw new CommandError(
      'failed',
      `no service \`${nameOrId}\` is registered; see \`linkgate service list\``,
      { code: 'UnknownService' },
    );
  const serviceEntries = entries.filter((entry) => [service.serviceId, service.name].includes(entry.service));
  const customerNames = serviceEntries.map(({ customer }) => customer);
  const approverGroup = groups.find(({ name }) => name === service.approvers);
  return {
    groups: groups.filter(({ name }) => [service.approvers, approverGroup?.escalateTo].includes(name)),
    services: [service],
    customers: customers.filter(({ name }) => customerNames.includes(name)),
    entries: serviceEntries,
  };
}

function withoutManagers(policy: ExportedPolicy) {
  return Object.fromEntries(
    Object.entries(policy).map(([kind, items]) => [
      kind,
      items.map(({ managedBy: _managedBy, ...definition }: { readonly managedBy: string }) => definition),
    ]),
  );
}

async function exportFromConnections(nameOrId: string, session: Session): Promise<void> {
  const { api, output, progress } = session;
  const { service } = await api.call('GET', ['services', nameOrId], ServiceResponse);
  progress.report(`looking who is connected to ${service.name}`);
  const all = await readConnections({ service: service.serviceId }, session);
  const connected = all.filter(isConnected);
  const policy = buildAllowPolicy(connected, service, await api.now());
  const remarks = new Map(
    connected.map((connection) => [connection.endpointId, escapeRemark(formatRemark(connection))]),
  );
  if (connected.length === 0)
    output.warn([`nothing is connected to ${service.name}: the file allows nobody`]);
  output.result({ document: withoutManagers(policy) }, writePolicyFile(unmarkDeep(policy), remarks));
}

/** Builds a policy with an entry for each account. Each entry names its endpoints. */
function buildAllowPolicy(
  connected: readonly Connection[],
  { name, serviceId }: Service,
  now: Date,
): ExportedPolicy {
  const note = `was connected on ${now.toISOString().slice(0, 10)}, when \`linkgate export --from-connections\` looked`;
  // The file accepts valid names only.
  const serviceName = v.is(ServiceName, name) ? name : serviceId;
  const managedBy = 'file';
  const byAccount = [...Map.groupBy(connected, ({ ownerAccountId }) => ownerAccountId)].sort();
  return {
    groups: [],
    services: [serviceName === serviceId ? { serviceId, managedBy } : { name, managedBy }],
    customers: [],
    entries: byAccount.map(([accountId, connections]) => {
      const endpointIds = connections.map(({ endpointId }) => endpointId);
      return { service: serviceName, accountId, effect: 'allow', endpointIds, note, managedBy };
    }),
  };
}

/** YAML has no escapes in a comment. */
function escapeRemark(remark: string): string {
  return showControls(remark, { isColoured: false });
}

/** Formats the time of the request, and the actor who accepted it. */
function formatRemark({ state, requestedAt, verdict, decidedBy }: Connection): string {
  const requestText = requestedAt ? `asked on ${requestedAt.slice(0, 10)}, ` : '';
  const decisionText =
    verdict === 'accept' && decidedBy ? `accepted by ${decidedBy}` : 'accepted outside linkgate';
  return `${requestText}${state}, ${decisionText}`;
}
