import type { Mode } from '../mode/mode.ts';
import { type CheckServiceDeps, checkService } from './check-service.ts';
import { isFixableDrift } from './drift.ts';
import { connectionEvents, type EndpointServices, type ServiceConfiguration } from './endpoint-services.ts';
import { listRegisteredServices } from './registered-services.ts';
import type { Service } from './service.ts';

export interface RepairDeps extends CheckServiceDeps {
  /** Reads the mode directly before a call that changes EC2. */
  readonly mode: () => Promise<Mode>;
  /** Milliseconds until Lambda stops this invocation. */
  readonly remainingMs: () => number;
}

/** A repair starts only if at least this much time remains. */
const minRemainingToRepairMs = 12_000;

/**
 * Repairs the tag and the connection notification of registered services whose last check found them missing.
 * @returns warnings with the commands for services that it could not repair.
 */
export async function repairServices(deps: RepairDeps): Promise<string[]> {
  const warnings: string[] = [];
  for (const service of await listRegisteredServices(deps)) {
    if (!service.drift.some(({ check }) => isFixableDrift(check))) continue;
    const problem = await tryRepair(service, deps);
    if (problem !== undefined)
      warnings.push(
        `${service.name} still lacks its tag or connection notification (${problem}): linkgate service add ${service.serviceId}`,
      );
  }
  return warnings;
}

async function tryRepair(
  { serviceId, location, topicArn }: Service,
  deps: RepairDeps,
): Promise<string | undefined> {
  if (deps.remainingMs() < minRemainingToRepairMs) return 'the time was up';
  try {
    const services = deps.servicesClient(location);
    const configuration = await services.describe(serviceId);
    if (!configuration) return 'EC2 does not list the service';
    if ((await deps.mode()) === 'observe') return 'the mode is observe, or cannot be read';
    await fixDrift(configuration, services, topicArn);
    await checkService(serviceId, deps);
    return undefined;
  } catch (error) {
    deps.reportError(error, 'repair service drift');
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/**
 * Adds the missing tag and the missing connection notification for all events. The tag comes first: without it linkgate may
 * neither change nor delete a notification. EC2 has no call that enables a disabled notification, so linkgate replaces it.
 */
export async function fixDrift(
  configuration: ServiceConfiguration,
  services: EndpointServices,
  topicArn: string,
): Promise<void> {
  if (!configuration.isTagged) await services.tag(configuration.serviceId);
  if (configuration.isGatewayLoadBalancer) return;
  const notification = configuration.notifications.find((each) => each.topicArn === topicArn);
  if (notification?.isEnabled === false) await services.deleteNotification(notification.notificationId);
  if (!notification?.isEnabled) await services.createNotification(configuration.serviceId, topicArn);
  else if (!connectionEvents.every((event) => notification.events.includes(event)))
    await services.repairNotification(notification.notificationId, topicArn);
}
