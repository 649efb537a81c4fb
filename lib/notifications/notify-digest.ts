import { type Digest, digestItem, findDigest } from '../approvals/digest.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { advanceStages, type DigestState, hasStageToAdvance, loadDigest } from './digest-state.ts';
import { digestWindowSeconds } from './notification.ts';
import { isLeased, leaseUntil } from './notify-deps.ts';
import { channelOfDigest, type DigestRenderResult, isUpToDate, postOrUpdateDigest } from './render-digest.ts';
import { digestEmailRecipients, sendDigestEmails } from './send-digest-emails.ts';
import type { NotificationRun } from './slack-session.ts';

/** How long a digest's mails wait for more of it, in seconds. */
const emailInterval = 60;
/** How soon the last of a digest is tried again, at first and at last, and for how long at all, in seconds. */
const digestRetryDelay = { first: 60, last: 900 };
const digestRetryFor = 7 * 86_400;

/** Mails those who were not mailed yet of its requests, and brings its message in Slack up to their records. */
export async function notifyDigest(id: string, run: NotificationRun): Promise<void> {
  const found = await loadDigest(id, run);
  if (!found) return;
  const { digest } = found;
  if (isLeased(digest, run.now())) return ringLater(digestWindowSeconds, id, run);
  const isToAdvance = hasStageToAdvance(found, run.now());
  const due = await dueSteps(found, run);
  if (!isToAdvance && !due.isMail && !due.isMessage) {
    if (!due.waits) await scheduleRetry(found, run);
    return;
  }

  const { drawn, ...known } = digest;
  const held = {
    ...known,
    // What is shown is not known again before this run says so: it may change the message and die.
    ...(drawn !== undefined && !due.isMessage && { drawn }),
    leaseUntil: leaseUntil(run.now()),
    version: digest.version + 1,
  };
  if (!(await run.table.write([{ put: digestItem(held), expected: digest.version }])))
    return ringLater(digestWindowSeconds, id, run);
  const together = isToAdvance ? await advanceStages(found, run) : found;
  const { isMail, isMessage } = isToAdvance ? await dueSteps(together, run) : due;
  if (isMail) await keep(held, await sendDigestEmails(together, run), run);
  const shown = isMessage ? await postOrUpdateDigest(together, run) : {};
  const isOurs = await keep(held, shown, run, { letsGo: true });
  // Somebody else has taken it over, and posts it.
  const location = channelOfDigest(together);
  if (!isOurs && location && shown.ts !== undefined)
    await run.slack.remove(location, { channel: location.channel, ts: shown.ts });
  if (isOurs) await scheduleRetry({ ...together, digest: isOurs }, run);
}

/** What is to be told now; it is rung for what has to wait. */
async function dueSteps(together: DigestState, run: NotificationRun) {
  const { digest } = together;
  const isToShow = !isUpToDate(together) && (await isShowable(together, run));
  const isMail = await isDue(
    digestEmailRecipients(together).length > 0,
    digest.emailedAt,
    emailInterval,
    digest,
    run,
  );
  const isMessage = await isDue(isToShow, digest.renderedAt, digestWindowSeconds, digest, run);
  return { isMail, isMessage, waits: isToShow && !isMessage };
}

/** Whether what is wanted may be done now: what was last done less than so many seconds ago waits. */
async function isDue(
  isWanted: boolean,
  last: string | undefined,
  seconds: number,
  { id }: Digest,
  run: NotificationRun,
): Promise<boolean> {
  if (!isWanted || last === undefined) return isWanted;
  const age = secondsSince(last, run.now());
  if (age < seconds) await ringLater(seconds - age, id, run);
  return age >= seconds;
}

function secondsSince(time: string, now: Date): number {
  return (now.getTime() - new Date(time).getTime()) / 1000;
}

async function ringLater(seconds: number, digest: string, { notices }: NotificationRun): Promise<void> {
  await notices.enqueueAfter(seconds, [{ digest }]);
}

async function isShowable(together: DigestState, run: NotificationRun): Promise<boolean> {
  const location = channelOfDigest(together);
  return location !== undefined && run.slack.takes(location);
}

/**
 * Nothing leads back to a digest whose requests are all decided: it is rung for till Slack has taken the last of it, ever more
 * seldom, and by one ring at a time.
 */
async function scheduleRetry(together: DigestState, run: NotificationRun): Promise<void> {
  const { digest, records } = together;
  if (isUpToDate(together) || records.some(isAwaitingApproval) || !channelOfDigest(together)) return;
  const now = run.now();
  if (digest.late && new Date(digest.late.until) > now) return;
  const since = digest.late?.since ?? now.toISOString();
  const age = secondsSince(since, now);
  if (age > digestRetryFor) return;
  const seconds = Math.min(Math.max(age, digestRetryDelay.first), digestRetryDelay.last);
  // A clock that is a little behind is to take that ring for the one that it is.
  const until = new Date(now.getTime() + (seconds * 1000) / 2).toISOString();
  if (await keep(digest, { late: { since, until } }, run)) await ringLater(seconds, digest.id, run);
}

/**
 * Writes what was told onto the digest, which may have grown.
 * @returns nothing where somebody else has taken it over.
 */
async function keep(
  { id, leaseUntil }: Digest,
  { isSettled = false, ...told }: DigestRenderResult,
  { table }: NotificationRun,
  { letsGo = false } = {},
): Promise<Digest | undefined> {
  return retryOnConflict(id, async () => {
    const before = await findDigest(id, table);
    if (!before || before.leaseUntil !== leaseUntil) return undefined;
    const after: Digest = { ...before, ...told, version: before.version + 1 };
    if (letsGo) delete after.leaseUntil;
    if (told.drawn !== undefined) delete after.late;
    if (isSettled) delete after.previousSlackMessage;
    return (await table.write([{ put: digestItem(after), expected: before.version }])) ? after : conflict;
  });
}
