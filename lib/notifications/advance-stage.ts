import { computeApprovalKind } from '../approvals/status.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import { currentStage, type EscalationStage } from '../connections/approval-request.ts';
import { connectionEntity, recordKey } from '../connections/connection-record.ts';
import { advanceStage, transitionWrites } from '../connections/transition.ts';
import { isConnected } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { type AwaitingRecord, hasApprovalRequest } from './awaiting-record.ts';
import { isRemindable } from './notification.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** @returns the current stage of an open request, undefined if its record already has it. */
export function nextStage(
  record: AwaitingRecord,
  { onExpiry }: Pick<Service, 'onExpiry'>,
  now: Date,
): EscalationStage | undefined {
  const stage = currentStage(record.approvalRequest, now);
  const isDecidedThen = stage === 'expired' && isDecidedByPolicyOnExpiry(record, onExpiry);
  return isRemindable(record) && stage !== record.approvalRequest.stage && !isDecidedThen ? stage : undefined;
}

/** Whether policy decides at the deadline: it rejects if the service is set to reject, and performs a scheduled disconnect. */
function isDecidedByPolicyOnExpiry(record: AwaitingRecord, onExpiry: Service['onExpiry']): boolean {
  if (isConnected(record.state)) return computeApprovalKind(record) === 'scheduled-disconnect';
  return onExpiry === 'reject' && record.verdict?.outcome === 'ask';
}

/**
 * Records the current stage of a request, and skips earlier stages.
 * @param nextGroup the group to which the asked group escalates.
 */
export async function advanceNotifiedStage(
  record: AwaitingRecord,
  service: Pick<Service, 'onExpiry'>,
  nextGroup: ApproverGroup | undefined,
  deps: NotifyDeps,
): Promise<AwaitingRecord | undefined> {
  return retryOnConflict(record.endpointId, async (isFirst) => {
    const before = isFirst ? record : await connectionEntity.find(recordKey(record.endpointId), deps.table);
    if (!hasApprovalRequest(before)) return undefined;
    const now = deps.now();
    const stage = nextStage(before, service, now);
    if (stage === undefined) return before;
    const transition = advanceStage(before, stage, nextGroup?.name, now);
    await deps.table.write(transitionWrites(before, transition, deps.requestId));
    // The retry reads the record again and finds the stage recorded, by this write or by another run.
    return conflict;
  });
}
