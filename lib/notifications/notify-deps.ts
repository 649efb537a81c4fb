import type { LinkClaims } from '../channels/approval-link/link.ts';
import type { EmailSender } from '../channels/email/email-sender.ts';
import type { SlackWebApi } from '../channels/slack/web-api.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import type { NotificationQueue } from './notification.ts';

/** What it takes to tell approvers of what waits for them, beside Slack. */
export interface NotifyDeps extends Runtime {
  readonly table: Table;
  readonly emailSender: EmailSender;
  readonly createApprovalLink: (claims: LinkClaims) => Promise<string>;
  readonly notificationQueue: NotificationQueue;
}

export interface NotifyInSlackDeps extends NotifyDeps {
  /** Absent while nobody has connected Slack. */
  readonly slack?: Pick<SlackWebApi, 'post' | 'update' | 'remove'>;
}

/**
 * For how long whoever tells of something has it to themselves, in milliseconds: as long as the function may run. So no two
 * messages are posted for one request, and no older drawing of it ever lands on a newer one.
 */
const notificationLeaseMs = 60_000;

export function newLeaseEnd(now: Date): string {
  return new Date(now.getTime() + notificationLeaseMs).toISOString();
}

export function isLeased(held: { readonly leaseUntil?: string } | undefined, now: Date): boolean {
  return held?.leaseUntil !== undefined && new Date(held.leaseUntil) > now;
}
