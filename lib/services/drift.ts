import { connectionEvents, type ServiceConfiguration } from './endpoint-services.ts';
import type { Drift, PrincipalDrift, Service } from './service.ts';

/** What about a service in EC2 is not as linkgate needs it, or would advise it. */
export function configurationDrift(
  configuration: ServiceConfiguration | undefined,
  topicArn: string,
): Drift[] {
  if (!configuration)
    return [{ check: 'service-is-missing', detail: 'EC2 does not list the service any more' }];
  const { acceptanceRequired, principals, isTagged } = configuration;
  const checks: (Drift | false | undefined)[] = [
    !acceptanceRequired && {
      check: 'acceptance-is-not-required',
      detail: 'EC2 connects every allowed principal at once; linkgate is not asked',
    },
    principals?.includes('*') && {
      check: 'principal-is-everyone',
      detail: 'the allowed principals are `*`: every AWS account may request connections',
    },
    !isTagged && {
      check: 'tag-is-missing',
      detail: 'without the tag `linkgate` linkgate may neither accept nor reject',
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
      detail: 'requests are noticed by the sweep within a minute, not at once',
    },
    notification?.isEnabled === false && {
      check: 'notification-is-disabled',
      detail: 'requests are noticed by the sweep within a minute, not at once',
    },
    notification !== undefined &&
      lacking.length > 0 && {
        check: 'notification-lacks-events',
        detail: `the connection notification does not ring for ${lacking.join(', ')}`,
      },
  ];
}

/** Why a service has no connection notification, and why that is in order. */
export const gatewayLoadBalancerText =
  'its endpoints are of the type GatewayLoadBalancer, for which EC2 has no connection notifications: the sweep notices requests within a minute';

export type ServiceDrift = Drift | PrincipalDrift;

/** All that is amiss with a service by its last check, its allowed principals too. */
export function allDrift({
  drift,
  principalDrift = [],
}: Pick<Service, 'drift' | 'principalDrift'>): ServiceDrift[] {
  return [...drift, ...principalDrift];
}
