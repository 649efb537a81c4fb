import * as v from 'valibot';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { ServiceName } from '../../lib/services/service.ts';
import { readAllPages } from '../api-client.ts';
import { type Connection, ConnectionPage, Service } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { showControls, unmarkDeep } from '../control-characters.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { readStoredPolicy } from '../plan/plan-client.ts';
import { type Policy, writePolicyFile } from '../policy-file/write-policy-file.ts';
import type { Session } from '../session.ts';

interface ExportOptions extends CommonOptions {
  readonly service?: string;
  readonly fromConnections?: string;
}

export function exportPolicy({ open }: HandlerDeps) {
  return async ({ service, fromConnections, ...common }: ExportOptions) => {
    const session = await open(common);
    if (fromConnections !== undefined) return exportFromConnections(fromConnections, session);
    const whole = await readStoredPolicy(session);
    const policy = service === undefined ? whole : selectService(whole, service);
    session.output.result({ document: toDocument(policy) }, writePolicyFile(unmarkDeep(policy)));
  };
}

/** Selects a service with its entries, their customers and its approver groups. */
function selectService({ groups, services, customers, entries }: Policy, nameOrId: string): Policy {
  const service =
    services.find(({ definition }) => definition.serviceId === nameOrId) ??
    services.find(({ definition }) => definition.name === nameOrId);
  if (!service)
    throw new CommandError(
      'failed',
      `no service \`${nameOrId}\` is registered; see \`linkgate service list\``,
      {
        code: 'UnknownService',
      },
    );
  const { serviceId, name, approvers } = service.definition;
  const serviceEntries = entries.filter(
    ({ definition }) => definition.service === serviceId || definition.service === name,
  );
  const approverGroup = groups.find((group) => group.definition.name === approvers)?.definition;
  return {
    groups: groups.filter(
      (group) => group.definition.name === approvers || group.definition.name === approverGroup?.escalateTo,
    ),
    services: [service],
    customers: customers.filter((customer) =>
      serviceEntries.some(({ definition }) => definition.customer === customer.definition.name),
    ),
    entries: serviceEntries,
  };
}

function toDocument({ groups, services, customers, entries }: Policy): PolicyDocument {
  return {
    groups: groups.map(({ definition }) => definition),
    services: services.map(({ definition }) => definition),
    customers: customers.map(({ definition }) => definition),
    entries: entries.map(({ definition }) => definition),
  };
}

const ServiceResponse = v.looseObject({ service: Service });

async function exportFromConnections(nameOrId: string, { api, output, progress }: Session): Promise<void> {
  const { service } = await api.call('GET', ['services', nameOrId], ServiceResponse);
  progress.report(`looking who is connected to ${service.name}`);
  const all = await readAllPages(api, ['connections'], ConnectionPage, (page) => page.connections, {
    service: service.serviceId,
  });
  const connected = all.filter(({ state }) => state === 'available' || state === 'pending');
  const policy = buildAllowPolicy(connected, service, await api.now());
  const remarks = new Map(
    connected.map((connection) => [connection.endpointId, escapeRemark(formatRemark(connection))]),
  );
  output.result({ document: toDocument(policy) }, writePolicyFile(unmarkDeep(policy), remarks));
  if (connected.length === 0)
    output.warn([`nothing is connected to ${service.name}: the file allows nobody`]);
}

/** Builds a policy with an entry for each account. Each entry names its endpoints. */
function buildAllowPolicy(connected: readonly Connection[], { name, serviceId }: Service, now: Date): Policy {
  const note = `was connected on ${now.toISOString().slice(0, 10)}, when \`linkgate export --from-connections\` looked`;
  // The file accepts valid names only.
  const serviceName = v.is(ServiceName, name) ? name : serviceId;
  const byAccount = [...Map.groupBy(connected, ({ ownerAccountId }) => ownerAccountId)].sort();
  return {
    groups: [],
    services: [{ definition: serviceName === serviceId ? { serviceId } : { name }, managedBy: 'file' }],
    customers: [],
    entries: byAccount.map(([accountId, connections]) => {
      const endpointIds = connections.map(({ endpointId }) => endpointId);
      return {
        definition: { service: serviceName, accountId, effect: 'allow', endpointIds, note },
        managedBy: 'file',
      };
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
