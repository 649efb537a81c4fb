import { emptyGroup, groupKey, readGroup } from '../../../lib/approvers/approver-group.ts';
import { type AuditEntry, auditPartition, readAuditEntry } from '../../../lib/audit/audit.ts';
import { awaitingApprovalPartition } from '../../../lib/connections/awaiting-approval.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  readRecord,
  recordKey,
  recordPartitions,
} from '../../../lib/connections/connection-record.ts';
import { pendingEffectPartition, readPendingEffect } from '../../../lib/connections/pending-effects.ts';
import { nextReevaluation, reevaluationPartition } from '../../../lib/connections/reevaluations.ts';
import { isConnected } from '../../../lib/privatelink/connection.ts';
import type { Key } from '../../../lib/storage/table.ts';
import type { ItemChange, Items } from '../../doubles/memory-table.ts';
import type { AssertInvariant } from '../invariants.ts';
import type { Run } from '../invocations.ts';
import { isNewerMajor, readAddition } from '../mixed-versions.ts';
import { readOraclePolicy } from '../policy-oracle.ts';
import type { watchCalls } from './calls.ts';
import type { watchDecisions } from './decisions.ts';

/** The items that linkgate changes by read and write: attributes of the next version stay. Other items are replaced as a whole. */
const rewrittenPartitions = [...recordPartitions, 'SERVICE', 'ENDPOINT_QUOTA#'];

