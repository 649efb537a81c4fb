import type { ApprovalView } from '../approvals/approval-view.ts';
import { type ApproverGroup, findGroup } from '../approvers/approver-group.ts';
import { type ApprovalRequest, isLaterStage } from '../connections/approval-request.ts';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import { omitUnreadable, type ReadDeps } from '../storage/entity.ts';

/** A record with an approval request. */
export type AwaitingRecord = ConnectionRecord & { readonly approvalRequest: ApprovalRequest };

/** An approval request with everything that a notification about it needs. */
export interface ApprovalTarget extends ApprovalView {
  readonly record: AwaitingRecord;
  /** The group to which the asked group escalates, from the stage `escalated` on. */
  readonly escalation: ApproverGroup | undefined;
}

export function hasApprovalRequest(record: ConnectionRecord | undefined): record is AwaitingRecord {
  return record?.approvalRequest !== undefined;
}

/** @returns the group to which a group escalates. */
export async function escalationGroup(
  { name, escalateTo }: ApproverGroup,
  { table, reportError }: ReadDeps,
): Promise<ApproverGroup | undefined> {
  return escalateTo === undefined || escalateTo === name
    ? undefined
    : findGroup(escalateTo, table).catch(omitUnreadable(reportError));
}

/** Whether the stage also notifies the escalation group. */
export function isEscalated(stage: ApprovalRequest['stage']): boolean {
  return isLaterStage(stage, 'reminded');
}
