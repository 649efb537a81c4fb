import type { ApprovalView } from '../approvals/approval-view.ts';
import { type ApproverGroup, findGroup } from '../approvers/approver-group.ts';
import { type ApprovalRequest, isLaterStage } from '../connections/approval-request.ts';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import { omitUnreadable, type ReadDeps } from '../storage/entity.ts';

/** A record of a request that people were asked about. */
export type AwaitingRecord = ConnectionRecord & { readonly approvalRequest: ApprovalRequest };

/** A request that people were asked about, and whom else to call upon now. */
export interface ApprovalTarget extends ApprovalView {
  readonly record: AwaitingRecord;
  /** The group behind the one that was asked, once it is time. */
  readonly escalation: ApproverGroup | undefined;
}

export function hasApprovalRequest(record: ConnectionRecord | undefined): record is AwaitingRecord {
  return record?.approvalRequest !== undefined;
}

/** The group behind a group, which is called upon when time runs out. */
export async function escalationGroup(
  { name, escalateTo }: ApproverGroup,
  { table, reportError }: ReadDeps,
): Promise<ApproverGroup | undefined> {
  return escalateTo === undefined || escalateTo === name
    ? undefined
    : findGroup(escalateTo, table).catch(omitUnreadable(reportError));
}

/** Whether it is time to call upon more than the approvers. */
export function isEscalated(stage: ApprovalRequest['stage']): boolean {
  return isLaterStage(stage, 'reminded');
}
