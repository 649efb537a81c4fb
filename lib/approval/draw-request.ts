import { isOpen } from '../connection/connection-record.ts';
import { reminderText } from '../slack/reminder.ts';
import { requestMessage } from '../slack/request-message.ts';
import type { MessageId } from '../slack/web-api.ts';
import type { AskedRequest } from './asked-request.ts';
import { isLater, type Stage } from './asking.ts';
import { faceOf } from './notice.ts';
import type { Run } from './slack-of-run.ts';

/** What Slack shows of a request. */
export interface Shown {
  /** What it was to show. */
  readonly face: string;
  /** Whether Slack took all of it. */
  readonly isWhole: boolean;
  readonly message?: MessageId | undefined;
  /** The message, where this run posted it. */
  readonly posted?: MessageId | undefined;
  readonly remindedStage?: Stage | undefined;
}

/**
 * Brings the request's message up to its record, and calls upon people below it where it is time.
 * @param before what this run has shown of it already.
 */
export async function draw(request: AskedRequest, before: Shown | undefined, run: Run): Promise<Shown> {
  const { record, group } = request;
  const message = before?.message ?? record.notice?.slack;
  const channel = message?.channel ?? group.slackChannel;
  const shown = { ...before, message, face: faceOf(record), isWhole: false };
  if (channel === undefined) return { ...shown, isWhole: true };

  const place = placeOf(request, channel);
  if (!(await run.slack.takes(place))) return shown;
  const drawing = requestMessage(request, run.now());
  if (!message) {
    const posted = await run.slack.post(place, drawing);
    return posted
      ? { ...shown, isWhole: true, message: posted, posted, remindedStage: record.asking.stage }
      : shown;
  }
  const outcome = await run.slack.update(place, message.ts, drawing);
  if (outcome !== 'updated') return { ...shown, isWhole: outcome === 'left' };
  const isReminded = await remind(request, message, shown.remindedStage, run);
  return isReminded ? { ...shown, isWhole: true, remindedStage: record.asking.stage } : shown;
}

/** Calls upon people below the message, once a stage. */
async function remind(
  request: AskedRequest,
  { channel, ts }: MessageId,
  remindedStage: Stage | undefined,
  run: Run,
): Promise<boolean> {
  const { record, escalation } = request;
  const { stage } = record.asking;
  const isReminded = !isLater(stage, remindedStage ?? record.notice?.remindedStage ?? 'asked');
  if (isReminded || !isOpen(record)) return true;
  const text = reminderText(request, escalation, run.now());
  const reply = await run.slack.post(placeOf(request, channel), { text, threadTs: ts });
  const elsewhere = escalation?.slackChannel;
  if (reply && elsewhere !== undefined && elsewhere !== channel)
    await run.slack.post(placeOf(request, elsewhere), { text });
  return reply !== undefined;
}

export async function isShowable(request: AskedRequest, run: Run): Promise<boolean> {
  const channel = request.record.notice?.slack?.channel ?? request.group.slackChannel;
  return channel === undefined || run.slack.takes(placeOf(request, channel));
}

/** Removes a message that this run posted, where somebody else took the request over meanwhile, and posts it. */
export async function takeBack(request: AskedRequest, shown: Shown | undefined, run: Run): Promise<void> {
  if (shown?.posted) await run.slack.remove(placeOf(request, shown.posted.channel), shown.posted);
}

function placeOf({ record: { endpointId }, group }: AskedRequest, channel: string) {
  return { group: group.name, channel, subject: { endpointId } };
}
