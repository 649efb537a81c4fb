import { connectionEvents, type ServiceConfiguration } from './endpoint-services.ts';
import type { Drift, PrincipalDrift, Service } from './service.ts';

/** Compares the configuration of a service in EC2 with the one that linkgate needs or recommends. */
export function configurationDrift(
  configuration: ServiceConfiguration | undefined,
  topicArn: string,
): Drift[] {
  if (!configuration) return [{ check: 'service-is-missing', detail: 'EC2 no longer lists the service' }];
  const { acceptanceRequired, principals, isTagged } = configuration;
  const checks: (Drift | false | undefined)[] = [
    !acceptanceRequired && {
      check: 'acceptance-is-not-required',
      detail: 'EC2 accepts every allowed principal automatically; linkgate decides nothing',
    },
    principals?.includes('*') && {
      check: 'principal-is-everyone',
      detail: 'the allowed principals are `*`: every AWS account may request connections',
    },
    !isTagged && {
      check: 'tag-is-missing',
      detail: 'linkgate has no permission to accept or reject without the tag `linkgate`',
    },
    ...(configuration.isGatewayLoadBalancer ? [] : notificationDrift(configuration, topicArn)),
  ];
  return checks.filter((check) => typeof check === 'object');
}

function notificationDrift({ notifications }: ServiceConfiguration, topicArn: string): (Drift | false)[] {
  const notification = notifications.find((each) => each.topicArn === topicArn);
  const lacking = connectionEvents.filter((event) => !notification?.events.includes(event));
  return [
    !notification && {
      check: 'notification-is-missing',
      detail: 'only the sweep finds new requests, within a minute',
    },
    notification?.isEnabled === false && {
      check: 'notification-is-disabled',
      detail: 'only the sweep finds new requests, within a minute',
    },
    notification !== undefined &&
      lacking.length > 0 && {
        check: 'notification-lacks-events',
        detail: `the connection notification does not include ${lacking.join(', ')}`,
      },
  ];
}

/** Explains why a Gateway Load Balancer service needs no connection notification. */
export const gatewayLoadBalancerText =
  'EC2 has no connection notifications for Gateway Load Balancer endpoints: the sweep finds new requests within a minute';

export type ServiceDrift = Drift | PrincipalDrift;

/** Returns all drift of a service from its last check, including drift of its allowed principals. */
export function allDrift({
  drift,
  principalDrift = [],
}: Pick<Service, 'drift' | 'principalDrift'>): ServiceDrift[] {
  return [...drift, ...principalDrift];
}
