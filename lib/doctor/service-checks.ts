import { createGroupCommand, isKnownGroup } from '../approvers/approver-group.ts';
import { type AccountRegion, awsPartition } from '../locations/account-region.ts';
import type { Mode } from '../mode/mode.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { configurationDrift, gatewayLoadBalancerText } from '../services/drift.ts';
import type { EndpointServices, ServiceConfiguration } from '../services/endpoint-services.ts';
import type { Drift, Service } from '../services/service.ts';
import type { Table } from '../storage/table.ts';
import { shellWord } from '../values/shell-word.ts';
import {
  type Check,
  type CheckResult,
  type CheckSet,
  failed,
  grantPermissionRemedy,
  ok,
  runChecks,
  warning,
} from './check.ts';

export interface ServiceCheckDeps extends Runtime {
  readonly table: Table;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  readonly mode: () => Promise<Mode>;
}

interface DriftCheck {
  readonly drifts: readonly Drift['check'][];
  readonly inOrder: string;
  readonly severity: 'warning' | 'failed';
  /** Absent if linkgate repairs the drift itself, which requires mode enforce. */
  readonly remedy?: (service: Service) => string;
}

const driftChecks: Readonly<Record<string, DriftCheck>> = {
  acceptance: {
    drifts: ['acceptance-is-not-required'],
    inOrder: 'acceptance is required',
    severity: 'failed',
    remedy: ({ serviceId, location }) =>
      `aws ec2 modify-vpc-endpoint-service-configuration --region ${location.region} --service-id ${serviceId} --acceptance-required`,
  },
  tag: {
    drifts: ['tag-is-missing'],
    inOrder: 'the service has the tag that lets linkgate act on it',
    severity: 'failed',
  },
  notification: {
    drifts: ['notification-is-missing', 'notification-is-disabled', 'notification-lacks-events'],
    inOrder: 'the connection notification covers all four events',
    severity: 'failed',
  },
};

/** Checks a service as EC2 shows it now, not as the table last recorded it. */
export async function checkRegisteredService(service: Service, deps: ServiceCheckDeps): Promise<Check[]> {
  const { serviceId, name, location, topicArn } = service;
  const subject = name === serviceId ? serviceId : `${name} (${serviceId})`;
  let configuration: ServiceConfiguration | undefined;
  try {
    configuration = await deps.servicesClient(location).describe(serviceId);
  } catch (error) {
    return runChecks('services', subject, { service: () => Promise.reject(error) }, deps);
  }
  const principals = configuration?.principals;
  const checkSet: CheckSet = {
    service: () => checkServiceState(service, configuration),
    ...(configuration && {
      ...buildDriftChecks(service, configurationDrift(configuration, topicArn), deps),
      ...(configuration.isGatewayLoadBalancer && { notification: async () => ok(gatewayLoadBalancerText) }),
    }),
    // EC2 lists the principals only with the tag, which has a separate check.
    ...(principals && { principals: () => checkPrincipals(service, principals) }),
    approvers: () => checkServiceApprovers(service, deps.table),
    paused: () => checkPause(service),
  };
  return runChecks('services', subject, checkSet, deps);
}

function buildDriftChecks(service: Service, drift: readonly Drift[], deps: ServiceCheckDeps): CheckSet {
  return Object.fromEntries(
    Object.entries(driftChecks).map(([name, check]) => {
      const matchingDrift = drift.find((each) => check.drifts.includes(each.check));
      return [
        name,
        () => (matchingDrift ? toDriftResult(matchingDrift, check, service, deps) : ok(check.inOrder)),
      ];
    }),
  );
}

async function toDriftResult(
  { detail }: Drift,
  { severity, remedy }: DriftCheck,
  service: Service,
  { mode }: ServiceCheckDeps,
): Promise<CheckResult> {
  if (remedy) return { status: severity, detail, remedy: remedy(service) };
  return (await mode()) === 'observe'
    ? warning(`${detail}; linkgate does not fix it in the mode observe`, 'linkgate mode enforce')
    : { status: severity, detail, remedy: `linkgate service add ${service.serviceId}` };
}

function checkServiceState(
  { serviceId, location: { region } }: Service,
  configuration: ServiceConfiguration | undefined,
): CheckResult {
  if (!configuration)
    return failed('EC2 no longer lists the service', `linkgate service remove ${serviceId}`);
  return configuration.state === 'Available'
    ? ok('EC2 shows it as Available')
    : failed(
        `EC2 shows it as ${configuration.state}`,
        `see its configuration:\naws ec2 describe-vpc-endpoint-service-configurations --region ${region} --service-ids ${serviceId}`,
      );
}

async function checkServiceApprovers({ approvers }: Service, table: Table): Promise<CheckResult> {
  return (await isKnownGroup(approvers, table))
    ? ok(`the approver group ${approvers} exists`)
    : failed(
        `the approver group ${approvers} does not exist`,
        `create it with its members:\n${createGroupCommand(approvers)}`,
      );
}

function checkPause({ name, pausedAt, pausedBy, pauseReason }: Service): CheckResult {
  if (pausedAt === undefined) return ok('the service is not paused');
  const why = pauseReason === undefined ? '' : `: ${pauseReason}`;
  return warning(
    `paused since ${pausedAt} by ${pausedBy ?? 'an unknown caller'}${why}`,
    `linkgate resume ${shellWord(name)}`,
  );
}

/** Checks the allowed principals: `*` from EC2 now, the difference from the allowlist from the last service check. */
function checkPrincipals(service: Service, allowedPrincipals: readonly string[]): CheckResult {
  const { serviceId, location, topicArn, principals, principalDrift = [], principalsCheckedAt } = service;
  const differences = principalDrift.map(({ detail }) => detail);
  if (allowedPrincipals.includes('*'))
    return warning(
      ['the allowed principals are `*`: every AWS account may request connections', ...differences].join(
        '. ',
      ),
      `to restrict it, name the allowed accounts:\naws ec2 modify-vpc-endpoint-service-permissions --region ${location.region} --service-id ${serviceId} --remove-allowed-principals '*' --add-allowed-principals arn:${awsPartition(location.region, topicArn)}:iam::444455556666:root`,
    );
  if (principalsCheckedAt === undefined) return ok('the allowed principals are explicit');
  if (differences.length === 0) return ok('the allowed principals are what the allowlist implies');
  const checks = new Set(principalDrift.map(({ check }) => check));
  if (checks.has('principals-cannot-be-changed'))
    return failed(differences.join('. '), grantPermissionRemedy);
  return warning(
    differences.join('. '),
    principals === 'managed' &&
      !checks.has('principals-pending-approval') &&
      !checks.has('principals-removal-blocked')
      ? 'see docs/principals.md: linkgate fixes some differences itself'
      : `preview the changes, and let linkgate manage them:\nlinkgate service add ${serviceId} --principals managed`,
  );
}
