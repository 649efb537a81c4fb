import {
  type CustomerNotificationQueue,
  enqueueMissedNotifications,
} from '../../customer-notifications/enqueue-missed.ts';
import { type EnqueueDueDeps, enqueueDueNotifications } from '../../notifications/notification.ts';
import type { ReadDeps } from '../../storage/entity.ts';
import type { Sweep, SweepStep } from '../sweep.ts';

export interface NotificationsStepDeps extends ReadDeps, EnqueueDueDeps {
  readonly customerNotificationQueue: CustomerNotificationQueue;
}

/** Enqueues the notifications that approvers and customers have not received. A lost event must not suppress one. */
export function createNotificationsStep({ scope }: Sweep, deps: NotificationsStepDeps): SweepStep {
  return {
    async onPage({ records }) {
      await enqueueDueNotifications(records, deps);
      if (scope === 'full') await enqueueMissedNotifications(records, deps);
      return undefined;
    },
  };
}
