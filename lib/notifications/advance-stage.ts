import { computeApprovalKind } from '../approvals/status.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import { currentStage, type EscalationStage } from '../connections/approval-request.ts';
import { findRecord } from '../connections/connection-record.ts';
import { advanceStage, transitionWrites } from '../connections/transition.ts';
import { isConnected } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { type AwaitingRecord, hasApprovalRequest } from './awaiting-record.ts';
import { isRemindable } from './notification.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** @returns the stage that an open request has reached, undefined where its record has it already. */
export function nextStage(
  record: AwaitingRecord,
  { onExpiry }: Pick<Service, 'onExpiry'>,
  now: Date,
): EscalationStage | undefined {
  const stage = currentStage(record.approvalRequest, now);
  const isDecidedThen = stage === 'expired' && isDecidedByPolicyOnExpiry(record, onExpiry);
  return isRemindable(record) && stage !== record.approvalRequest.stage && !isDecidedThen ? stage : undefined;
}

/** Policy decides at the deadline: it rejects where the service says so, and it disconnects a scheduled disconnect. */
function isDecidedByPolicyOnExpiry(record: AwaitingRecord, onExpiry: Service['onExpiry']): boolean {
  if (isConnected(record.state)) return computeApprovalKind(record) === 'scheduled-disconnect';
  return onExpiry === 'reject' && record.verdict?.outcome === 'ask';
}

/**
 * Records the stage that a request has reached, and skips the stages before it.
 * @param nextGroup the group that the asked group escalates to.
 */
export async function advanceNotifiedStage(
  record: AwaitingRecord,
  service: Pick<Service, 'onExpiry'>,
  nextGroup: ApproverGroup | undefined,
  deps: NotifyDeps,
): Promise<AwaitingRecord | undefined> {
  return retryOnConflict(record.endpointId, async (isFirst) => {
    const before = isFirst ? record : await findRecord(record.endpointId, deps.table);
    if (!hasApprovalRequest(before)) return undefined;
    const now = deps.now();
    const stage = nextStage(before, service, now);
    if (stage === undefined) return before;
    const transition = advanceStage(before, stage, nextGroup?.name, now);
    await deps.table.write(transitionWrites(before, transition, deps.requestId));
    // The retry reads the record again and finds the stage recorded, whether this write succeeded or another one did.
    return conflict;
  });
}
