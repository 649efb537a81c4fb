import { isOpen } from '../connection/connection-record.ts';
import { lost, untilWon } from '../table/contention.ts';
import { type Digest, digestItem, findDigest } from './digest.ts';
import { drawDigest, isShown, placeOf, type Told } from './draw-digest.ts';
import { digestGrows } from './notice.ts';
import { sendDigestMails, toMailOf } from './send-digest-mails.ts';
import type { Run } from './slack-of-run.ts';
import { holdFrom, isHeld } from './telling.ts';
import { advanceAll, isAnyToAdvance, readTogether, type Together } from './together.ts';

/** How long a digest's mails wait for more of it, in seconds. */
const mailedEvery = 60;
/** How soon the last of a digest is tried again, at first and at last, and for how long at all, in seconds. */
const triedAgain = { first: 60, last: 900 };
const triedFor = 7 * 86_400;

/** Mails those who were not mailed yet of its requests, and brings its message in Slack up to their records. */
export async function tellOfDigest(id: string, run: Run): Promise<void> {
  const found = await readTogether(id, run);
  if (!found) return;
  const { digest } = found;
  if (isHeld(digest, run.now())) return ringLater(digestGrows, id, run);
  const isToAdvance = isAnyToAdvance(found, run.now());
  const due = await dueOf(found, run);
  if (!isToAdvance && !due.isMail && !due.isMessage) {
    if (!due.waits) await rememberLate(found, run);
    return;
  }

  const { drawn, ...known } = digest;
  const held = {
    ...known,
    // What is shown is not known again before this run says so: it may change the message and die.
    ...(drawn !== undefined && !due.isMessage && { drawn }),
    heldUntil: holdFrom(run.now()),
    version: digest.version + 1,
  };
  if (!(await run.table.write([{ put: digestItem(held), expected: digest.version }])))
    return ringLater(digestGrows, id, run);
  const together = isToAdvance ? await advanceAll(found, run) : found;
  const { isMail, isMessage } = isToAdvance ? await dueOf(together, run) : due;
  if (isMail) await keep(held, await sendDigestMails(together, run), run);
  const shown = isMessage ? await drawDigest(together, run) : {};
  const isOurs = await keep(held, shown, run, { letsGo: true });
  // Somebody else has taken it over, and posts it.
  const place = placeOf(together);
  if (!isOurs && place && shown.ts !== undefined)
    await run.slack.remove(place, { channel: place.channel, ts: shown.ts });
  if (isOurs) await rememberLate({ ...together, digest: isOurs }, run);
}

/** What is to be told now; it is rung for what has to wait. */
async function dueOf(together: Together, run: Run) {
  const { digest } = together;
  const isToShow = !isShown(together) && (await isShowable(together, run));
  const isMail = await isDue(toMailOf(together).length > 0, digest.mailedAt, mailedEvery, digest, run);
  const isMessage = await isDue(isToShow, digest.drawnAt, digestGrows, digest, run);
  return { isMail, isMessage, waits: isToShow && !isMessage };
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
  const age = secondsSince(last, run.now());
  if (age < seconds) await ringLater(seconds - age, id, run);
  return age >= seconds;
}

function secondsSince(time: string, now: Date): number {
  return (now.getTime() - new Date(time).getTime()) / 1000;
}

async function ringLater(seconds: number, digest: string, { notices }: Run): Promise<void> {
  await notices.ringAfter(seconds, [{ digest }]);
}

async function isShowable(together: Together, run: Run): Promise<boolean> {
  const place = placeOf(together);
  return place !== undefined && run.slack.takes(place);
}

/**
 * Nothing leads back to a digest whose requests are all decided: it is rung for till Slack has taken the last of it, ever more
 * seldom, and by one ring at a time.
 */
async function rememberLate(together: Together, run: Run): Promise<void> {
  const { digest, records } = together;
  if (isShown(together) || records.some(isOpen) || !placeOf(together)) return;
  const now = run.now();
  if (digest.late && new Date(digest.late.until) > now) return;
  const since = digest.late?.since ?? now.toISOString();
  const age = secondsSince(since, now);
  if (age > triedFor) return;
  const seconds = Math.min(Math.max(age, triedAgain.first), triedAgain.last);
  // A clock that is a little behind is to take that ring for the one that it is.
  const until = new Date(now.getTime() + (seconds * 1000) / 2).toISOString();
  if (await keep(digest, { late: { since, until } }, run)) await ringLater(seconds, digest.id, run);
}

/**
 * Writes what was told onto the digest, which may have grown.
 * @returns nothing where somebody else has taken it over.
 */
async function keep(
  { id, heldUntil }: Digest,
  { isSettled = false, ...told }: Told,
  { table }: Run,
  { letsGo = false } = {},
): Promise<Digest | undefined> {
  return untilWon(id, async () => {
    const before = await findDigest(id, table);
    if (!before || before.heldUntil !== heldUntil) return undefined;
    const after: Digest = { ...before, ...told, version: before.version + 1 };
    if (letsGo) delete after.heldUntil;
    if (told.drawn !== undefined) delete after.late;
    if (isSettled) delete after.formerly;
    return (await table.write([{ put: digestItem(after), expected: before.version }])) ? after : lost;
  });
}
