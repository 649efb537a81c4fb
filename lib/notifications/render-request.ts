import { computeContentHash } from '../approvals/content-hash.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { reminderText } from '../channels/slack/reminder.ts';
import { requestMessage } from '../channels/slack/request-message.ts';
import type { SlackMessageId } from '../channels/slack/web-api.ts';
import { type EscalationStage, isLaterStage } from '../connections/approval-request.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import type { ApprovalTarget } from './awaiting-record.ts';
import type { NotificationRun } from './slack-session.ts';

/** The state of a request's Slack message after a rendering. */
export interface RequestRenderResult {
  /** The content hash of the rendered record. */
  readonly contentHash: string;
  /** Whether Slack accepted every call. */
  readonly isComplete: boolean;
  readonly message?: SlackMessageId | undefined;
  /** The message in the previous channel, which still offers actions. */
  readonly previousSlackMessage?: SlackMessageId | undefined;
  /** The message that this run posted. */
  readonly posted?: SlackMessageId | undefined;
  readonly remindedStage?: EscalationStage | undefined;
}

/**
 * Posts or updates the message of a request, and posts a due reminder in its thread.
 * @param before the result of this run's previous rendering.
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
  const renderResult = {
    ...before,
    message,
    previousSlackMessage,
    contentHash: computeContentHash(record),
    isComplete: false,
  };
  const channel = selectRequestChannel(request, message);
  if (channel === undefined) return { ...renderResult, isComplete: true };
  if (!(await run.slack.canSend(requestDestination(request, channel)))) return renderResult;

  const newResult =
    message?.channel === channel
      ? await updateRequest(request, message, renderResult, run)
      : await postRequest(request, channel, renderResult, run);
  return updatePreviousMessage(request, newResult, run);
}

/** Selects the current channel of the group for an open request. A decided request keeps its channel. */
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
  renderResult: RequestRenderResult,
  run: NotificationRun,
): Promise<RequestRenderResult> {
  const { message, previousSlackMessage } = renderResult;
  // A second move waits until Slack updates the first previous message, so that linkgate keeps both.
  if (message && previousSlackMessage) return renderResult;
  const posted = await run.slack.post(
    requestDestination(request, channel),
    requestMessage(request, run.now()),
  );
  if (!posted) return renderResult;
  const { stage } = request.record.approvalRequest;
  return {
    ...renderResult,
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
  renderResult: RequestRenderResult,
  run: NotificationRun,
): Promise<RequestRenderResult> {
  const { record } = request;
  const location = requestDestination(request, message.channel);
  const renderedMessage = requestMessage(request, run.now());
  const outcome = await run.slack.update(location, message.ts, renderedMessage);
  if (outcome === undefined) return renderResult;
  const isToRemind = isAwaitingApproval(record) && isRequestReminderDue(request, renderResult);
  if (outcome === 'updated') {
    const isReminded = !isToRemind || (await postRequestReminder(request, message, run));
    return isReminded
      ? { ...renderResult, isComplete: true, remindedStage: record.approvalRequest.stage }
      : renderResult;
  }
  // A reminder below an outdated message would mislead, so linkgate posts a new message.
  if (isToRemind) return postRequest(request, message.channel, { ...renderResult, message: undefined }, run);
  if (isAwaitingApproval(record) || outcome === 'deleted') return { ...renderResult, isComplete: true };
  const reply = await run.slack.post(location, { text: renderedMessage.text, threadTs: message.ts });
  return { ...renderResult, isComplete: reply !== undefined };
}

/** Updates the message in the previous channel with a link to the new one. */
async function updatePreviousMessage(
  request: ApprovalTarget,
  renderResult: RequestRenderResult,
  run: NotificationRun,
): Promise<RequestRenderResult> {
  const { message, previousSlackMessage } = renderResult;
  if (!message || !previousSlackMessage) return renderResult;
  const { endpointId } = request.record;
  const isSettled = await run.slack.updatePrevious(
    previousSlackMessage,
    movedToOtherChannelMessage(endpointId, message.channel),
  );
  return isSettled
    ? { ...renderResult, previousSlackMessage: undefined }
    : { ...renderResult, isComplete: false };
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

/** Posts a reminder in the thread, once per stage. */
async function postRequestReminder(
  request: ApprovalTarget,
  { channel, ts }: SlackMessageId,
  run: NotificationRun,
): Promise<boolean> {
  const { escalation } = request;
  const text = reminderText(request, escalation, run.now());
  const reply = await run.slack.post(requestDestination(request, channel), { text, threadTs: ts });
  const escalationChannel = escalation?.slackChannel;
  if (reply && escalationChannel !== undefined && escalationChannel !== channel)
    await run.slack.post(requestDestination(request, escalationChannel), { text });
  return reply !== undefined;
}

export async function canPostRequest(request: ApprovalTarget, run: NotificationRun): Promise<boolean> {
  const channel = selectRequestChannel(request, request.record.notification?.slackMessage);
  return channel === undefined || run.slack.canSend(requestDestination(request, channel));
}

/** Deletes the message of this run after the run lost the lease: the other run posts its own. */
export async function deleteDuplicateMessage(
  request: ApprovalTarget,
  renderResult: RequestRenderResult | undefined,
  run: NotificationRun,
): Promise<void> {
  if (renderResult?.posted)
    await run.slack.remove(requestDestination(request, renderResult.posted.channel), renderResult.posted);
}

function requestDestination({ record: { endpointId }, group }: ApprovalTarget, channel: string) {
  return { group: group.name, channel, target: { endpointId } };
}
