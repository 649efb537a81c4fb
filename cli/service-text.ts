import { defaultDeadlineSeconds } from '../lib/connections/approval-request.ts';
import { defaultGraceSeconds } from '../lib/services/service.ts';
import type { Service } from './api-views.ts';
import { formatPause } from './commands/pause.ts';
import { keyValues, type Output, shortActor, table, time } from './output.ts';

/** Formats a line for each service. */
export function serviceTable(services: readonly Service[], output: Output): string {
  return table(
    ['NAME', 'SERVICE', 'REGION', 'UNLISTED', 'APPROVERS'],
    services.map((service) => ({
      cells: [service.name, service.serviceId, service.region ?? '', service.onUnlisted, service.approvers],
      below: formatPauseAndDeregistration(service, output),
    })),
    output,
  );
}

function formatPauseAndDeregistration(service: Service, { paint }: Output): string {
  const [pauseText, deregistrationText] = [formatPause(service), formatDeregistration(service)];
  return [
    pauseText && `paused ${pauseText}`,
    deregistrationText && `being deregistered ${deregistrationText}`,
  ]
    .flatMap((text) => (text ? [paint('yellow', text)] : []))
    .join('\n');
}

function formatDeregistration({ deregisteringAt, deregisteringBy }: Service): string | undefined {
  if (!deregisteringAt) return undefined;
  return `by ${shortActor(deregisteringBy ?? 'somebody')} since ${time(deregisteringAt)}: every connection is rejected; \`linkgate service add\` cancels it`;
}

/** `3 days`, `1.5 hours` */
function formatDuration(seconds: number): string {
  const hours = seconds / 3600;
  const [amount, unit] = hours % 24 === 0 ? [hours / 24, 'day'] : [Math.round(hours * 100) / 100, 'hour'];
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}

const externalAcceptTexts: Readonly<Record<string, string>> = {
  ask: 'people are asked whether they stay',
  disconnect: 'disconnected after the grace period',
  adopt: 'they stay',
};

function formatPrincipals({ principals, principalsApproval, otherPrincipals }: Service): string {
  const otherPrincipalsText = otherPrincipals?.length ? `; besides: ${otherPrincipals.join(', ')}` : '';
  if (principals !== 'managed') return `observed: only compared with the allowlist${otherPrincipalsText}`;
  const approvalText = principalsApproval
    ? `agreed to by ${shortActor(principalsApproval.by)} on ${time(principalsApproval.at)}`
    : 'nobody has agreed yet, so that nothing is changed';
  return `managed, ${approvalText}${otherPrincipalsText}`;
}

function formatDeadline({ deadlineSeconds, onExpiry }: Service): string {
  const then = onExpiry === 'reject' ? 'rejected' : 'escalated, and stays open';
  return `${formatDuration(deadlineSeconds ?? defaultDeadlineSeconds)}; then it is ${then}`;
}

/** Formats all settings and the state of a service. */
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
      ['decided within', formatDeadline(service)],
      ['ticket', service.requireTicket ? 'each decision of a person names one' : undefined],
      ['grace period', formatDuration(service.graceSeconds ?? defaultGraceSeconds)],
      ['external accept', externalAcceptTexts[service.onExternalAccept ?? 'ask']],
      ['principals', formatPrincipals(service)],
      ['managed by', service.managedBy === 'file' ? 'the policy file' : undefined],
      ['paused', formatPause(service)],
      ['being deregistered', formatDeregistration(service)],
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
