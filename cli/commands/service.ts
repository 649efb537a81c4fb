import { Command } from 'commander';
import * as v from 'valibot';
import { defaultDeadlineSeconds } from '../../lib/approval/asking.ts';
import { everyPage } from '../api-client.ts';
import { Service, ServicePage, UnregisteredPage, type UnregisteredService, Warnings } from '../api-views.ts';
import {
  type CommonOptions,
  command,
  deadlineOption,
  newServiceArgument,
  onExpiryOption,
  onUnlistedOption,
  serviceArgument,
} from '../options.ts';
import { facts, type Output, table, time } from '../output.ts';
import type { Open, Session } from '../session.ts';
import { pauseOf } from './pause.ts';

const Answer = v.looseObject({ service: Service, warnings: Warnings });
/** Without what it was, where an earlier try removed it. */
const Removed = v.looseObject({ service: v.optional(Service), warnings: Warnings });

interface AddOptions extends CommonOptions {
  readonly name?: string;
  readonly onUnlisted?: string;
  readonly approvers?: string;
  readonly requireTicket?: boolean;
  readonly deadline?: number;
  readonly onExpiry?: string;
}

interface ListOptions extends CommonOptions {
  readonly unregistered?: true;
}

export function serviceCommand(open: Open): Command {
  const service = new Command('service').description('the endpoint services that linkgate looks after');
  for (const each of [addCommand(open), listCommand(open), showCommand(open), removeCommand(open)])
    service.addCommand(each);
  return service;
}

function addCommand(open: Open): Command {
  return command(
    'add',
    'register an endpoint service; again, change what is given and repair what linkgate needs of it in EC2',
  )
    .addArgument(newServiceArgument())
    .option('--name <name>', 'a name of your own for it')
    .addOption(onUnlistedOption())
    .option('--approvers <group>', 'the group of people whose quorum counts (default: default)')
    .option('--require-ticket', 'each decision of a person names a ticket')
    .option('--no-require-ticket', 'it need not (default)')
    .addOption(deadlineOption())
    .addOption(onExpiryOption())
    .action(async (serviceId: string, options: AddOptions) => {
      const { api, output } = await open(options);
      const { name, onUnlisted, approvers, requireTicket, deadline, onExpiry } = options;
      const { service, warnings } = await api.call('POST', ['services'], Answer, {
        body: { serviceId, name, onUnlisted, approvers, requireTicket, deadlineSeconds: deadline, onExpiry },
      });
      output.result({ service }, `linkgate looks after ${service.name}\n\n${described(service, output)}`);
      output.warn(warnings);
    });
}

function listCommand(open: Open): Command {
  return command('list', 'the services that are registered')
    .option('--unregistered', 'the endpoint services in EC2 that are not registered')
    .action(async ({ unregistered, ...common }: ListOptions) => {
      const session = await open(common);
      await (unregistered ? listUnregistered(session) : listRegistered(session));
    });
}

async function listUnregistered({ api, output }: Session): Promise<void> {
  const query = { unregistered: 'true' };
  const services = await everyPage(api, ['services'], UnregisteredPage, (page) => page.services, query);
  output.result(
    { services },
    services.length === 0
      ? 'every endpoint service that EC2 lists is registered'
      : `${listedUnregistered(services, output)}\n\nlinkgate decides nothing there. To register one: linkgate service add <service>`,
  );
}

function listedUnregistered(services: readonly UnregisteredService[], output: Output): string {
  return table(
    ['SERVICE', 'NAME', 'REGION', 'STATE', 'ACCEPTANCE'],
    services.map(({ serviceId, name, region, state, acceptanceRequired }) => ({
      cells: [serviceId, name ?? '', region, state, acceptanceRequired ? 'required' : 'not required'],
    })),
    output,
  );
}

async function listRegistered({ api, output }: Session): Promise<void> {
  const services = await everyPage(api, ['services'], ServicePage, (page) => page.services);
  output.result(
    { services },
    services.length === 0
      ? 'no service is registered yet: add one with `linkgate service add vpce-svc-…`'
      : listed(services, output),
  );
  output.warn(services.flatMap(({ name, drift }) => (drift ?? []).map(({ detail }) => `${name}: ${detail}`)));
}

function showCommand(open: Open): Command {
  return command('show', 'one service, and what was amiss with it in EC2 when it was last checked')
    .addArgument(serviceArgument())
    .action(async (named: string, options: CommonOptions) => {
      const { api, output } = await open(options);
      const { service } = await api.call('GET', ['services', named], Answer);
      output.result({ service }, described(service, output));
      output.warn(service.drift?.map(({ detail }) => detail));
    });
}

function removeCommand(open: Open): Command {
  return command('remove', 'look after a service no longer; its connections stay as they are')
    .addArgument(serviceArgument())
    .action(async (named: string, options: CommonOptions) => {
      const { api, output } = await open(options);
      const { service, warnings } = await api.call('DELETE', ['services', named], Removed);
      const which = service ? `${service.name} (${service.serviceId})` : named;
      output.result({ service }, `linkgate no longer looks after ${which}`);
      output.warn(warnings);
    });
}

function listed(services: readonly Service[], output: Output): string {
  return table(
    ['NAME', 'SERVICE', 'REGION', 'UNLISTED', 'APPROVERS'],
    services.map((service) => ({
      cells: [service.name, service.serviceId, service.region ?? '', service.onUnlisted, service.approvers],
      below: paused(service, output),
    })),
    output,
  );
}

function paused(service: Service, { paint }: Output): string | undefined {
  const pause = pauseOf(service);
  return pause && paint('yellow', `paused ${pause}`);
}

function timeToDecide({ deadlineSeconds, onExpiry }: Service): string {
  const hours = (deadlineSeconds ?? defaultDeadlineSeconds) / 3600;
  const [amount, unit] = hours % 24 === 0 ? [hours / 24, 'day'] : [Math.round(hours * 100) / 100, 'hour'];
  const then = onExpiry === 'reject' ? 'rejected' : 'escalated, and stays open';
  return `${amount} ${unit}${amount === 1 ? '' : 's'}; then it is ${then}`;
}

function described(service: Service, output: Output): string {
  const { accountId, region, acceptanceRequired, registeredAt, registeredBy, checkedAt } = service;
  return facts(
    [
      ['name', service.name],
      ['id', service.serviceId],
      ['service name', service.serviceName],
      ['account', accountId],
      ['Region', region],
      ['unlisted accounts', service.onUnlisted],
      ['approvers', service.approvers],
      ['decided within', timeToDecide(service)],
      ['ticket', service.requireTicket ? 'each decision of a person names one' : undefined],
      ['paused', pauseOf(service)],
      [
        'acceptance',
        acceptanceRequired === false ? 'not required: EC2 lets everyone in who may connect' : 'required',
      ],
      ['last checked', checkedAt && `${time(checkedAt)}; \`linkgate doctor\` looks now`],
      ['registered', registeredAt && `${time(registeredAt)}${registeredBy ? ` by ${registeredBy}` : ''}`],
    ],
    output,
  );
}
