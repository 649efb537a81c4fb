import * as v from 'valibot';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import type { EnqueueMissedDeps } from '../customer-notifications/due-events.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import type { EnqueueDueDeps } from '../notifications/notification.ts';
import type { Rule } from '../policy/rule.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { ApplyQueue } from '../reconcile/apply-queue.ts';
import { ChangeCounts, noChanges } from '../reconcile/detect-changes.ts';
import type { NotificationDeps } from '../reconcile/handle-notifications.ts';

/** `pending`: the connections that wait for acceptance. `full`: all connections. */
export const SweepScope = v.picklist(['pending', 'full']);
export type SweepScope = v.InferOutput<typeof SweepScope>;

/** The numbers that a sweep reports. */
export const SweepResult = v.object({
  ...ChangeCounts.entries,
  /** Connections that EC2 no longer lists. */
  ended: v.number(),
  /** Endpoint quotas that differed from EC2. */
  quotasRepaired: v.number(),
});
export type SweepResult = v.InferOutput<typeof SweepResult>;

export function emptySweep(): SweepResult {
  return { ...noChanges(), ended: 0, quotasRepaired: 0 };
}

export interface SweepDeps extends NotificationDeps, EnqueueDueDeps, EnqueueMissedDeps {
  readonly rules: readonly Rule[];
  readonly applyQueue: ApplyQueue;
  /** Milliseconds until Lambda stops this invocation. */
  readonly remainingMs: () => number;
}

/** A sweep of one location, which may consist of several runs. */
export interface Sweep {
  readonly location: AccountRegion;
  readonly scope: SweepScope;
  /** ISO 8601: the start of its first run. */
  readonly startedAt: string;
  /** Whether an earlier run read the first pages. Steps then have not seen all connections. */
  readonly isResumed: boolean;
}

/** One page of the connections that EC2 lists. */
export interface SweepPage {
  readonly connections: readonly Connection[];
  /** The endpoints of connections that linkgate cannot read. */
  readonly unreadableIds: readonly string[];
  /** The readable records of the connections. The first step reads them. */
  records: readonly ConnectionRecord[];
}

/** Each function returns the numbers to add to the sweep's result. */
type StepFunction<Arguments extends readonly unknown[]> = (
  ...page: Arguments
) => Promise<Partial<SweepResult> | undefined>;

/** One concern of a sweep. The steps of a sweep run in their order, and share each page. A repeated page is harmless. */
export interface SweepStep {
  /** Runs before the first page of the first run. */
  readonly start?: StepFunction<[]>;
  readonly onPage?: StepFunction<[page: SweepPage]>;
  /** Runs after the last page. */
  readonly finish?: StepFunction<[]>;
}
