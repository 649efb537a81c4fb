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

/** The stage that an open request has reached, where that is not written down yet. */
export function nextStage(
  record: AwaitingRecord,
  { onExpiry }: Pick<Service, 'onExpiry'>,
  now: Date,
): EscalationStage | undefined {
  const stage = currentStage(record.approvalRequest, now);
  const isDecidedThen = stage === 'expired' && isDecidedByPolicyOnExpiry(record, onExpiry);
  return isRemindable(record) && stage !== record.approvalRequest.stage && !isDecidedThen ? stage : undefined;
}

/** What a service rejects when it expires, and what is cut then, is decided like everything else, by the policy. */
function isDecidedByPolicyOnExpiry(record: AwaitingRecord, onExpiry: Service['onExpiry']): boolean {
  if (isConnected(record.state)) return computeApprovalKind(record) === 'scheduled-disconnect';
  return onExpiry === 'reject' && record.verdict?.outcome === 'ask';
}

/**
 * Writes the stage down that a request has reached; those between are passed over.
 * @param behind the group behind the one that was asked.
 */
export async function advanceNotifiedStage(
  record: AwaitingRecord,
  service: Pick<Service, 'onExpiry'>,
  behind: ApproverGroup | undefined,
  deps: NotifyDeps,
): Promise<AwaitingRecord | undefined> {
  return retryOnConflict(record.endpointId, async (isFirst) => {
    const before = isFirst ? record : await findRecord(record.endpointId, deps.table);
    if (!hasApprovalRequest(before)) return undefined;
    const now = deps.now();
    const stage = nextStage(before, service, now);
    if (stage === undefined) return before;
    const transition = advanceStage(before, stage, behind?.name, now);
    await deps.table.write(transitionWrites(before, transition, deps.requestId));
    // Written or not, it is read anew, and found to be there.
    return conflict;
  });
}
