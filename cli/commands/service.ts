import * as v from 'valibot';
import { readAllPages } from '../api-client.ts';
import {
  PrincipalsView,
  Service,
  ServicePage,
  UnregisteredPage,
  type UnregisteredService,
  Warnings,
} from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { type Output, table } from '../output.ts';
import type { Io } from '../process-io.ts';
import { serviceDetails, serviceTable } from '../service-text.ts';
import type { Session } from '../session.ts';

const ServiceResponse = v.looseObject({ service: Service, warnings: Warnings });

interface AddOptions extends CommonOptions {
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

interface ListOptions extends CommonOptions {
  readonly unregistered?: true;
}

export function addService({ open, io }: HandlerDeps) {
  return async (serviceId: string, options: AddOptions) => {
    const session = await open(options);
    const { name, onUnlisted, approvers, requireTicket, deadline, onExpiry } = options;
    const { grace, onExternalAccept, principals, otherPrincipal, yes } = options;
    const registered = await session.api.call('POST', ['services'], ServiceResponse, {
      body: {
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
      },
    });
    const approvedService =
      principals === 'managed'
        ? await approvePrincipals(registered.service, { yes }, session, io)
        : undefined;
    const service = approvedService ?? registered.service;
    const { output } = session;
    output.result({ service }, `${service.name} is registered\n\n${serviceDetails(service, output)}`);
    output.warn(registered.warnings);
    if (principals === 'managed' && !approvedService)
      throw new CommandError(
        'checkFailed',
        `the principals of ${service.name} are not changed before somebody agrees to that: linkgate service add ${serviceId} --principals managed --yes`,
      );
  };
}

/** Shows the changes of the allowed principals, and asks before linkgate makes them. */
async function approvePrincipals(
  { serviceId, name }: Service,
  { yes }: Pick<AddOptions, 'yes'>,
  { api, output, progress }: Session,
  io: Io,
): Promise<Service | undefined> {
  const path = ['services', serviceId, 'principals'];
  const { principals } = await api.call('GET', path, v.looseObject({ principals: PrincipalsView }));
  const { missing, extra } = principals;
  const changes = [...missing.map((each) => `  + ${each}`), ...extra.map((each) => `  - ${each}`)];
  progress.report('');
  const question = `Allowed principals of ${name} in EC2 that linkgate would add (+) and\nremove (-, what was added by hand after the grace period), and keep so:\n${changes.join('\n') || '  they are as the allowlist implies'}`;
  const isInteractive = !yes && io.stdin?.isTTY;
  if (!isInteractive) output.say(question);
  if (!yes && !isInteractive) return undefined;
  await confirm(`${question}\nIs that right?`, { yes }, io);
  const body = { removals: extra.length };
  return (await api.call('POST', [...path, 'approval'], ServiceResponse, { body })).service;
}

export function listServices({ open }: HandlerDeps) {
  return async ({ unregistered, ...common }: ListOptions) => {
    const session = await open(common);
    await (unregistered ? listUnregistered(session) : listRegistered(session));
  };
}

async function listUnregistered({ api, output }: Session): Promise<void> {
  const query = { unregistered: 'true' };
  const services = await readAllPages(api, ['services'], UnregisteredPage, (page) => page.services, query);
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
  const services = await readAllPages(api, ['services'], ServicePage, (page) => page.services);
  output.result(
    { services },
    services.length === 0
      ? 'no service is registered yet: add one with `linkgate service add vpce-svc-…`'
      : serviceTable(services, output),
  );
  output.warn(services.flatMap(({ name, drift }) => (drift ?? []).map(({ detail }) => `${name}: ${detail}`)));
}

export function showService({ open }: HandlerDeps) {
  return async (nameOrId: string, options: CommonOptions) => {
    const { api, output } = await open(options);
    const { service } = await api.call('GET', ['services', nameOrId], ServiceResponse);
    output.result({ service }, serviceDetails(service, output));
    output.warn(service.drift?.map(({ detail }) => detail));
  };
}
