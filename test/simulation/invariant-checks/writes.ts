import { requestTarget } from '../../../lib/approvals/digest.ts';
import { emptyGroup, groupKey, readGroup } from '../../../lib/approvers/approver-group.ts';
import { type AuditEntry, auditPartition, readAuditEntry } from '../../../lib/audit/audit.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  readRecord,
  recordKey,
  recordPartitions,
} from '../../../lib/connections/connection-record.ts';
import { awaitingApproval, pendingEffects, reevaluations } from '../../../lib/connections/indexes.ts';
import { nextReevaluation } from '../../../lib/connections/next-reevaluation.ts';
import { notificationKey, readNotification } from '../../../lib/outbox/notification.ts';
import { isConnected } from '../../../lib/privatelink/connection.ts';
import type { Key } from '../../../lib/storage/table.ts';
import type { ItemChange, Items } from '../../doubles/memory-table.ts';
import type { AssertInvariant } from '../invariants.ts';
import type { Run } from '../invocations.ts';
import { isNewerMajor, readAddition } from '../mixed-versions.ts';
import { readOraclePolicy } from '../policy-oracle.ts';
import type { watchCalls } from './calls.ts';
import type { watchDecisions } from './decisions.ts';

/** The items that linkgate reads and rewrites: attributes of the next version stay. It replaces other items as a whole. */
const rewrittenPartitions = [...recordPartitions, 'SERVICE', 'ENDPOINT_QUOTA#'];

