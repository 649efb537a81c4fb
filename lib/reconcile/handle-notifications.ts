import { pendingEffects } from '../connections/indexes.ts';
import { type AccountRegion, formatAccountRegion, parseAccountRegion } from '../locations/account-region.ts';
import type { Connection } from '../privatelink/connection.ts';
import { type ConnectionFilter, type Connections, listAllConnections } from '../privatelink/connections.ts';
import { settleEach } from '../runtime/runtime.ts';
import { listRegisteredServices } from '../services/registered-services.ts';
import { chunks } from '../values/chunks.ts';
import type { ConnectionNotification } from './connection-notification.ts';
import { addCounts, type ChangeCounts, type DetectDeps, detectChanges, noChanges } from './detect-changes.ts';

export interface NotificationDeps extends DetectDeps {
  readonly connectionsClient: (location: AccountRegion) => Connections;
}

/** The maximum number of values in an EC2 filter. */
const maxFilterValues = 200;

/** The result of a batch of connection notifications. */
interface HandledNotifications {
  readonly changeCounts: ChangeCounts;
  /** The locations whose describe call failed. SQS delivers their messages again. */
  readonly failedLocations: ReadonlySet<string>;
}

/**
 * Describes the connections that a batch of notifications may be about, once for each location. A failed location does not stop
 * the others.
 */
export async function handleNotifications(
  notifications: readonly ConnectionNotification[],
  deps: NotificationDeps,
): Promise<HandledNotifications> {
  const byLocation = [...Map.groupBy(notifications, ({ location }) => formatAccountRegion(location))];
  const results = await settleEach(byLocation, ([name, locationNotifications]) =>
    detectAtLocation(parseAccountRegion(name), locationNotifications, deps),
  );
  const failedLocations = new Set<string>();
  let counts = noChanges();
  for (const result of results)
    if ('error' in result) {
      failedLocations.add(result.input[0]);
      deps.reportError(result.error, 'handle notifications');
    } else counts = addCounts(counts, result.output);
  return { changeCounts: counts, failedLocations };
}

async function detectAtLocation(
  location: AccountRegion,
  notifications: readonly ConnectionNotification[],
  deps: NotificationDeps,
): Promise<ChangeCounts> {
  const connections = deps.connectionsClient(location);
  const connectionById = new Map<string, Connection>();
  for (const filter of await notificationFilters(location, notifications, deps))
    for (const connection of await listAllConnections(connections, filter))
      connectionById.set(connection.endpointId, connection);
  return detectChanges([...connectionById.values()], deps);
}

/**
 * Selects the describe filter: the endpoint id if the notification has one; otherwise the pending requests of its services or its
 * topic, and the pending effects, because the notification may be about them. Known services limit the list in case EC2 refuses
 * to filter by endpoint.
 */
async function notificationFilters(
  location: AccountRegion,
  notifications: readonly ConnectionNotification[],
  deps: NotificationDeps,
): Promise<ConnectionFilter[]> {
  const withEndpointIds = notifications.filter((notification) => notification.endpointIds.length > 0);
  const withoutEndpointIds = notifications.filter((notification) => notification.endpointIds.length === 0);
  const due =
    withoutEndpointIds.length > 0 ? (await Array.fromAsync(pendingEffects.list(location, deps))).flat() : [];
  const endpointIds = uniqueIds([
    ...withEndpointIds.flatMap((each) => each.endpointIds),
    ...due.map((each) => each.endpointId),
  ]);
  const serviceIds = uniqueIds([
    ...withEndpointIds.flatMap((each) => each.serviceIds),
    ...due.map((each) => each.serviceId),
  ]);
  const areKnown =
    withEndpointIds.every((each) => each.serviceIds.length > 0) && serviceIds.length <= maxFilterValues;
  return [
    ...chunks(endpointIds, maxFilterValues).map((ids) => ({
      endpointIds: ids,
      ...(areKnown && { serviceIds }),
    })),
    ...(withoutEndpointIds.length > 0 ? [await pendingFilter(withoutEndpointIds, deps)] : []),
  ];
}

function uniqueIds(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}

async function pendingFilter(
  vague: readonly ConnectionNotification[],
  deps: NotificationDeps,
): Promise<ConnectionFilter> {
  const state = 'pendingAcceptance';
  const serviceIds = new Set<string>();
  for (const notification of vague) {
    const about =
      notification.serviceIds.length > 0
        ? notification.serviceIds
        : await topicServiceIds(notification, deps);
    if (about.length === 0) return { state };
    for (const serviceId of about) serviceIds.add(serviceId);
  }
  return serviceIds.size > maxFilterValues ? { state } : { state, serviceIds: [...serviceIds] };
}

async function topicServiceIds(
  { topicArn }: ConnectionNotification,
  deps: NotificationDeps,
): Promise<string[]> {
  if (topicArn === undefined) return [];
  const services = await listRegisteredServices(deps);
  return services.filter((service) => service.topicArn === topicArn).map(({ serviceId }) => serviceId);
}
