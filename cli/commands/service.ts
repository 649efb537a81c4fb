import * as v from 'valibot';
import { PrincipalsView, Service, ServiceResponse, UnregisteredService } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { type Output, table } from '../output.ts';
import { serviceDetails, serviceTable } from '../service-text.ts';
import type { Session } from '../session.ts';

const PrincipalsResponse = v.looseObject({ principals: PrincipalsView });

interface AddOptions {
  readonly name?: string;
  readonly onUnlisted?: string;
  readonly approvers?: string;
  readonly requireTicket?: boolean;
  readonly deadline?: number;
  readonly onExpiry?: string;
  readonly grace?: number;
  readonly onExternalAccept?: string;
  readonly principals?: string;
  readonly otherPrincipal?: readonly string[];
  readonly yes?: true | undefined;
}

export async function addService(session: Session, serviceId: string, options: AddOptions) {
  const { name, onUnlisted, approvers, requireTicket, deadline, onExpiry } = options;
  const { grace, onExternalAccept, principals, otherPrincipal } = options;
  const body = {
    serviceId,
    name,
    onUnlisted,
    approvers,
    requireTicket,
    deadlineSeconds: deadline,
    onExpiry,
    graceSeconds: grace,
    onExternalAccept,
    principals,
    otherPrincipals: otherPrincipal,
  };
  const { service: registered } = await session.api.call('POST', ['services'], ServiceResponse, { body });
  const isManaged = principals === 'managed';
  const approved = isManaged ? await approvePrincipals(registered, options, session) : undefined;
  const service = approved ?? registered;
  const { output } = session;
  output.result({ service }, `${service.name} is registered\n\n${serviceDetails(service, output)}`);
  if (isManaged && !approved)
    throw new CommandError(
      'checkFailed',
      `the principals of ${service.name} are not changed before somebody agrees to that: linkgate service add ${serviceId} --principals managed --yes`,
    );
}

/** Shows the changes of the allowed principals, and asks before linkgate makes them. */
async function approvePrincipals(
  { serviceId, name }: Service,
  { yes }: AddOptions,
  session: Session,
): Promise<Service | undefined> {
  const { api, output, io } = session;
  const path = ['services', serviceId, 'principals'];
  const { principals } = await api.call('GET', path, PrincipalsResponse);
  const { missing, extra } = principals;
  const changes = [...missing.map((each) => `  + ${each}`), ...extra.map((each) => `  - ${each}`)];
  const question = `Allowed principals of ${name} in EC2 that linkgate would add (+) and\nremove (-, what was added by hand after the grace period), and keep so:\n${changes.join('\n') || '  they are as the allowlist implies'}`;
  const isInteractive = !yes && io.stdin?.isTTY;
  if (!isInteractive) output.say(question);
  if (!yes && !isInteractive) return undefined;
  await confirm(`${question}\nIs that right?`, { yes }, session);
  const body = { removals: extra.length };
  return (await api.call('POST', [...path, 'approval'], ServiceResponse, { body })).service;
}

export async function listServices(
  session: Session,
  { unregistered }: { readonly unregistered?: true },
): Promise<void> {
  await (unregistered ? listUnregistered(session) : listRegistered(session));
}

async function listUnregistered({ api, output }: Session): Promise<void> {
  const query = { unregistered: 'true' };
  const services = await api.list(['services'], 'services', UnregisteredService, query);
  output.result(
    { services },
    services.length === 0
      ? 'every endpoint service that EC2 lists is registered'
      : `${formatUnregisteredTable(services, output)}\n\nlinkgate decides nothing there. To register one: linkgate service add <service>`,
  );
}

function formatUnregisteredTable(services: readonly UnregisteredService[], output: Output): string {
  return table(
    ['SERVICE', 'NAME', 'REGION', 'STATE', 'ACCEPTANCE'],
    services.map(({ serviceId, name, region, state, acceptanceRequired }) => ({
      cells: [serviceId, name ?? '', region, state, acceptanceRequired ? 'required' : 'not required'],
    })),
    output,
  );
}

async function listRegistered({ api, output }: Session): Promise<void> {
  const services = await api.list(['services'], 'services', Service);
  output.warn(services.flatMap(({ name, drift }) => (drift ?? []).map(({ detail }) => `${name}: ${detail}`)));
  output.result(
    { services },
    services.length === 0
      ? 'no service is registered yet: add one with `linkgate service add vpce-svc-…`'
      : serviceTable(services, output),
  );
}

export async function showService({ api, output }: Session, nameOrId: string) {
  const { service } = await api.call('GET', ['services', nameOrId], ServiceResponse);
  output.warn(service.drift?.map(({ detail }) => detail));
  output.result({ service }, serviceDetails(service, output));
}
