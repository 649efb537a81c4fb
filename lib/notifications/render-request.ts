import { computeContentHash } from '../approvals/content-hash.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { reminderText } from '../channels/slack/reminder.ts';
import { requestMessage } from '../channels/slack/request-message.ts';
import type { MessageId } from '../channels/slack/web-api.ts';
import { type EscalationStage, isAfter } from '../connections/approval-request.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import type { ApprovalTarget } from './awaiting-record.ts';
import type { NotificationRun } from './slack-session.ts';

/** What Slack shows of a request. */
export interface RenderResult {
  /** What it was to show. */
  readonly contentHash: string;
  /** Whether Slack took all of it. */
  readonly isWhole: boolean;
  readonly message?: MessageId | undefined;
  /** The message in a channel that the group has left, which still looks as if it decided. */
  readonly previousSlackMessage?: MessageId | undefined;
  /** The message, where this run posted it. */
  readonly posted?: MessageId | undefined;
  readonly remindedStage?: EscalationStage | undefined;
}

/**
 * Brings the request's message up to its record, and calls upon people below it where it is time.
 * @param before what this run has shown of it already.
 */
export async function postOrUpdate(
  request: ApprovalTarget,
  before: RenderResult | undefined,
  run: NotificationRun,
): Promise<RenderResult> {
  const { record } = request;
  const message = before ? before.message : record.notice?.slack;
  const previousSlackMessage = before ? before.previousSlackMessage : record.notice?.previousSlackMessage;
  const shown = {
    ...before,
    message,
    previousSlackMessage,
    contentHash: computeContentHash(record),
    isWhole: false,
  };
  const channel = channelFor(request, message);
  if (channel === undefined) return { ...shown, isWhole: true };
  if (!(await run.slack.takes(channelOfRequest(request, channel)))) return shown;

  const drawn =
    message?.channel === channel
      ? await redraw(request, message, shown, run)
      : await post(request, channel, shown, run);
  return settleFormer(request, drawn, run);
}

/** An open request is asked about where its group is told now; what is decided stays where it is. */
function channelFor({ record, group }: ApprovalTarget, message: MessageId | undefined): string | undefined {
  if (!message) return group.slackChannel;
  return isAwaitingApproval(record) ? (group.slackChannel ?? message.channel) : message.channel;
}

async function post(
  request: ApprovalTarget,
  channel: string,
  shown: RenderResult,
  run: NotificationRun,
): Promise<RenderResult> {
  const { message, previousSlackMessage } = shown;
  // One at a time, so that none is forgotten.
  if (message && previousSlackMessage) return shown;
  const posted = await run.slack.post(channelOfRequest(request, channel), requestMessage(request, run.now()));
  if (!posted) return shown;
  const { stage } = request.record.approvalRequest;
  return {
    ...shown,
    isWhole: true,
    message: posted,
    posted,
    previousSlackMessage: previousSlackMessage ?? message,
    remindedStage: stage,
  };
}

async function redraw(
  request: ApprovalTarget,
  message: MessageId,
  shown: RenderResult,
  run: NotificationRun,
): Promise<RenderResult> {
  const { record } = request;
  const location = channelOfRequest(request, message.channel);
  const drawing = requestMessage(request, run.now());
  const outcome = await run.slack.update(location, message.ts, drawing);
  if (outcome === undefined) return shown;
  const isToRemind = isAwaitingApproval(record) && isReminderDue(request, shown);
  if (outcome === 'updated') {
    const isReminded = !isToRemind || (await remind(request, message, run));
    return isReminded ? { ...shown, isWhole: true, remindedStage: record.approvalRequest.stage } : shown;
  }
  // Nobody is called upon below a message that cannot show what is: it is asked anew instead.
  if (isToRemind) return post(request, message.channel, { ...shown, message: undefined }, run);
  if (isAwaitingApproval(record) || outcome === 'deleted') return { ...shown, isWhole: true };
  const reply = await run.slack.post(location, { text: drawing.text, threadTs: message.ts });
  return { ...shown, isWhole: reply !== undefined };
}

/** Tells in the channel that the group has left where it is asked now. */
async function settleFormer(
  request: ApprovalTarget,
  shown: RenderResult,
  run: NotificationRun,
): Promise<RenderResult> {
  const { message, previousSlackMessage } = shown;
  if (!message || !previousSlackMessage) return shown;
  const { endpointId } = request.record;
  const isSettled = await run.slack.retire(
    previousSlackMessage,
    movedToOtherChannelMessage(endpointId, message.channel),
  );
  return isSettled ? { ...shown, previousSlackMessage: undefined } : { ...shown, isWhole: false };
}

function isReminderDue(
  { record: { approvalRequest, notice } }: ApprovalTarget,
  { remindedStage }: RenderResult,
): boolean {
  return isAfter(approvalRequest.stage, remindedStage ?? notice?.remindedStage ?? 'approval-requested');
}

/** Calls upon people below the message, once a stage. */
async function remind(
  request: ApprovalTarget,
  { channel, ts }: MessageId,
  run: NotificationRun,
): Promise<boolean> {
  const { escalation } = request;
  const text = reminderText(request, escalation, run.now());
  const reply = await run.slack.post(channelOfRequest(request, channel), { text, threadTs: ts });
  const elsewhere = escalation?.slackChannel;
  if (reply && elsewhere !== undefined && elsewhere !== channel)
    await run.slack.post(channelOfRequest(request, elsewhere), { text });
  return reply !== undefined;
}

export async function canPost(request: ApprovalTarget, run: NotificationRun): Promise<boolean> {
  const channel = channelFor(request, request.record.notice?.slack);
  return channel === undefined || run.slack.takes(channelOfRequest(request, channel));
}

/** Removes a message that this run posted, where somebody else took the request over meanwhile, and posts it. */
export async function deleteDuplicate(
  request: ApprovalTarget,
  shown: RenderResult | undefined,
  run: NotificationRun,
): Promise<void> {
  if (shown?.posted) await run.slack.remove(channelOfRequest(request, shown.posted.channel), shown.posted);
}

function channelOfRequest({ record: { endpointId }, group }: ApprovalTarget, channel: string) {
  return { group: group.name, channel, subject: { endpointId } };
}
