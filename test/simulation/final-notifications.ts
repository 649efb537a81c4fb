import {
  type Digest,
  digestEntity,
  digestKey,
  findDigestId,
  requestTarget,
} from '../../lib/approvals/digest.ts';
import { computeConnectionStatus } from '../../lib/approvals/status.ts';
import { notAppliedLabel, statusLabels } from '../../lib/approvals/status-text.ts';
import { type ApproverGroup, groupKey, readGroup } from '../../lib/approvers/approver-group.ts';
import { buttonValue } from '../../lib/channels/slack/actions.ts';
import { currentStage, escalationStages, isLaterStage } from '../../lib/connections/approval-request.ts';
import { isAwaitingApproval, recordPartitions } from '../../lib/connections/connection-record.ts';
import { type AwaitingRecord, hasApprovalRequest } from '../../lib/notifications/awaiting-record.ts';
import {
  type Notification,
  type NotificationTarget,
  notificationKey,
  readNotification,
} from '../../lib/outbox/notification.ts';
import { readService, type Service, serviceKey } from '../../lib/services/service.ts';
import type { SweepScope } from '../../lib/sweep/sweep.ts';
import { isPaused } from '../../lib/verdicts/verdict.ts';
import { memoryTable } from '../doubles/memory-table.ts';
import type { SimulationStage } from './simulate.ts';
import { listButtons, listButtonValues, readTitle, type SlackMessage } from './slack.ts';

/**
 * Checks all notifications after all faults have ended and all work is done.
 * @param late the maximum delay of due work by sweep scope, in milliseconds.
 */
