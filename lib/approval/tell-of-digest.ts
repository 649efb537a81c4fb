import { digestMessage } from '../slack/digest-message.ts';
import { reminderText } from '../slack/reminder.ts';
import { lost, untilWon } from '../table/contention.ts';
import { isLater } from './asking.ts';
import { type Digest, digestItem, faceOfAll, findDigest } from './digest.ts';
import { digestGrows } from './notice.ts';
import { sendDigestMails, toMailOf } from './send-digest-mails.ts';
import type { Run } from './slack-of-run.ts';
import { holdFrom, isHeld } from './telling.ts';
import { advanceAll, isAnyToAdvance, readTogether, type Together } from './together.ts';

/** How long a digest's mails wait for more of it, in seconds. */
const mailedEvery = 60;

/** Mails those who were not mailed yet of its requests, and brings its message in Slack up to their records. */
export async function tellOfDigest(id: string, run: Run): Promise<void> {
  const found = await readTogether(id, run);
  if (!found) return;
  const { digest } = found;
  if (isHeld(digest, run.now())) return ringLater(digestGrows, id, run);
  const isToAdvance = isAnyToAdvance(found, run.now());
  const due = await dueOf(found, run);
  if (!isToAdvance && !due.isMail && !due.isMessage) return;

  const held = { ...digest, heldUntil: holdFrom(run.now()), version: digest.version + 1 };
  if (!(await run.table.write([{ put: digestItem(held), expected: digest.version }])))
    return ringLater(digestGrows, id, run);
  const together = isToAdvance ? await advanceAll(found, run) : found;
  const { isMail, isMessage } = isToAdvance ? await dueOf(together, run) : due;
  if (isMail) await keep(held, await sendDigestMails(together, run), run);
  const shown = isMessage ? await show(together, run) : {};
  const isOurs = await keep(held, shown, run, { letsGo: true });
  const place = placeOf(together);
  // Somebody else has taken it over, and posts it.
  if (!isOurs && place && digest.ts === undefined && shown.ts !== undefined)
    await run.slack.remove(place, { channel: place.channel, ts: shown.ts });
}

/** What is to be told now; it is rung for what has to wait. */
async function dueOf(together: Together, run: Run): Promise<{ isMail: boolean; isMessage: boolean }> {
  const { digest } = together;
  const isToShow = !isShown(together) && (await isShowable(together, run));
  return {
    isMail: await isDue(toMailOf(together).length > 0, digest.mailedAt, mailedEvery, digest, run),
    isMessage: await isDue(isToShow, digest.drawnAt, digestGrows, digest, run),
  };
}

/** Whether what is wanted may be done now: what was last done less than so many seconds ago waits. */
async function isDue(
  isWanted: boolean,
  last: string | undefined,
  seconds: number,
  { id }: Digest,
  run: Run,
): Promise<boolean> {
  if (!isWanted || last === undefined) return isWanted;
  const age = (run.now().getTime() - new Date(last).getTime()) / 1000;
  if (age < seconds) await ringLater(seconds - age, id, run);
  return age >= seconds;
}

async function ringLater(seconds: number, digest: string, { notices }: Run): Promise<void> {
  await notices.ringAfter(seconds, [{ digest }]);
}

function isShown(together: Together): boolean {
  const { digest, records } = together;
  return digest.drawn === faceOfAll(records) && !isReminderDue(together);
}

function isReminderDue({ digest, stage }: Together): boolean {
  return isLater(stage, digest.remindedStage ?? 'asked');
}

async function isShowable(together: Together, run: Run): Promise<boolean> {
  const place = placeOf(together);
  return place !== undefined && run.slack.takes(place);
}

/** @returns what to remember of it: what Slack did not take is tried again. */
async function show(together: Together, run: Run): Promise<Partial<Digest>> {
  const { digest, group, records, services, stage } = together;
  const place = placeOf(together);
  if (!place) return {};
  const drawing = digestMessage({ id: digest.id, group, records, services }, run.now());
  const drawn = { drawn: faceOfAll(records), drawnAt: run.now().toISOString() };
  if (digest.ts === undefined) {
    const posted = await run.slack.post(place, drawing);
    return posted ? { ...posted, ...drawn, remindedStage: stage } : {};
  }
  const outcome = await run.slack.update(place, digest.ts, drawing);
  if (outcome !== 'updated') return outcome === 'left' ? { ...drawn, remindedStage: stage } : {};
  if (!isReminderDue(together)) return drawn;
  return (await remind(together, place, digest.ts, run)) ? { ...drawn, remindedStage: stage } : drawn;
}

/** Calls upon people below the message, once a stage for all of its members. */
async function remind(
  { digest: { id }, group, records, services, escalation }: Together,
  place: NonNullable<ReturnType<typeof placeOf>>,
  threadTs: string,
  run: Run,
): Promise<boolean> {
  const text = reminderText({ id, group, records, services }, escalation, run.now());
  const reply = await run.slack.post(place, { text, threadTs });
  return reply !== undefined;
}

function placeOf({ digest, group }: Together) {
  const channel = digest.channel ?? group.slackChannel;
  return channel === undefined ? undefined : { group: group.name, channel, subject: { digest: digest.id } };
}

/**
 * Writes what was told onto the digest, which may have grown.
 * @returns false where somebody else has taken it over.
 */
async function keep(
  { id, heldUntil }: Digest,
  told: Partial<Digest>,
  { table }: Run,
  { letsGo = false } = {},
): Promise<boolean> {
  return untilWon(id, async () => {
    const before = await findDigest(id, table);
    if (!before || before.heldUntil !== heldUntil) return false;
    const { heldUntil: _heldUntil, ...free } = before;
    const after = { ...(letsGo ? free : before), ...told, version: before.version + 1 };
    return (await table.write([{ put: digestItem(after), expected: before.version }])) || lost;
  });
}
