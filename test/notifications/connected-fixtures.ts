import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import {
  aFinding,
  alice,
  anApproval,
  anApprovalRequest,
  aRecord,
  aVerdict,
  consumer,
  noon,
} from '../builders.ts';

/** The end of the grace period, three days after noon. */
export const disconnectAt = '2026-11-24T12:00:00.000Z';
const time = noon.toISOString();
const reason = `account ${consumer} is not on the allowlist of orders`;
const unlistedFinding = aFinding({ rule: 'account-is-not-listed', outcome: 'ask', reason });

/** A connection that lost its permission, in its grace period. */
export function aScheduledDisconnect(record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  const notAllowedFinding = aFinding({ rule: 'no-longer-allowed', outcome: 'reject', reason });
  return aRecord({
    state: 'available',
    acceptRequestedAt: '2026-11-01T00:00:00.000Z',
    reevaluatedAt: time,
    verdict: aVerdict('reject', { findings: [notAllowedFinding, unlistedFinding], until: disconnectAt }),
    revocation: { since: time, disconnectAt, cause: 'policy', by: 'linkgate' },
    approvalRequest: anApprovalRequest({ deadline: disconnectAt, version: 3 }),
    ...record,
  });
}

/** A connection accepted outside linkgate that awaits approval. */
export function anExternallyAccepted(record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  const acceptedOutsideFinding = aFinding({
    rule: 'accepted-outside-linkgate',
    outcome: 'ask',
    reason: 'somebody accepted it outside linkgate',
  });
  return aRecord({
    state: 'available',
    reevaluatedAt: time,
    verdict: aVerdict('ask', { findings: [acceptedOutsideFinding, unlistedFinding] }),
    approvalRequest: anApprovalRequest({ version: 3 }),
    ...record,
  });
}

/** A connection whose grace period ended without disconnect quota left. */
export function anOverQuotaDisconnect(record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  const limited = aFinding({
    rule: 'disconnect-quota-exceeded',
    outcome: 'ask',
    reason:
      'its grace period is over, but the disconnect quota of orders for 24 hours is used up: a person decides',
  });
  return aScheduledDisconnect({
    verdict: aVerdict('ask', { findings: [limited, unlistedFinding] }),
    revocation: { since: time, disconnectAt: time, cause: 'policy', by: 'linkgate', overQuota: true },
    approvalRequest: anApprovalRequest({ version: 3 }),
    ...record,
  });
}

/** The grace period is over and policy disconnects. */
export const disconnectedByPolicy = {
  verdict: aVerdict('reject', {
    decidedAt: disconnectAt,
    findings: [aFinding({ rule: 'no-longer-allowed', outcome: 'reject', reason })],
  }),
  pendingEffect: { action: 'reject', attempts: 0 },
} as const satisfies Partial<ConnectionRecord>;

export const disconnectedByPerson = {
  verdict: aVerdict('reject', { decidedBy: alice }),
  personDecision: anApproval({ decision: 'deny', reason: 'contract ended' }),
  pendingEffect: { action: 'reject', attempts: 0 },
} as const satisfies Partial<ConnectionRecord>;

export const approvedByPerson = {
  verdict: aVerdict('accept', { decidedBy: alice }),
  personDecision: anApproval({ reason: 'renewed' }),
} as const satisfies Partial<ConnectionRecord>;

/** A connection whose scheduled disconnect linkgate cancelled, because it is allowed again. */
export function aCancelledDisconnect(): ConnectionRecord {
  const { revocation: _revocation, ...record } = aScheduledDisconnect({ verdict: aVerdict('accept') });
  return record;
}

/** A disconnected connection. */
export function aDisconnected(how: Partial<ConnectionRecord>): ConnectionRecord {
  const { pendingEffect: _effect, ...record } = aScheduledDisconnect({ ...how, state: 'rejected' });
  return record;
}
