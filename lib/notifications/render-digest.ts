import { computeDigestHash, type Digest } from '../approvals/digest.ts';
import type { Message } from '../channels/slack/blocks.ts';
import { digestMessage } from '../channels/slack/digest-message.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { reminderText } from '../channels/slack/reminder.ts';
import type { MessageId } from '../channels/slack/web-api.ts';
import { isAfter } from '../connections/approval-request.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import type { DigestState } from './digest-state.ts';
import type { NotificationRun } from './slack-session.ts';

type Place = Parameters<NotificationRun['slack']['post']>[0];

/** What is to be remembered of what was told. */
export interface DigestRenderResult extends Partial<Digest> {
  /** The message in the channel that the group has left says so. */
  readonly isSettled?: boolean;
}

export function isUpToDate(together: DigestState): boolean {
  const { digest, records } = together;
  return (
    digest.drawn === computeDigestHash(records) && !digest.previousSlackMessage && !isReminderDue(together)
  );
}

function isReminderDue({ digest, stage }: DigestState): boolean {
  return isAfter(stage, digest.remindedStage ?? 'approval-requested');
}

/**
 * Brings the digest's message up to the records of its members, and calls upon people below it where it is time.
 * @returns what to remember of it: what Slack did not take is tried again.
 */
export async function postOrUpdateDigest(
  together: DigestState,
  run: NotificationRun,
): Promise<DigestRenderResult> {
  const { digest } = together;
  const location = channelOfDigest(together);
  if (!location) return {};
  const message = messageOf(digest);
  const isThere = message?.channel === location.channel;
  const told = isThere ? await redraw(together, location, message, run) : await post(together, location, run);
  const { previousSlackMessage = digest.previousSlackMessage } = told;
  if (!previousSlackMessage) return told;
  const elsewhere = movedToOtherChannelMessage(`${together.records.length} requests`, location.channel);
  return (await run.slack.retire(previousSlackMessage, elsewhere))
    ? { ...told, isSettled: true }
    : { ...told, previousSlackMessage };
}

async function post(
  together: DigestState,
  location: Place,
  run: NotificationRun,
): Promise<DigestRenderResult> {
  const { digest, stage } = together;
  const message = messageOf(digest);
  // One at a time, so that none is forgotten.
  if (message && digest.previousSlackMessage && message.channel !== location.channel) return {};
  const posted = await run.slack.post(location, drawingOf(together, run));
  if (!posted) return {};
  const hasMoved = message && message.channel !== location.channel;
  return {
    ...posted,
    ...drawnNow(together, run),
    remindedStage: stage,
    ...(hasMoved && { previousSlackMessage: message }),
  };
}

async function redraw(
  together: DigestState,
  location: Place,
  { ts }: MessageId,
  run: NotificationRun,
): Promise<DigestRenderResult> {
  const { stage, records } = together;
  const drawing = drawingOf(together, run);
  const outcome = await run.slack.update(location, ts, drawing);
  if (outcome === undefined) return {};
  const drawn = drawnNow(together, run);
  if (outcome === 'updated') {
    if (!isReminderDue(together)) return drawn;
    return (await remind(together, location, ts, run)) ? { ...drawn, remindedStage: stage } : drawn;
  }
  // Nobody is called upon below a message that cannot show what is: they are asked anew instead.
  if (isReminderDue(together)) return post(together, location, run);
  if (outcome === 'deleted' || records.some(isAwaitingApproval)) return drawn;
  return (await run.slack.post(location, { text: drawing.text, threadTs: ts })) ? drawn : {};
}

function drawingOf({ digest: { id }, group, records, services }: DigestState, run: NotificationRun): Message {
  if (records.length === 0) return movedToOtherChannelMessage('These requests');
  return digestMessage({ id, group, records, services }, run.now());
}

function drawnNow(
  { records }: DigestState,
  run: NotificationRun,
): Pick<DigestRenderResult, 'drawn' | 'renderedAt'> {
  return { drawn: computeDigestHash(records), renderedAt: run.now().toISOString() };
}

/** Calls upon people below the message, once a stage for all of its members. */
async function remind(
  { digest: { id }, group, records, services, escalation }: DigestState,
  location: Place,
  threadTs: string,
  run: NotificationRun,
): Promise<boolean> {
  const text = reminderText({ id, group, records, services }, escalation, run.now());
  const reply = await run.slack.post(location, { text, threadTs });
  return reply !== undefined;
}

/** Open requests are asked about where the group is told now; those that are decided stay where they are. */
export function channelOfDigest({ digest, group, records }: DigestState): Place | undefined {
  const isNew = digest.channel === undefined && records.length > 0;
  const channel =
    isNew || records.some(isAwaitingApproval) ? (group.slackChannel ?? digest.channel) : digest.channel;
  return channel === undefined ? undefined : { group: group.name, channel, subject: { digest: digest.id } };
}

function messageOf({ channel, ts }: Digest): MessageId | undefined {
  return channel === undefined || ts === undefined ? undefined : { channel, ts };
}
