import type { LinkClaims } from '../channels/approval-link/link.ts';
import type { EmailMessage, EmailSender } from '../channels/email/email-sender.ts';
import type { SlackMessage } from '../channels/slack/blocks.ts';
import type { SlackWebApi } from '../channels/slack/web-api.ts';
import type { DeliveryRun } from '../outbox/deliver.ts';
import type { NotificationQueue } from '../outbox/notification.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';

/** The dependencies of notify-approvers without Slack. */
export interface NotifyDeps extends Runtime {
  readonly table: Table;
  readonly emailSender: EmailSender;
  /** Publishes to the operations topic: to these addresses, and to its other subscribers. */
  readonly publishToOperations: (email: EmailMessage, addresses: readonly string[]) => Promise<void>;
  readonly createApprovalLink: (claims: LinkClaims) => Promise<string>;
  readonly notificationQueue: NotificationQueue;
}

/** The dependencies of one run of notify-approvers. */
export type NotificationRun = NotifyDeps & DeliveryRun<SlackMessage>;

export interface NotifyInSlackDeps extends NotifyDeps {
  /** Absent until somebody connects Slack. */
  readonly slack?: Pick<SlackWebApi, 'post' | 'update' | 'remove'>;
}
