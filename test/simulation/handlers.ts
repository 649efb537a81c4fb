import * as v from 'valibot';
import { BusMessage } from '../../lib/connections/connection-event.ts';
import { AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import { enqueueForChanges } from '../../lib/notifications/notification.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import { NotificationTarget } from '../../lib/outbox/notification.ts';
import { applyVerdicts } from '../../lib/reconcile/apply-verdicts.ts';
import { parseNotification } from '../../lib/reconcile/connection-notification.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { handleNotifications } from '../../lib/reconcile/handle-notifications.ts';
import { recordStates } from '../../lib/reconcile/record-states.ts';
import { affectedScope, reevaluateConnections } from '../../lib/reconcile/reevaluate.ts';
import { checkServices } from '../../lib/services/check-service.ts';
import { handleSweepRequest } from '../../lib/sweep/handle-sweep-request.ts';
import { SweepRequest } from '../../lib/sweep/sweep-queue.ts';
import type { ItemChange } from '../doubles/memory-table.ts';
import type { QueueName } from './linkgate.ts';
import type { SimulatedDeps } from './wiring.ts';

/** Handles the bodies of a batch; returns the indexes of failed ones. */
type Handler = (bodies: readonly string[], wired: SimulatedDeps) => Promise<readonly number[]>;

/** Parses the bodies of messages. */
function parseAll<const Schema extends v.GenericSchema>(schema: Schema, bodies: readonly string[]) {
  return bodies.map((body) => v.parse(schema, JSON.parse(body)));
}

/** linkgate's functions by queue, as functions/ has them. */
export const handlers: Readonly<Record<QueueName, Handler>> = {
  notifications: handleNotificationBatch,
  rechecks: handleNotificationBatch,
  async requests(bodies, wired) {
    const requests = parseAll(BusMessage, bodies).map(({ detail: { connection, observedAt } }) => ({
      ...connection,
      observedAt,
    }));
    return failedIndexes(await decideConnections(requests, wired));
  },
  async changes(bodies, wired) {
    const events = parseAll(BusMessage, bodies).map(({ detail }) => detail);
    return failedIndexes(await recordStates(events, wired));
  },
  async verdicts(bodies, wired) {
    const locations = parseAll(v.object({ location: AccountRegion }), bodies).map(({ location }) => location);
    for (const location of new Map(locations.map((each) => [formatAccountRegion(each), each])).values())
      await applyVerdicts(location, wired);
    return [];
  },
  async serviceChanges(bodies, wired) {
    const results = await checkServices(bodies, wired);
    return results.some((result) => 'error' in result) ? bodies.map((_, index) => index) : [];
  },
  async sweepQueue(bodies, wired) {
    for (const request of parseAll(SweepRequest, bodies)) await handleSweepRequest(request, wired);
    return [];
  },
  async notificationQueue(bodies, wired) {
    const targets = parseAll(NotificationTarget, bodies);
    const { failed } = await notifyApprovers(targets, wired);
    return failed.map((target) => targets.indexOf(target));
  },
  async records(bodies, wired) {
    for (const body of bodies) {
      const { before, after } = JSON.parse(body) as ItemChange;
      await enqueueForChanges([{ before, after }], wired);
      const scope = affectedScope(before, after);
      if (scope) await reevaluateConnections(scope, wired);
    }
    return [];
  },
};

async function handleNotificationBatch(
  bodies: readonly string[],
  wired: SimulatedDeps,
): Promise<readonly number[]> {
  const notifications = bodies.map(parseNotification);
  const { failedLocations } = await handleNotifications(
    notifications.filter((notification) => notification !== undefined),
    wired,
  );
  return notifications.flatMap((notification, index) =>
    notification && failedLocations.has(formatAccountRegion(notification.location)) ? [index] : [],
  );
}

function failedIndexes(results: readonly object[]): number[] {
  return results.flatMap((result, index) => ('error' in result ? [index] : []));
}
