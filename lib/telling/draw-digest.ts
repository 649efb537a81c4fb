import { isLater } from '../approval/asking.ts';
import { isOpen } from '../connection/connection-record.ts';
import type { Message } from '../slack/blocks.ts';
import { digestMessage } from '../slack/digest-message.ts';
import { elsewhereMessage } from '../slack/elsewhere.ts';
import { reminderText } from '../slack/reminder.ts';
import type { MessageId } from '../slack/web-api.ts';
import { type Digest, faceOfAll } from './digest.ts';
import type { Run } from './slack-of-run.ts';
import type { Together } from './together.ts';

type Place = Parameters<Run['slack']['post']>[0];

/** What is to be remembered of what was told. */
export interface Told extends Partial<Digest> {
  /** The message in the channel that the group has left says so. */
  readonly isSettled?: boolean;
}

export function isShown(together: Together): boolean {
  const { digest, records } = together;
  return digest.drawn === faceOfAll(records) && !digest.formerly && !isReminderDue(together);
}

function isReminderDue({ digest, stage }: Together): boolean {
  return isLater(stage, digest.remindedStage ?? 'asked');
}

/**
 * Brings the digest's message up to the records of its members, and calls upon people below it where it is time.
 * @returns what to remember of it: what Slack did not take is tried again.
 */
export async function drawDigest(together: Together, run: Run): Promise<Told> {
  const { digest } = together;
  const place = placeOf(together);
  if (!place) return {};
  const message = messageOf(digest);
  const isThere = message?.channel === place.channel;
  const told = isThere ? await redraw(together, place, message, run) : await post(together, place, run);
  const { formerly = digest.formerly } = told;
  if (!formerly) return told;
  const elsewhere = elsewhereMessage(`${together.records.length} requests`, place.channel);
  return (await run.slack.retire(formerly, elsewhere)) ? { ...told, isSettled: true } : { ...told, formerly };
}

async function post(together: Together, place: Place, run: Run): Promise<Told> {
  const { digest, stage } = together;
  const message = messageOf(digest);
  // One at a time, so that none is forgotten.
  if (message && digest.formerly && message.channel !== place.channel) return {};
  const posted = await run.slack.post(place, drawingOf(together, run));
  if (!posted) return {};
  const hasMoved = message && message.channel !== place.channel;
  return {
    ...posted,
    ...drawnNow(together, run),
    remindedStage: stage,
    ...(hasMoved && { formerly: message }),
  };
}

async function redraw(together: Together, place: Place, { ts }: MessageId, run: Run): Promise<Told> {
  const { stage, records } = together;
  const drawing = drawingOf(together, run);
  const outcome = await run.slack.update(place, ts, drawing);
  if (outcome === undefined) return {};
  const drawn = drawnNow(together, run);
  if (outcome === 'updated') {
    if (!isReminderDue(together)) return drawn;
    return (await remind(together, place, ts, run)) ? { ...drawn, remindedStage: stage } : drawn;
  }
  // Nobody is called upon below a message that cannot show what is: they are asked anew instead.
  if (isReminderDue(together)) return post(together, place, run);
  if (outcome === 'deleted' || records.some(isOpen)) return drawn;
  return (await run.slack.post(place, { text: drawing.text, threadTs: ts })) ? drawn : {};
}

function drawingOf({ digest: { id }, group, records, services }: Together, run: Run): Message {
  if (records.length === 0) return elsewhereMessage('These requests');
  return digestMessage({ id, group, records, services }, run.now());
}

function drawnNow({ records }: Together, run: Run): Pick<Told, 'drawn' | 'drawnAt'> {
  return { drawn: faceOfAll(records), drawnAt: run.now().toISOString() };
}

/** Calls upon people below the message, once a stage for all of its members. */
async function remind(
  { digest: { id }, group, records, services, escalation }: Together,
  place: Place,
  threadTs: string,
  run: Run,
): Promise<boolean> {
  const text = reminderText({ id, group, records, services }, escalation, run.now());
  const reply = await run.slack.post(place, { text, threadTs });
  return reply !== undefined;
}

/** Open requests are asked about where the group is told now; those that are decided stay where they are. */
export function placeOf({ digest, group, records }: Together): Place | undefined {
  const isNew = digest.channel === undefined && records.length > 0;
  const channel = isNew || records.some(isOpen) ? (group.slackChannel ?? digest.channel) : digest.channel;
  return channel === undefined ? undefined : { group: group.name, channel, subject: { digest: digest.id } };
}

function messageOf({ channel, ts }: Digest): MessageId | undefined {
  return channel === undefined || ts === undefined ? undefined : { channel, ts };
}
