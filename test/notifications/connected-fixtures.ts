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

/** Three days after noon: when the grace period of what ends is over. */
export const disconnectAt = '2026-11-24T12:00:00.000Z';
const time = noon.toISOString();
const reason = `account ${consumer} is not on the allowlist of orders`;
const unlisted = aFinding({ rule: 'account-is-not-listed', outcome: 'ask', reason });

/** A connection whose permission has gone, in its grace period. */
export function anEnding(record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  const gone = aFinding({ rule: 'permission-is-gone', outcome: 'reject', reason });
  return aRecord({
    state: 'available',
    acceptRequestedAt: '2026-11-01T00:00:00.000Z',
    reevaluatedAt: time,
    verdict: aVerdict('reject', { findings: [gone, unlisted], until: disconnectAt }),
    revocation: { since: time, disconnectAt, cause: 'policy', by: 'linkgate' },
    approvalRequest: anApprovalRequest({ deadline: disconnectAt, version: 3 }),
    ...record,
  });
}

/** A connection that somebody accepted without linkgate, and that people are asked about. */
export function aForeign(record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  const elsewhere = aFinding({
    rule: 'accepted-elsewhere',
    outcome: 'ask',
    reason: 'somebody accepted it without linkgate',
  });
  return aRecord({
    state: 'available',
    reevaluatedAt: time,
    verdict: aVerdict('ask', { findings: [elsewhere, unlisted] }),
    approvalRequest: anApprovalRequest({ version: 3 }),
    ...record,
  });
}

/** A connection whose time was over when no more could be cut. */
export function anOverdue(record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  const limited = aFinding({
    rule: 'cuts-are-limited',
    outcome: 'ask',
    reason: 'its time was over, and linkgate cuts only so many: a person decides',
  });
  return anEnding({
    verdict: aVerdict('ask', { findings: [limited, unlisted] }),
    revocation: { since: time, disconnectAt: time, cause: 'policy', by: 'linkgate', overQuota: true },
    approvalRequest: anApprovalRequest({ version: 3 }),
    ...record,
  });
}

/** The time of what ended is over. */
export const cutByPolicy = {
  verdict: aVerdict('reject', {
    decidedAt: disconnectAt,
    findings: [aFinding({ rule: 'permission-is-gone', outcome: 'reject', reason })],
  }),
  effect: { action: 'reject', asked: 0 },
} as const satisfies Partial<ConnectionRecord>;

export const cutByPerson = {
  verdict: aVerdict('reject', { decidedBy: alice }),
  approval: anApproval({ decision: 'deny', reason: 'contract ended' }),
  effect: { action: 'reject', asked: 0 },
} as const satisfies Partial<ConnectionRecord>;

export const approvedToStay = {
  verdict: aVerdict('accept', { decidedBy: alice }),
  approval: anApproval({ reason: 'renewed' }),
} as const satisfies Partial<ConnectionRecord>;

/** What was to be cut, and is allowed again. */
export function calledOff(): ConnectionRecord {
  const { revocation: _revocation, ...record } = anEnding({ verdict: aVerdict('accept') });
  return record;
}

/** What is shown to have been cut. */
export function shownCut(how: Partial<ConnectionRecord>): ConnectionRecord {
  const { effect: _effect, ...record } = anEnding({ ...how, state: 'rejected' });
  return record;
}
