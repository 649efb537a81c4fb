import { defaultDeadlineSeconds } from '../lib/connections/approval-request.ts';
import { defaultGraceSeconds } from '../lib/services/service.ts';
import type { Service } from './api-views.ts';
import { pauseOf } from './commands/pause.ts';
import { keyValues, type Output, shortActor, table, time } from './output.ts';

/** A line for each service. */
export function serviceTable(services: readonly Service[], output: Output): string {
  return table(
    ['NAME', 'SERVICE', 'REGION', 'UNLISTED', 'APPROVERS'],
    services.map((service) => ({
      cells: [service.name, service.serviceId, service.region ?? '', service.onUnlisted, service.approvers],
      below: stopped(service, output),
    })),
    output,
  );
}

function stopped(service: Service, { paint }: Output): string {
  const [pause, end] = [pauseOf(service), closing(service)];
  return [pause && `paused ${pause}`, end && `being deregistered ${end}`]
    .flatMap((what) => (what ? [paint('yellow', what)] : []))
    .join('\n');
}

function closing({ deregisteringAt, deregisteringBy }: Service): string | undefined {
  if (!deregisteringAt) return undefined;
  return `by ${shortActor(deregisteringBy ?? 'somebody')} since ${time(deregisteringAt)}: every connection is rejected; \`linkgate service add\` cancels it`;
}

/** `3 days`, `1.5 hours` */
function duration(seconds: number): string {
  const hours = seconds / 3600;
  const [amount, unit] = hours % 24 === 0 ? [hours / 24, 'day'] : [Math.round(hours * 100) / 100, 'hour'];
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}

const foreign: Readonly<Record<string, string>> = {
  ask: 'people are asked whether they stay',
  disconnect: 'disconnected after the grace period',
  adopt: 'they stay',
};

function principalsIn({ principals, principalsApproval, otherPrincipals }: Service): string {
  const others = otherPrincipals?.length ? `; besides: ${otherPrincipals.join(', ')}` : '';
  if (principals !== 'managed') return `observed: only compared with the allowlist${others}`;
  const agreed = principalsApproval
    ? `agreed to by ${shortActor(principalsApproval.by)} on ${time(principalsApproval.at)}`
    : 'nobody has agreed yet, so that nothing is changed';
  return `managed, ${agreed}${others}`;
}

function timeToDecide({ deadlineSeconds, onExpiry }: Service): string {
  const then = onExpiry === 'reject' ? 'rejected' : 'escalated, and stays open';
  return `${duration(deadlineSeconds ?? defaultDeadlineSeconds)}; then it is ${then}`;
}

/** All settings and the state of a service. */
export function serviceDetails(service: Service, output: Output): string {
  const { accountId, region, acceptanceRequired, registeredAt, registeredBy, checkedAt } = service;
  return keyValues(
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
      ['grace period', duration(service.graceSeconds ?? defaultGraceSeconds)],
      ['external accept', foreign[service.onExternalAccept ?? 'ask']],
      ['principals', principalsIn(service)],
      ['managed by', service.managedBy === 'file' ? 'the policy file' : undefined],
      ['paused', pauseOf(service)],
      ['being deregistered', closing(service)],
      [
        'acceptance',
        acceptanceRequired === false ? 'not required: EC2 accepts every allowed principal' : 'required',
      ],
      ['last checked', checkedAt && `${time(checkedAt)}; \`linkgate doctor\` looks now`],
      ['registered', registeredAt && `${time(registeredAt)}${registeredBy ? ` by ${registeredBy}` : ''}`],
    ],
    output,
  );
}
