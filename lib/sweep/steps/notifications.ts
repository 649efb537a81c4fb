import { type EnqueueMissedDeps, enqueueMissedEvents } from '../../customer-notifications/due-events.ts';
import { type EnqueueDueDeps, enqueueDueNotifications } from '../../notifications/notification.ts';
import type { Sweep, SweepStep } from '../sweep.ts';

export interface NotificationsStepDeps extends EnqueueDueDeps, EnqueueMissedDeps {}

/** Enqueues the notifications that approvers and customers have not received. A lost event must not suppress one. */
export function createNotificationsStep({ scope }: Sweep, deps: NotificationsStepDeps): SweepStep {
  return {
    async onPage({ records }) {
      await enqueueDueNotifications(records, deps);
      if (scope === 'full') await enqueueMissedEvents(records, deps);
      return undefined;
    },
  };
}