export async function checkNotifications(
  { items, slack: { messages, messageAt }, mailbox, watch, linkgate: { queues } }: SimulationStage,
  now: Date,
  late: Readonly<Record<SweepScope, number>>,
): Promise<void> {
  const { assertInvariant, isUnreadable } = watch;

  function readApprovalPolicy({ serviceId }: AwaitingRecord): { service?: Service; group?: ApproverGroup } {
    const [service] = items.read([serviceKey(serviceId)]).map(readService);
    const [group] = service ? items.read([groupKey(service.approvers)]).map(readGroup) : [];
    return { ...(service && { service }), ...(group && { group }) };
  }

  /** What approvers received about a target. */
  function findReceived(target: NotificationTarget): Notification | undefined {
    return items.read([notificationKey(target)]).map(readNotification)[0];
  }

  async function checkRequest(record: AwaitingRecord): Promise<void> {
    const { endpointId, approvalRequest } = record;
    const notification = findReceived(requestTarget(endpointId));
    const digestId = notification && findDigestId(record, notification);
    const { service, group } = readApprovalPolicy(record);
    // A table from a backup without the group has no approvers to notify.
    if (!service || !group?.slackChannel) return;
    // A connected connection does not expire.
    const isRequest = record.state === 'pendingAcceptance';
    const stage = currentStage(
      approvalRequest,
      new Date(now.getTime() - late[isRequest ? 'pending' : 'full']),
    );
    const isToReject = isRequest && stage === 'expired' && service.onExpiry === 'reject';
    // linkgate sends no reminders while the service is paused.
    const isPausedRequest = record.verdict !== undefined && isPaused(record.verdict);
    assertInvariant(
      'no request waits beyond its deadline at a service that rejects on expiry',
      !isAwaitingApproval(record) || !isToReject || record.verdict?.outcome === 'hold',
      `${endpointId} since ${approvalRequest.deadline}`,
    );
    if (digestId !== undefined) await checkMember(record, digestId);
    else checkMessage(record, notification?.message?.ts);
    assertInvariant(
      'approvers are notified of each request that awaits approval',
      !isAwaitingApproval(record) ||
        isToReject ||
        isPausedRequest ||
        !isLaterStage(stage, approvalRequest.stage),
      `${endpointId} has come to ${stage}, not only ${approvalRequest.stage}`,
    );
    // A later approver gets an email with the next stage.
    if (isAwaitingApproval(record) && !isPausedRequest && digestId === undefined) checkMails(record, group);
  }

  function checkMessage(record: AwaitingRecord, ts: string | undefined): void {
    const { endpointId } = record;
    const message = ts === undefined ? undefined : messageAt(ts);
    assertInvariant(
      'approvers are notified of each request that awaits approval',
      message !== undefined,
      endpointId,
    );
    if (!message) return;
    const otherMessages = messages().filter((other) => other.ts !== ts && isMessageAbout(other, endpointId));
    assertInvariant(
      'a request has one message with buttons',
      otherMessages.every(({ postedBy }) => postedBy.isImpaired()),
      `${endpointId} is in ${ts} and in ${otherMessages.map((other) => other.ts).join(', ')}`,
    );
    // A restored table has no later updates of the message.
    if (!isOfThisTable(message)) return;
    assertInvariant(
      'a request has one message with buttons',
      listButtonValues(message).includes(buttonValue(record) ?? '') === isAwaitingApproval(record),
      `${endpointId} is ${isAwaitingApproval(record) ? 'open' : 'closed'}, and ${message.ts} has other buttons`,
    );
    const connectionStatus = computeConnectionStatus(record).status;
    const status = statusLabels[connectionStatus];
    // The title depends on the mode, which may have changed since linkgate rendered the message.
    const isToCome = ['accepting', 'rejecting', 'disconnecting'].includes(connectionStatus);
    assertInvariant(
      'each message shows the recorded state',
      [status, ...(isToCome ? [notAppliedLabel] : [])].some((title) =>
        readTitle(message).startsWith(`${title}:`),
      ),
      `${endpointId}: ${status}, not ${readTitle(message)}`,
    );
  }

  const isOfThisTable = ({ postedBy }: SlackMessage) => postedBy.startedAt >= watch.replacedAt();

  const isMessageAbout = (message: SlackMessage, endpointId: string) =>
    isOfThisTable(message) && listButtonValues(message).some((value) => value.startsWith(`${endpointId}.`));

  async function checkMember(record: AwaitingRecord, id: string): Promise<void> {
    const { endpointId } = record;
    const digest = await digestEntity.find(digestKey(id), memoryTable(items));
    assertInvariant(
      'approvers are notified of each request that awaits approval',
      digest?.endpointIds.includes(endpointId) === true &&
        messageAt(findReceived({ kind: 'digest', id })?.message?.ts ?? '') !== undefined,
      `${endpointId} in ${id}`,
    );
    if (digest) checkDigest(digest);
    const ownMessages = messages().filter((message) => isMessageAbout(message, endpointId));
    assertInvariant(
      'a request has one message with buttons',
      ownMessages.every(({ postedBy }) => postedBy.isImpaired()),
      `${endpointId}, beside ${id}`,
    );
  }

  function checkDigest({ id, endpointIds }: Digest): void {
    const message = messageAt(findReceived({ kind: 'digest', id })?.message?.ts ?? '');
    if (!message || !isOfThisTable(message) || endpointIds.some(isUnreadable)) return;
    const members = endpointIds
      .flatMap((endpointId) => watch.findRecord(endpointId) ?? [])
      .filter((record) => {
        const notification = findReceived(requestTarget(record.endpointId));
        return notification && findDigestId(record, notification) === id;
      });
    const open = members.filter(isAwaitingApproval);
    // No sweep updates the message of a decided request: it needs the queue message, which may be lost.
    if (open.length === 0 && (queues.notificationQueue.hasLost() || queues.records.hasLost())) return;
    assertInvariant(
      'each message shows the recorded state',
      (open.length > 0
        ? parseTitleCount(readTitle(message)) === open.length
        : readTitle(message).startsWith('All ')) && listButtons(message).length > 0 === open.length > 0,
      `${open.length} of ${id} are open, and not: ${readTitle(message)}`,
    );
  }

  function checkMails(
    { endpointId, approvalRequest }: AwaitingRecord,
    { emails, changedAt = '' }: ApproverGroup,
  ): void {
    const history = watch.findHistory(endpointId);
    const stageEvent = history.findLast(({ action }) => escalationStages.some((stage) => stage === action));
    // A new approver after the last stage gets no email.
    if (stageEvent && changedAt > stageEvent.time) return;
    // An extended deadline does not start a new approval request.
    const approvalRequested = history.findLast(({ action }) => action === 'approval-requested');
    const since = Date.parse(approvalRequested?.time ?? approvalRequest.requestedAt);
    for (const address of emails)
      assertInvariant(
        'approvers are notified of each request that awaits approval',
        mailbox
          .received()
          .some((mail) => mail.address === address && mail.time >= since && mail.text.includes(endpointId)),
        `${endpointId} by mail to ${address}`,
      );
  }

  const ids = recordPartitions.flatMap((partition) => items.page(partition, {}).items.map(({ sk }) => sk));
  for (const record of ids.filter((id) => !isUnreadable(id)).map(watch.findRecord))
    if (hasApprovalRequest(record)) await checkRequest(record);
}

/** `3 of 5 …`, or `2 requests wait for approval, 1 connection will be disconnected`. */
function parseTitleCount(title: string): number {
  const [firstCount, ...otherCounts] = [...title.matchAll(/(\d+) (of|requests?|connections?)/g)].map(
    ([, count]) => Number(count),
  );
  return (firstCount ?? 0) + (/^\d+ of/.test(title) ? 0 : otherCounts.reduce((sum, count) => sum + count, 0));
}