/** Checks all writes to the table. */
export function watchWrites(
  items: Items,
  assertInvariant: AssertInvariant,
  note: (subject: string, event: string) => void,
  { recordDecision, findAttempt }: Pick<ReturnType<typeof watchDecisions>, 'recordDecision' | 'findAttempt'>,
  { lastRead }: Pick<ReturnType<typeof watchCalls>, 'lastRead'>,
  now: () => number,
) {
  const histories = new Map<string, AuditEntry[]>();
  /** The time at which each request opened. */
  const openSince = new Map<string, number>();
  const closedSince = new Map<string, number>();
  const findHistory = (endpointId: string): readonly AuditEntry[] => histories.get(endpointId) ?? [];

  function findRecord(endpointId: string): ConnectionRecord | undefined {
    const [item] = items.read([recordKey(endpointId)]);
    return item && !isNewerMajor(item) ? readRecord(item) : undefined;
  }

  const isUnreadable = (endpointId: string) => items.read([recordKey(endpointId)]).some(isNewerMajor);

  function checkAuditEntry(run: Run, { before, after }: ItemChange): void {
    assertInvariant(
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
    assertInvariant(
      'audit entries are only ever added, in order',
      sequence === history.length + 1,
      `${sequence} of ${endpointId} follows ${history.length}`,
    );
    assertInvariant(
      'each audit event is recorded once',
      !isDuplicateEntry(entry, history),
      `\`${action}\` of ${endpointId}`,
    );
    if (isPersonDecision(entry)) {
      recordDecision(run, entry);
      assertAuthorized(run, entry);
    }
    history.push(entry);
  }

  /** Checks the authorization of a decision by the last reads of the run, as an independent implementation. */
  function assertAuthorized(run: Run, { endpointId, actor, action }: AuditEntry): void {
    const record = findRecord(endpointId);
    if (!record) return;
    const { service, entries } = readOraclePolicy(record, { find: (key) => lastRead(run, key) });
    const item = lastRead(run, groupKey(service?.approvers ?? ''));
    const { slackUsers, emails, decisionChannels } = item ? readGroup(item) : emptyGroup('');
    const approvers = [
      ...slackUsers.map(({ team, user }) => `slack:${team}:${user}`),
      ...emails.map((each) => `mailto:${each}`),
    ];
    assertInvariant(
      'only current approvers decide',
      actor.startsWith('arn:') || (approvers.includes(actor) && decisionChannels !== 'api'),
      `${actor} ${action} ${endpointId}`,
    );
    assertInvariant(
      'nobody approves a request of an account that they own',
      action === 'denied' || entries.every(({ owners }) => !owners?.includes(actor)),
      `${actor} ${action} ${endpointId}`,
    );
    const clickedTs = findAttempt(run)?.ts;
    const notification = lastRead(run, notificationKey(requestTarget(endpointId)));
    assertInvariant(
      'nobody decides by a message that another one replaced',
      clickedTs === undefined ||
        !notification ||
        readNotification(notification).outdated.every(({ ts }) => ts !== clickedTs),
      `${actor} ${action} ${endpointId} in ${clickedTs}`,
    );
  }

  /** @param decisions the decisions in the same transaction. */
  function assertClosedOnce(run: Run, { before, after }: ItemChange, decisions: readonly AuditEntry[]): void {
    if (!after || isNewerMajor(after) || isNewerMajor(before)) return;
    const record = readRecord(after);
    const earlierRecord = before && readRecord(before);
    const [{ endpointId, personDecision }, earlierApproval] = [record, earlierRecord?.personDecision];
    const isDecisionKept = personDecision
      ? personDecision.at === earlierApproval?.at
      : earlierRecord && isDecisionReopened(earlierRecord, record);
    assertInvariant(
      'one decision closes a request',
      !earlierApproval || (decisions.length === 0 && isDecisionKept === true),
      `${earlierApproval?.by} has decided ${endpointId}, not ${personDecision?.by ?? decisions[0]?.actor}`,
    );
    if (earlierApproval || personDecision?.decision !== 'approve') return;
    const group = lastRead(run, groupKey('default'));
    const quorum = Number(group?.quorum ?? Number.POSITIVE_INFINITY);
    const approvers = new Set(
      findHistory(endpointId)
        .filter(({ action }) => action === 'approved')
        .map(({ actor }) => actor),
    );
    assertInvariant(
      'an approval needs its quorum',
      approvers.size >= quorum,
      `${approvers.size} of ${quorum} approved ${endpointId}`,
    );
  }

  function assertPendingPointer({ endpointId, location, pendingEffect }: ConnectionRecord): void {
    const [pointer] = items
      .read([{ pk: pendingEffects.partition(location), sk: endpointId }])
      .map(pendingEffects.read);
    assertInvariant(
      'each pending effect has a pointer',
      pointer?.action === pendingEffect?.action,
      `${pendingEffect?.action ?? 'nothing'} is due of ${endpointId}, and ${pointer?.action ?? 'nothing'} is pointed at`,
    );
  }

  function assertReevaluationPointer(record: ConnectionRecord): void {
    const time = nextReevaluation(record);
    const key = { pk: reevaluations.partition(record.location), sk: `${time}#${record.endpointId}` };
    assertInvariant(
      'each scheduled re-evaluation has a pointer',
      time === undefined || items.read([key]).length > 0,
      `${record.endpointId} at ${time}`,
    );
  }

  function assertApprovalPointer(record: ConnectionRecord): void {
    const { endpointId, approvalRequest } = record;
    const isPointedAt =
      items.read([{ pk: awaitingApproval.partition(approvalRequest?.group ?? ''), sk: endpointId }]).length >
      0;
    assertInvariant(
      'each request that awaits approval has a pointer',
      isPointedAt === (approvalRequest !== undefined && isAwaitingApproval(record)),
      `${endpointId} ${isPointedAt ? 'does not wait' : 'waits'} for ${approvalRequest?.group}`,
    );
    const [current, previous] = isAwaitingApproval(record)
      ? [openSince, closedSince]
      : [closedSince, openSince];
    previous.delete(endpointId);
    if (!current.has(endpointId)) current.set(endpointId, now());
  }

  /** The deployed version keeps attributes of the next one, and does not write items that it cannot read. */
  function assertNewerVersionKept({ version, requestId }: Run, { before, after }: ItemChange): void {
    assertInvariant(
      'items of a newer major version are not changed',
      !isNewerMajor(before),
      `${requestId} writes ${before?.sk}`,
    );
    if (version === 'next' || !after || readAddition(before) === undefined) return;
    if (!rewrittenPartitions.some((partition) => after.pk.startsWith(partition))) return;
    assertInvariant(
      'attributes of a newer version are kept',
      readAddition(after) === readAddition(before),
      `${requestId} loses it from ${after.pk} ${after.sk}`,
    );
  }

  return {
    findRecord,
    isUnreadable,
    findHistory,
    /** Reads the histories from the audit trails of the new table. */
    recordTableReplaced(): void {
      histories.clear();
      openSince.clear();
      closedSince.clear();
      for (const item of recordPartitions.flatMap((partition) => items.page(partition, {}).items)) {
        const trail = items.page(`${auditPartition}${item.sk}`, {}).items;
        histories.set(item.sk, trail.map(readAuditEntry));
      }
    },
    /** @param endpointId default: any request. */
    hasDecided: (actor: string, endpointId?: string): boolean =>
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
    observeWrites(run: Run, changes: readonly ItemChange[]): void {
      for (const change of changes) assertNewerVersionKept(run, change);
      for (const change of changes)
        if (changeKey(change).pk.startsWith(auditPartition)) checkAuditEntry(run, change);
      const changedIds = new Set<string>();
      for (const change of changes) {
        const { pk, sk } = changeKey(change);
        if (recordPartitions.includes(pk)) assertClosedOnce(run, change, listDecisions(changes, sk));
        if (recordPartitions.includes(pk) || /^(PENDING_EFFECT|AWAITING_APPROVAL)#/.test(pk))
          changedIds.add(sk);
      }
      for (const record of [...changedIds].map(findRecord))
        if (record) {
          assertPendingPointer(record);
          assertReevaluationPointer(record);
          assertApprovalPointer(record);
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
  const isAcceptedAfterDeny =
    before.personDecision?.decision === 'deny' && isReviewedFirst && isConnected(after.state);
  return (
    before.approvalRequest?.version !== after.approvalRequest?.version ||
    before.revokeOrder?.at !== after.revokeOrder?.at ||
    isAcceptedAfterDeny
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