/** Checks all writes to the table. */
export function watchWrites(
  items: Items,
  mustHold: AssertInvariant,
  note: (who: string, what: string) => void,
  { recordDecision, findAttempt }: Pick<ReturnType<typeof watchDecisions>, 'recordDecision' | 'findAttempt'>,
  { lastRead }: Pick<ReturnType<typeof watchCalls>, 'lastRead'>,
  now: () => number,
) {
  const histories = new Map<string, AuditEntry[]>();
  /** The time since when each request is open. */
  const openSince = new Map<string, number>();
  const closedSince = new Map<string, number>();
  const historyOf = (endpointId: string): readonly AuditEntry[] => histories.get(endpointId) ?? [];

  function recordOf(endpointId: string): ConnectionRecord | undefined {
    const [item] = items.read([recordKey(endpointId)]);
    return item && !isNewerMajor(item) ? readRecord(item) : undefined;
  }

  const isUnreadable = (endpointId: string) => items.read([recordKey(endpointId)]).some(isNewerMajor);

  function auditWritten(run: Run, { before, after }: ItemChange): void {
    mustHold(
      'audit entries are only ever added, in order',
      before === undefined && after !== undefined,
      before?.pk ?? '',
    );
    if (!after) return;
    const entry = readAuditEntry(after);
    const { endpointId, sequence, action, actor, outcome, state, reason = '' } = entry;
    const history = histories.get(endpointId) ?? [];
    histories.set(endpointId, history);
    note(`  ${endpointId}`, `${sequence} ${action} ${outcome ?? state ?? ''} by ${actor} ${reason}`);
    mustHold(
      'audit entries are only ever added, in order',
      sequence === history.length + 1,
      `${sequence} of ${endpointId} follows ${history.length}`,
    );
    mustHold(
      'each audit event is recorded once',
      !isDuplicateEntry(entry, history),
      `\`${action}\` of ${endpointId}`,
    );
    if (isPersonDecision(entry)) {
      recordDecision(run, entry);
      mustBeAuthorized(run, entry);
    }
    history.push(entry);
  }

  /** Checks the authorization of a decision by the last reads of the run, as an independent implementation. */
  function mustBeAuthorized(run: Run, { endpointId, actor, action }: AuditEntry): void {
    const record = recordOf(endpointId);
    if (!record) return;
    const { service, entries } = readOraclePolicy(record, { find: (key) => lastRead(run, key) });
    const item = lastRead(run, groupKey(service?.approvers ?? ''));
    const { slackUsers, emails, decisionChannels } = item ? readGroup(item) : emptyGroup('');
    const named = [
      ...slackUsers.map(({ team, user }) => `slack:${team}:${user}`),
      ...emails.map((each) => `mailto:${each}`),
    ];
    mustHold(
      'only current approvers decide',
      actor.startsWith('arn:') || (named.includes(actor) && decisionChannels !== 'api'),
      `${actor} ${action} ${endpointId}`,
    );
    mustHold(
      'nobody approves a request of an account that they own',
      action === 'denied' || entries.every(({ owners }) => !owners?.includes(actor)),
      `${actor} ${action} ${endpointId}`,
    );
    const clicked = findAttempt(run)?.ts;
    const read = lastRead(run, recordKey(endpointId));
    mustHold(
      'nobody decides by a message that is not recorded',
      clicked === undefined || (read && readRecord(read).notification?.slackMessage?.ts === clicked) === true,
      `${actor} ${action} ${endpointId} in ${clicked}`,
    );
  }

  /** @param words the decisions in the same transaction. */
  function mustCloseOnce(run: Run, { before, after }: ItemChange, words: readonly AuditEntry[]): void {
    if (!after || isNewerMajor(after) || isNewerMajor(before)) return;
    const record = readRecord(after);
    const known = before && readRecord(before);
    const [{ endpointId, approval }, earlier] = [record, known?.approval];
    const isKept = approval ? approval.at === earlier?.at : known && isDecisionReopened(known, record);
    mustHold(
      'one decision closes a request',
      !earlier || (words.length === 0 && isKept === true),
      `${earlier?.by} has decided ${endpointId}, not ${approval?.by ?? words[0]?.actor}`,
    );
    if (earlier || approval?.decision !== 'approve') return;
    const group = lastRead(run, groupKey('default'));
    const quorum = Number(group?.quorum ?? Number.POSITIVE_INFINITY);
    const approvers = new Set(
      historyOf(endpointId)
        .filter(({ action }) => action === 'approved')
        .map(({ actor }) => actor),
    );
    mustHold(
      'an approval needs its quorum',
      approvers.size >= quorum,
      `${approvers.size} of ${quorum} approved ${endpointId}`,
    );
  }

  function mustHavePendingPointer({ endpointId, location, pendingEffect }: ConnectionRecord): void {
    const [pointer] = items
      .read([{ pk: pendingEffectPartition(location), sk: endpointId }])
      .map(readPendingEffect);
    mustHold(
      'each pending effect has a pointer',
      pointer?.action === pendingEffect?.action,
      `${pendingEffect?.action ?? 'nothing'} is due of ${endpointId}, and ${pointer?.action ?? 'nothing'} is pointed at`,
    );
  }

  function mustHaveReevaluationPointer(record: ConnectionRecord): void {
    const time = nextReevaluation(record);
    const key = { pk: reevaluationPartition(record.location), sk: `${time}#${record.endpointId}` };
    mustHold(
      'each scheduled re-evaluation has a pointer',
      time === undefined || items.read([key]).length > 0,
      `${record.endpointId} at ${time}`,
    );
  }

  function mustHaveApprovalPointer(record: ConnectionRecord): void {
    const { endpointId, approvalRequest } = record;
    const isPointedAt =
      items.read([{ pk: awaitingApprovalPartition(approvalRequest?.group ?? ''), sk: endpointId }]).length >
      0;
    mustHold(
      'each request that awaits approval has a pointer',
      isPointedAt === (approvalRequest !== undefined && isAwaitingApproval(record)),
      `${endpointId} ${isPointedAt ? 'does not wait' : 'waits'} for ${approvalRequest?.group}`,
    );
    const [is, was] = isAwaitingApproval(record) ? [openSince, closedSince] : [closedSince, openSince];
    was.delete(endpointId);
    if (!is.has(endpointId)) is.set(endpointId, now());
  }

  /** The deployed version keeps attributes of the next one, and does not write items that it cannot read. */
  function mustRespectNewer({ version, requestId }: Run, { before, after }: ItemChange): void {
    mustHold(
      'items of a newer major version are not changed',
      !isNewerMajor(before),
      `${requestId} writes ${before?.sk}`,
    );
    if (version === 'next' || !after || readAddition(before) === undefined) return;
    if (!rewrittenPartitions.some((partition) => after.pk.startsWith(partition))) return;
    mustHold(
      'attributes of a newer version are kept',
      readAddition(after) === readAddition(before),
      `${requestId} loses it from ${after.pk} ${after.sk}`,
    );
  }

  return {
    recordOf,
    isUnreadable,
    historyOf,
    /** The table was replaced: its audit trails are the history. */
    replaced(): void {
      histories.clear();
      openSince.clear();
      closedSince.clear();
      for (const item of recordPartitions.flatMap((partition) => items.page(partition, {}).items)) {
        const trail = items.page(`${auditPartition}${item.sk}`, {}).items;
        histories.set(item.sk, trail.map(readAuditEntry));
      }
    },
    /** @param endpointId default: any request. */
    hasSpoken: (actor: string, endpointId?: string): boolean =>
      [...histories.values()]
        .flat()
        .some(
          (entry) =>
            isPersonDecision(entry) &&
            entry.actor === actor &&
            (endpointId ?? entry.endpointId) === entry.endpointId,
        ),
    wasOpenSince: (endpointId: string, time: number) => (openSince.get(endpointId) ?? Infinity) <= time,
    wasClosedSince: (endpointId: string, time: number) => (closedSince.get(endpointId) ?? Infinity) <= time,
    written(run: Run, changes: readonly ItemChange[]): void {
      for (const change of changes) mustRespectNewer(run, change);
      for (const change of changes)
        if (changeKey(change).pk.startsWith(auditPartition)) auditWritten(run, change);
      const touched = new Set<string>();
      for (const change of changes) {
        const { pk, sk } = changeKey(change);
        if (recordPartitions.includes(pk)) mustCloseOnce(run, change, listDecisions(changes, sk));
        if (recordPartitions.includes(pk) || /^(PENDING_EFFECT|AWAITING_APPROVAL)#/.test(pk)) touched.add(sk);
      }
      for (const record of [...touched].map(recordOf))
        if (record) {
          mustHavePendingPointer(record);
          mustHaveReevaluationPointer(record);
          mustHaveApprovalPointer(record);
        }
    },
  };
}

function changeKey({ before, after }: ItemChange): Key {
  return after ?? before ?? { pk: '', sk: '' };
}

/** Whether a decision no longer counts: a new approval request, a revocation, or an external accept of a denied request. */
function isDecisionReopened(before: ConnectionRecord, after: ConnectionRecord): boolean {
  const isReviewedFirst = before.reevaluatedAt === undefined && after.reevaluatedAt !== undefined;
  const isLetIn = before.approval?.decision === 'deny' && isReviewedFirst && isConnected(after.state);
  return (
    before.approvalRequest?.version !== after.approvalRequest?.version ||
    before.revokeOrder?.at !== after.revokeOrder?.at ||
    isLetIn
  );
}

function listDecisions(changes: readonly ItemChange[], endpointId: string): AuditEntry[] {
  return changes
    .flatMap(({ after }) => (after?.pk === `${auditPartition}${endpointId}` ? [readAuditEntry(after)] : []))
    .filter(isPersonDecision);
}

function isPersonDecision({ action }: AuditEntry): boolean {
  return action === 'approved' || action === 'denied';
}

/** Whether an audit entry repeats an earlier one that still holds. */
function isDuplicateEntry(
  { action, outcome, state, policyVersions, findings }: AuditEntry,
  history: readonly AuditEntry[],
): boolean {
  const last = history.at(-1);
  switch (action) {
    case 'requested':
      return history.length > 0;
    case 'decided':
      return (
        last?.action === action &&
        last.outcome === outcome &&
        // A freed endpoint of an entry changes the findings but not the policy versions.
        JSON.stringify([last.policyVersions, last.findings]) === JSON.stringify([policyVersions, findings])
      );
    case 'applied': {
      const since = history.slice(history.findLastIndex(isDecisionEntry) + 1);
      return since.some((entry) => entry.action === action && entry.outcome === outcome);
    }
    case 'deleted':
      return last?.action === action;
    case 'observed':
      return last?.action === action && last.state === state;
    default:
      return false;
  }
}

function isDecisionEntry({ action, reason }: AuditEntry): boolean {
  return (
    action === 'decided' ||
    action === 'approved' ||
    action === 'denied' ||
    (action === 'observed' && reason?.includes('put right') === true)
  );
}
