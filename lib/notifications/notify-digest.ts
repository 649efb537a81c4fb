import { type Digest, digestItem, findDigest } from '../approvals/digest.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { advanceStages, type DigestState, hasStageToAdvance, loadDigest } from './digest-state.ts';
import { digestWindowSeconds } from './notification.ts';
import { isLeased, newLeaseEnd } from './notify-deps.ts';
import {
  type DigestRenderResult,
  isDigestUpToDate,
  postOrUpdateDigest,
  selectDigestDestination,
} from './render-digest.ts';
import { selectRequestsToEmail, sendDigestEmails } from './send-digest-emails.ts';
import type { NotificationRun } from './slack-session.ts';

/** How long a digest's mails wait for more of it, in seconds. */
const digestEmailIntervalSeconds = 60;
/** How soon the last of a digest is tried again, at first and at last, and for how long at all, in seconds. */
const digestRetryDelaySeconds = { first: 60, last: 900 };
const digestRetryWindowSeconds = 7 * 86_400;

/** Mails those who were not mailed yet of its requests, and brings its message in Slack up to their records. */
export async function notifyDigest(id: string, run: NotificationRun): Promise<void> {
  const found = await loadDigest(id, run);
  if (!found) return;
  const { digest } = found;
  if (isLeased(digest, run.now())) return enqueueDigest(digestWindowSeconds, id, run);
  const isToAdvance = hasStageToAdvance(found, run.now());
  const due = await planDigestSteps(found, run);
  if (!isToAdvance && !due.isMail && !due.isMessage) {
    if (!due.waits) await scheduleDigestRetry(found, run);
    return;
  }

  const { contentHash, ...known } = digest;
  const held = {
    ...known,
    // What is shown is not known again before this run says so: it may change the message and die.
    ...(contentHash !== undefined && !due.isMessage && { contentHash }),
    leaseUntil: newLeaseEnd(run.now()),
    version: digest.version + 1,
  };
  if (!(await run.table.write([{ put: digestItem(held), expected: digest.version }])))
    return enqueueDigest(digestWindowSeconds, id, run);
  const together = isToAdvance ? await advanceStages(found, run) : found;
  const { isMail, isMessage } = isToAdvance ? await planDigestSteps(together, run) : due;
  if (isMail) await saveDigest(held, await sendDigestEmails(together, run), run);
  const shown = isMessage ? await postOrUpdateDigest(together, run) : {};
  const isOurs = await saveDigest(held, shown, run, { letsGo: true });
  // Somebody else has taken it over, and posts it.
  const location = selectDigestDestination(together);
  if (!isOurs && location && shown.ts !== undefined)
    await run.slack.remove(location, { channel: location.channel, ts: shown.ts });
  if (isOurs) await scheduleDigestRetry({ ...together, digest: isOurs }, run);
}

/** What is to be told now; it is rung for what has to wait. */
async function planDigestSteps(together: DigestState, run: NotificationRun) {
  const { digest } = together;
  const isToShow = !isDigestUpToDate(together) && (await canPostDigest(together, run));
  const isMail = await enqueueUnlessDue(
    selectRequestsToEmail(together).length > 0,
    digest.emailedAt,
    digestEmailIntervalSeconds,
    digest,
    run,
  );
  const isMessage = await enqueueUnlessDue(isToShow, digest.renderedAt, digestWindowSeconds, digest, run);
  return { isMail, isMessage, waits: isToShow && !isMessage };
}

/** Whether what is wanted may be done now: what was last done less than so many seconds ago waits. */
async function enqueueUnlessDue(
  isWanted: boolean,
  last: string | undefined,
  seconds: number,
  { id }: Digest,
  run: NotificationRun,
): Promise<boolean> {
  if (!isWanted || last === undefined) return isWanted;
  const age = secondsSince(last, run.now());
  if (age < seconds) await enqueueDigest(seconds - age, id, run);
  return age >= seconds;
}

function secondsSince(time: string, now: Date): number {
  return (now.getTime() - new Date(time).getTime()) / 1000;
}

async function enqueueDigest(
  seconds: number,
  digest: string,
  { notificationQueue }: NotificationRun,
): Promise<void> {
  await notificationQueue.enqueueAfter(seconds, [{ digest }]);
}

async function canPostDigest(together: DigestState, run: NotificationRun): Promise<boolean> {
  const location = selectDigestDestination(together);
  return location !== undefined && run.slack.canSend(location);
}

/**
 * Nothing leads back to a digest whose requests are all decided: it is rung for till Slack has taken the last of it, ever more
 * seldom, and by one ring at a time.
 */
async function scheduleDigestRetry(together: DigestState, run: NotificationRun): Promise<void> {
  const { digest, records } = together;
  if (isDigestUpToDate(together) || records.some(isAwaitingApproval) || !selectDigestDestination(together))
    return;
  const now = run.now();
  if (digest.retry && new Date(digest.retry.nextAt) > now) return;
  const since = digest.retry?.since ?? now.toISOString();
  const age = secondsSince(since, now);
  if (age > digestRetryWindowSeconds) return;
  const seconds = Math.min(Math.max(age, digestRetryDelaySeconds.first), digestRetryDelaySeconds.last);
  // A clock that is a little behind is to take that ring for the one that it is.
  const until = new Date(now.getTime() + (seconds * 1000) / 2).toISOString();
  if (await saveDigest(digest, { retry: { since, nextAt: until } }, run))
    await enqueueDigest(seconds, digest.id, run);
}

/**
 * Writes what was told onto the digest, which may have grown.
 * @returns nothing where somebody else has taken it over.
 */
async function saveDigest(
  { id, leaseUntil }: Digest,
  { isPreviousUpdated = false, ...told }: DigestRenderResult,
  { table }: NotificationRun,
  { letsGo = false } = {},
): Promise<Digest | undefined> {
  return retryOnConflict(id, async () => {
    const before = await findDigest(id, table);
    if (!before || before.leaseUntil !== leaseUntil) return undefined;
    const after: Digest = { ...before, ...told, version: before.version + 1 };
    if (letsGo) delete after.leaseUntil;
    if (told.contentHash !== undefined) delete after.retry;
    if (isPreviousUpdated) delete after.previousSlackMessage;
    return (await table.write([{ put: digestItem(after), expected: before.version }])) ? after : conflict;
  });
}
