import { type Check, fail, notApplicable, warn } from '../checks/check.ts';
import { runChecks } from '../checks/run-checks.ts';
import { awsPartition } from '../locations/account-region.ts';
import type { Runtime } from '../runtime/runtime.ts';
import {
  connectionEvents,
  type NotificationConfiguration,
  type ServiceConfiguration,
} from './endpoint-services.ts';
import type { Drift, Service } from './service.ts';

/** A service and its configuration in EC2. */
export interface ConfigurationCheckInput {
  readonly service: Pick<Service, 'serviceId' | 'location' | 'topicArn'>;
  readonly configuration: ServiceConfiguration;
}
type ConfigurationCheck = Check<ConfigurationCheckInput>;

export const acceptanceCheck: ConfigurationCheck = {
  id: 'acceptance-is-not-required',
  title: 'acceptance is required',
  run: ({ configuration, service: { serviceId, location } }) =>
    configuration.acceptanceRequired ||
    fail(
      'EC2 accepts every allowed principal automatically; linkgate decides nothing',
      `aws ec2 modify-vpc-endpoint-service-configuration --region ${location.region} --service-id ${serviceId} --acceptance-required`,
    ),
};

export const everyoneCheck: ConfigurationCheck = {
  id: 'principal-is-everyone',
  title: 'the allowed principals are explicit',
  run: ({ configuration, service: { serviceId, location, topicArn } }) =>
    !configuration.principals?.includes('*') ||
    warn(
      'the allowed principals are `*`: every AWS account may request connections',
      `to restrict it, name the allowed accounts:\naws ec2 modify-vpc-endpoint-service-permissions --region ${location.region} --service-id ${serviceId} --remove-allowed-principals '*' --add-allowed-principals arn:${awsPartition(location.region, topicArn)}:iam::444455556666:root`,
    ),
};

export const tagCheck: ConfigurationCheck = {
  id: 'tag-is-missing',
  title: 'the service has the tag that lets linkgate act on it',
  run: ({ configuration, service }) =>
    configuration.isTagged ||
    fail('linkgate has no permission to accept or reject without the tag `linkgate`', repairCommand(service)),
};

/** Explains why a Gateway Load Balancer service needs no connection notification. */
export const gatewayLoadBalancerText =
  'EC2 has no connection notifications for Gateway Load Balancer endpoints: the sweep finds new requests within a minute';

const onlySweepText = 'only the sweep finds new requests, within a minute';

/** The problems of a connection notification by drift. */
const notificationProblems: Readonly<
  Record<string, (notification: NotificationConfiguration | undefined) => string | undefined>
> = {
  'notification-is-missing': (notification) => (notification ? undefined : onlySweepText),
  'notification-is-disabled': (notification) =>
    notification?.isEnabled === false ? onlySweepText : undefined,
  'notification-lacks-events': (notification) => {
    const lacking = connectionEvents.filter((event) => notification?.events.includes(event) === false);
    return lacking.length > 0
      ? `the connection notification does not include ${lacking.join(', ')}`
      : undefined;
  },
};

export const notificationChecks = Object.entries(notificationProblems).map(
  ([id, findProblem]): ConfigurationCheck => ({
    id,
    title: 'the connection notification covers all four events',
    run: ({ configuration, service }) => {
      if (configuration.isGatewayLoadBalancer) return notApplicable(gatewayLoadBalancerText);
      const text = findProblem(
        configuration.notifications.find(({ topicArn }) => topicArn === service.topicArn),
      );
      return text === undefined || fail(text, repairCommand(service));
    },
  }),
);

function repairCommand({ serviceId }: Pick<Service, 'serviceId'>): string {
  return `linkgate service add ${serviceId}`;
}

const configurationChecks = [acceptanceCheck, everyoneCheck, tagCheck, ...notificationChecks];
export const missingDrift = { check: 'service-is-missing', detail: 'EC2 no longer lists the service' };

/** Compares the configuration of a service in EC2 with the one that linkgate needs or recommends. */
export async function configurationDrift(
  configuration: ServiceConfiguration | undefined,
  service: ConfigurationCheckInput['service'],
  deps: Pick<Runtime, 'reportError'>,
): Promise<Drift[]> {
  return configuration ? findDrift(configurationChecks, { service, configuration }, deps) : [missingDrift];
}

/** Runs checks of a service. @returns the failed ones, and those that could not run. */
export async function findDrift<Input>(
  checks: readonly Check<Input>[],
  input: Input,
  { reportError }: Pick<Runtime, 'reportError'>,
): Promise<Drift[]> {
  const results = await Array.fromAsync(
    runChecks(checks, input, { reportError, functionName: 'check-service' }),
  );
  return results
    .filter(({ status }) => status === 'FAIL' || status === 'UNKNOWN')
    .map(({ checkId, text }) => ({ check: checkId, detail: text }));
}

/** Whether the drift is a difference between the allowed principals and the allowlist, which is compared separately. */
export function isPrincipalDrift({ check }: Drift): boolean {
  return check !== missingDrift.check && configurationChecks.every(({ id }) => id !== check);
}

/** Whether linkgate repairs the drift itself. */
export function isFixableDrift(check: string): boolean {
  return [tagCheck, ...notificationChecks].some(({ id }) => id === check);
}
