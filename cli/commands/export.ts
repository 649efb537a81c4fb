import * as v from 'valibot';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { ServiceName } from '../../lib/services/service.ts';
import { everyPage } from '../api-client.ts';
import { type Connection, ConnectionPage, Service } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { showControls, unmarked } from '../control-characters.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import { heldPolicy } from '../plan/plan-client.ts';
import { type Policy, writePolicyFile } from '../policy-file/write.ts';
import type { Session } from '../session.ts';

interface ExportOptions extends CommonOptions {
  readonly service?: string;
  readonly fromConnections?: string;
}

export function exportPolicy({ open }: HandlerDeps) {
  return async ({ service, fromConnections, ...common }: ExportOptions) => {
    const session = await open(common);
    if (fromConnections !== undefined) return exportFromConnections(fromConnections, session);
    const whole = await heldPolicy(session);
    const policy = service === undefined ? whole : ofService(whole, service);
    session.output.result({ document: documentOf(policy) }, writePolicyFile(unmarked(policy)));
  };
}

/** A service with its entries, their customers and its approver groups. */
function ofService({ groups, services, customers, entries }: Policy, named: string): Policy {
  const found =
    services.find(({ said }) => said.serviceId === named) ?? services.find(({ said }) => said.name === named);
  if (!found)
    throw new CommandError('failed', `no service \`${named}\` is registered; see \`linkgate service list\``, {
      code: 'UnknownService',
    });
  const { serviceId, name, approvers } = found.said;
  const ofIt = entries.filter(({ said }) => said.service === serviceId || said.service === name);
  const asked = groups.find((group) => group.said.name === approvers)?.said;
  return {
    groups: groups.filter((group) => group.said.name === approvers || group.said.name === asked?.escalateTo),
    services: [found],
    customers: customers.filter((customer) => ofIt.some(({ said }) => said.customer === customer.said.name)),
    entries: ofIt,
  };
}

function documentOf({ groups, services, customers, entries }: Policy): PolicyDocument {
  return {
    groups: groups.map(({ said }) => said),
    services: services.map(({ said }) => said),
    customers: customers.map(({ said }) => said),
    entries: entries.map(({ said }) => said),
  };
}

const ServiceAnswer = v.looseObject({ service: Service });

async function exportFromConnections(named: string, { api, output, progress }: Session): Promise<void> {
  const { service } = await api.call('GET', ['services', named], ServiceAnswer);
  progress.doing(`looking who is connected to ${service.name}`);
  const all = await everyPage(api, ['connections'], ConnectionPage, (page) => page.connections, {
    service: service.serviceId,
  });
  const connected = all.filter(({ state }) => state === 'available' || state === 'pending');
  const policy = allowing(connected, service, await api.now());
  const remarks = new Map(
    connected.map((connection) => [connection.endpointId, shown(remarkOn(connection))]),
  );
  output.result({ document: documentOf(policy) }, writePolicyFile(unmarked(policy), remarks));
  if (connected.length === 0)
    output.warn([`nothing is connected to ${service.name}: the file allows nobody`]);
}

/** A policy with an entry for each account. The entry names its endpoints. */
function allowing(connected: readonly Connection[], { name, serviceId }: Service, now: Date): Policy {
  const note = `was connected on ${now.toISOString().slice(0, 10)}, when \`linkgate export --from-connections\` looked`;
  // The file accepts valid names only.
  const called = v.is(ServiceName, name) ? name : serviceId;
  const byAccount = [...Map.groupBy(connected, ({ ownerAccountId }) => ownerAccountId)].sort();
  return {
    groups: [],
    services: [{ said: called === serviceId ? { serviceId } : { name }, managedBy: 'file' }],
    customers: [],
    entries: byAccount.map(([accountId, connections]) => {
      const endpointIds = connections.map(({ endpointId }) => endpointId);
      return {
        said: { service: called, accountId, effect: 'allow', endpointIds, note },
        managedBy: 'file',
      };
    }),
  };
}

/** YAML escapes nothing in a comment. */
function shown(remark: string): string {
  return showControls(remark, { isColoured: false });
}

/** The time of the request, and who accepted it. */
function remarkOn({ state, requestedAt, verdict, decidedBy }: Connection): string {
  const asked = requestedAt ? `asked on ${requestedAt.slice(0, 10)}, ` : '';
  const how = verdict === 'accept' && decidedBy ? `accepted by ${decidedBy}` : 'accepted outside linkgate';
  return `${asked}${state}, ${how}`;
}
