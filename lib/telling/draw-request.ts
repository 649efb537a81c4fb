import { isLater, type Stage } from '../approval/asking.ts';
import { isOpen } from '../connection/connection-record.ts';
import { elsewhereMessage } from '../slack/elsewhere.ts';
import { reminderText } from '../slack/reminder.ts';
import { requestMessage } from '../slack/request-message.ts';
import type { MessageId } from '../slack/web-api.ts';
import type { AskedRequest } from './asked-request.ts';
import { faceOf } from './notice.ts';
import type { Run } from './slack-of-run.ts';

/** What Slack shows of a request. */
export interface Shown {
  /** What it was to show. */
  readonly face: string;
  /** Whether Slack took all of it. */
  readonly isWhole: boolean;
  readonly message?: MessageId | undefined;
  /** The message in a channel that the group has left, which still looks as if it decided. */
  readonly formerly?: MessageId | undefined;
  /** The message, where this run posted it. */
  readonly posted?: MessageId | undefined;
  readonly remindedStage?: Stage | undefined;
}

/**
 * Brings the request's message up to its record, and calls upon people below it where it is time.
 * @param before what this run has shown of it already.
 */
export async function draw(request: AskedRequest, before: Shown | undefined, run: Run): Promise<Shown> {
  const { record } = request;
  const message = before ? before.message : record.notice?.slack;
  const formerly = before ? before.formerly : record.notice?.formerly;
  const shown = { ...before, message, formerly, face: faceOf(record), isWhole: false };
  const channel = channelFor(request, message);
  if (channel === undefined) return { ...shown, isWhole: true };
  if (!(await run.slack.takes(placeOf(request, channel)))) return shown;

  const drawn =
    message?.channel === channel
      ? await redraw(request, message, shown, run)
      : await post(request, channel, shown, run);
  return settleFormer(request, drawn, run);
}

/** An open request is asked about where its group is told now; what is decided stays where it is. */
function channelFor({ record, group }: AskedRequest, message: MessageId | undefined): string | undefined {
  if (!message) return group.slackChannel;
  return isOpen(record) ? (group.slackChannel ?? message.channel) : message.channel;
}

async function post(request: AskedRequest, channel: string, shown: Shown, run: Run): Promise<Shown> {
  const { message, formerly } = shown;
  // One at a time, so that none is forgotten.
  if (message && formerly) return shown;
  const posted = await run.slack.post(placeOf(request, channel), requestMessage(request, run.now()));
  if (!posted) return shown;
  const { stage } = request.record.asking;
  return {
    ...shown,
    isWhole: true,
    message: posted,
    posted,
    formerly: formerly ?? message,
    remindedStage: stage,
  };
}

async function redraw(request: AskedRequest, message: MessageId, shown: Shown, run: Run): Promise<Shown> {
  const { record } = request;
  const place = placeOf(request, message.channel);
  const drawing = requestMessage(request, run.now());
  const outcome = await run.slack.update(place, message.ts, drawing);
  if (outcome === undefined) return shown;
  const isToRemind = isOpen(record) && isReminderDue(request, shown);
  if (outcome === 'updated') {
    const isReminded = !isToRemind || (await remind(request, message, run));
    return isReminded ? { ...shown, isWhole: true, remindedStage: record.asking.stage } : shown;
  }
  // Nobody is called upon below a message that cannot show what is: it is asked anew instead.
  if (isToRemind) return post(request, message.channel, { ...shown, message: undefined }, run);
  if (isOpen(record) || outcome === 'deleted') return { ...shown, isWhole: true };
  const reply = await run.slack.post(place, { text: drawing.text, threadTs: message.ts });
  return { ...shown, isWhole: reply !== undefined };
}

/** Tells in the channel that the group has left where it is asked now. */
async function settleFormer(request: AskedRequest, shown: Shown, run: Run): Promise<Shown> {
  const { message, formerly } = shown;
  if (!message || !formerly) return shown;
  const { endpointId } = request.record;
  const isSettled = await run.slack.retire(formerly, elsewhereMessage(endpointId, message.channel));
  return isSettled ? { ...shown, formerly: undefined } : { ...shown, isWhole: false };
}

function isReminderDue({ record: { asking, notice } }: AskedRequest, { remindedStage }: Shown): boolean {
  return isLater(asking.stage, remindedStage ?? notice?.remindedStage ?? 'asked');
}

/** Calls upon people below the message, once a stage. */
async function remind(request: AskedRequest, { channel, ts }: MessageId, run: Run): Promise<boolean> {
  const { escalation } = request;
  const text = reminderText(request, escalation, run.now());
  const reply = await run.slack.post(placeOf(request, channel), { text, threadTs: ts });
  const elsewhere = escalation?.slackChannel;
  if (reply && elsewhere !== undefined && elsewhere !== channel)
    await run.slack.post(placeOf(request, elsewhere), { text });
  return reply !== undefined;
}

export async function isShowable(request: AskedRequest, run: Run): Promise<boolean> {
  const channel = channelFor(request, request.record.notice?.slack);
  return channel === undefined || run.slack.takes(placeOf(request, channel));
}

/** Removes a message that this run posted, where somebody else took the request over meanwhile, and posts it. */
export async function takeBack(request: AskedRequest, shown: Shown | undefined, run: Run): Promise<void> {
  if (shown?.posted) await run.slack.remove(placeOf(request, shown.posted.channel), shown.posted);
}

function placeOf({ record: { endpointId }, group }: AskedRequest, channel: string) {
  return { group: group.name, channel, subject: { endpointId } };
}
