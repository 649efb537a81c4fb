import { connectionEvents, type ServiceConfiguration } from './endpoint-services.ts';
import type { Drift, PrincipalDrift, Service } from './service.ts';

/** What about a service in EC2 is not as linkgate needs it, or would advise it. */
export function driftOf(configuration: ServiceConfiguration | undefined, topicArn: string): Drift[] {
  if (!configuration)
    return [{ check: 'service-is-missing', detail: 'EC2 does not list the service any more' }];
  const { acceptanceRequired, principals, isTagged } = configuration;
  const notification = configuration.notifications.find((each) => each.topicArn === topicArn);
  const lacking = connectionEvents.filter((event) => !notification?.events.includes(event));
  const checks: (Drift | false)[] = [
    !acceptanceRequired && {
      check: 'acceptance-is-not-required',
      detail: 'EC2 connects every allowed principal at once; linkgate is not asked',
    },
    principals.includes('*') && {
      check: 'principal-is-everyone',
      detail: 'the allowed principals are `*`: every AWS account may ask to connect',
    },
    !isTagged && {
      check: 'tag-is-missing',
      detail: 'without the tag `linkgate` linkgate may neither accept nor reject',
    },
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
  return checks.filter((check) => check !== false);
}

export type AnyDrift = Drift | PrincipalDrift;

/** All that is amiss with a service by its last check, its allowed principals too. */
export function allDriftOf({
  drift,
  principalDrift = [],
}: Pick<Service, 'drift' | 'principalDrift'>): AnyDrift[] {
  return [...drift, ...principalDrift];
}
