import { type AuditEvent, auditEvent } from '../audit/audit.ts';
import { type ConnectionRecord, isRightlyAnswered } from '../connections/connection-record.ts';
import { reopenedReason } from '../connections/record-state.ts';
import type { Connection } from '../privatelink/connection.ts';
import { omit } from '../values/omit.ts';

/**
 * Whether EC2 shows a request pending acceptance again, in a later describe call than the recorded answer, without a pending
 * effect.
 */
export function isPendingAgain(
  record: ConnectionRecord,
  { state }: Connection,
  observedAt: string | undefined,
): observedAt is string {
  return (
    state === 'pendingAcceptance' &&
    record.state !== state &&
    record.pendingEffect === undefined &&
    record.endedAt === undefined &&
    observedAt !== undefined &&
    observedAt >= (record.observedAt ?? '') &&
    !isRightlyAnswered(record, observedAt)
  );
}

/** Reopens a request. Keeps the decisions of people, and cancels a scheduled disconnect. */
export function reopenRequest(record: ConnectionRecord, observedAt: string): ConnectionRecord {
  const { approvalRequest, ...recordFields } = omit(
    record,
    'verdict',
    'missingSince',
    'serviceDeregisteredAt',
    'revocation',
    'extended',
    'expiryWarning',
    'reevaluatedAt',
  );
  const request = { ...recordFields, state: 'pendingAcceptance' as const, observedAt };
  return { ...request, ...(record.reevaluatedAt === undefined && approvalRequest && { approvalRequest }) };
}

export function reopenedEvent(record: ConnectionRecord, now: Date): AuditEvent {
  const reason = reopenedReason(record);
  return auditEvent('ec2', 'observed', now, { state: 'pendingAcceptance', reason });
}

/** Decides an ended or deregistered request from the start, because EC2 lists it again. */
export function reopenIfRelisted(record: ConnectionRecord, { state }: Connection): ConnectionRecord {
  if (record.endedAt === undefined && record.serviceDeregisteredAt === undefined) return record;
  return {
    ...omit(record, 'endedAt', 'serviceDeregisteredAt', 'missingSince', 'verdict', 'approvalRequest'),
    state,
  };
}
