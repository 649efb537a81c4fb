import { enqueueMissedEvents } from '../../customer-notifications/due-events.ts';
import { enqueueDueNotifications } from '../../notifications/notification.ts';
import type { Sweep, SweepDeps, SweepStep } from '../sweep.ts';

/** Enqueues the notifications that approvers and customers have not received. A lost event must not suppress one. */
export function createNotificationsStep({ scope }: Sweep, deps: SweepDeps): SweepStep {
  return {
    async onPage({ records }) {
      await enqueueDueNotifications(records, deps);
      if (scope === 'full') await enqueueMissedEvents(records, deps);
      return undefined;
    },
  };
}
