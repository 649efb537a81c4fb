import { type ApproverGroup, findGroup } from '../approval/approver-group.ts';
import { type Asking, isLater } from '../approval/asking.ts';
import type { RequestView } from '../approval/request-view.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import { leftOut, type ReadDeps } from '../table/item.ts';

/** A record of a request that people were asked about. */
export type AskedRecord = ConnectionRecord & { readonly asking: Asking };

/** A request that people were asked about, and whom else to call upon now. */
export interface AskedRequest extends RequestView {
  readonly record: AskedRecord;
  /** The group behind the one that was asked, once it is time. */
  readonly escalation: ApproverGroup | undefined;
}

export function isAsked(record: ConnectionRecord | undefined): record is AskedRecord {
  return record?.asking !== undefined;
}

/** The group behind a group, which is called upon when time runs out. */
export async function groupBehind(
  { name, escalateTo }: ApproverGroup,
  { table, report }: ReadDeps,
): Promise<ApproverGroup | undefined> {
  return escalateTo === undefined || escalateTo === name
    ? undefined
    : findGroup(escalateTo, table).catch(leftOut(report));
}

/** Whether it is time to call upon more than the approvers. */
export function isEscalated(stage: Asking['stage']): boolean {
  return isLater(stage, 'reminded');
}
