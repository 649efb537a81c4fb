import { computeContentHash } from '../approvals/content-hash.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { reminderText } from '../channels/slack/reminder.ts';
import { requestMessage } from '../channels/slack/request-message.ts';
import type { SlackMessageId } from '../channels/slack/web-api.ts';
import { type EscalationStage, isLaterStage } from '../connections/approval-request.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import type { ApprovalTarget } from './awaiting-record.ts';
import type { NotificationRun } from './slack-session.ts';

/** What Slack shows of a request. */
export interface RequestRenderResult {
  /** What it was to show. */
  readonly contentHash: string;
  /** Whether Slack took all of it. */
  readonly isComplete: boolean;
  readonly message?: SlackMessageId | undefined;
  /** The message in a channel that the group has left, which still looks as if it decided. */
  readonly previousSlackMessage?: SlackMessageId | undefined;
  /** The message, where this run posted it. */
  readonly posted?: SlackMessageId | undefined;
  readonly remindedStage?: EscalationStage | undefined;
}

/**
 * Brings the request's message up to its record, and calls upon people below it where it is time.
 * @param before what this run has shown of it already.
 */
export async function postOrUpdateRequest(
  request: ApprovalTarget,
  before: RequestRenderResult | undefined,
  run: NotificationRun,
): Promise<RequestRenderResult> {
  const { record } = request;
  const message = before ? before.message : record.notification?.slackMessage;
  const previousSlackMessage = before
    ? before.previousSlackMessage
    : record.notification?.previousSlackMessage;
  const shown = {
    ...before,
    message,
    previousSlackMessage,
    contentHash: computeContentHash(record),
    isComplete: false,
  };
  const channel = selectRequestChannel(request, message);
  if (channel === undefined) return { ...shown, isComplete: true };
  if (!(await run.slack.canSend(requestDestination(request, channel)))) return shown;

  const drawn =
    message?.channel === channel
      ? await updateRequest(request, message, shown, run)
      : await postRequest(request, channel, shown, run);
  return updatePreviousMessage(request, drawn, run);
}

/** An open request is asked about where its group is told now; what is decided stays where it is. */
function selectRequestChannel(
  { record, group }: ApprovalTarget,
  message: SlackMessageId | undefined,
): string | undefined {
  if (!message) return group.slackChannel;
  return isAwaitingApproval(record) ? (group.slackChannel ?? message.channel) : message.channel;
}

async function postRequest(
  request: ApprovalTarget,
  channel: string,
  shown: RequestRenderResult,
  run: NotificationRun,
): Promise<RequestRenderResult> {
  const { message, previousSlackMessage } = shown;
  // One at a time, so that none is forgotten.
  if (message && previousSlackMessage) return shown;
  const posted = await run.slack.post(
    requestDestination(request, channel),
    requestMessage(request, run.now()),
  );
  if (!posted) return shown;
  const { stage } = request.record.approvalRequest;
  return {
    ...shown,
    isComplete: true,
    message: posted,
    posted,
    previousSlackMessage: previousSlackMessage ?? message,
    remindedStage: stage,
  };
}

async function updateRequest(
  request: ApprovalTarget,
  message: SlackMessageId,
  shown: RequestRenderResult,
  run: NotificationRun,
): Promise<RequestRenderResult> {
  const { record } = request;
  const location = requestDestination(request, message.channel);
  const drawing = requestMessage(request, run.now());
  const outcome = await run.slack.update(location, message.ts, drawing);
  if (outcome === undefined) return shown;
  const isToRemind = isAwaitingApproval(record) && isRequestReminderDue(request, shown);
  if (outcome === 'updated') {
    const isReminded = !isToRemind || (await postRequestReminder(request, message, run));
    return isReminded ? { ...shown, isComplete: true, remindedStage: record.approvalRequest.stage } : shown;
  }
  // Nobody is called upon below a message that cannot show what is: it is asked anew instead.
  if (isToRemind) return postRequest(request, message.channel, { ...shown, message: undefined }, run);
  if (isAwaitingApproval(record) || outcome === 'deleted') return { ...shown, isComplete: true };
  const reply = await run.slack.post(location, { text: drawing.text, threadTs: message.ts });
  return { ...shown, isComplete: reply !== undefined };
}

/** Tells in the channel that the group has left where it is asked now. */
async function updatePreviousMessage(
  request: ApprovalTarget,
  shown: RequestRenderResult,
  run: NotificationRun,
): Promise<RequestRenderResult> {
  const { message, previousSlackMessage } = shown;
  if (!message || !previousSlackMessage) return shown;
  const { endpointId } = request.record;
  const isSettled = await run.slack.updatePrevious(
    previousSlackMessage,
    movedToOtherChannelMessage(endpointId, message.channel),
  );
  return isSettled ? { ...shown, previousSlackMessage: undefined } : { ...shown, isComplete: false };
}

function isRequestReminderDue(
  { record: { approvalRequest, notification } }: ApprovalTarget,
  { remindedStage }: RequestRenderResult,
): boolean {
  return isLaterStage(
    approvalRequest.stage,
    remindedStage ?? notification?.remindedStage ?? 'approval-requested',
  );
}

/** Calls upon people below the message, once a stage. */
async function postRequestReminder(
  request: ApprovalTarget,
  { channel, ts }: SlackMessageId,
  run: NotificationRun,
): Promise<boolean> {
  const { escalation } = request;
  const text = reminderText(request, escalation, run.now());
  const reply = await run.slack.post(requestDestination(request, channel), { text, threadTs: ts });
  const elsewhere = escalation?.slackChannel;
  if (reply && elsewhere !== undefined && elsewhere !== channel)
    await run.slack.post(requestDestination(request, elsewhere), { text });
  return reply !== undefined;
}

export async function canPostRequest(request: ApprovalTarget, run: NotificationRun): Promise<boolean> {
  const channel = selectRequestChannel(request, request.record.notification?.slackMessage);
  return channel === undefined || run.slack.canSend(requestDestination(request, channel));
}

/** Removes a message that this run posted, where somebody else took the request over meanwhile, and posts it. */
export async function deleteDuplicateMessage(
  request: ApprovalTarget,
  shown: RequestRenderResult | undefined,
  run: NotificationRun,
): Promise<void> {
  if (shown?.posted) await run.slack.remove(requestDestination(request, shown.posted.channel), shown.posted);
}

function requestDestination({ record: { endpointId }, group }: ApprovalTarget, channel: string) {
  return { group: group.name, channel, target: { endpointId } };
}
